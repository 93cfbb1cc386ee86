local fake_gate = require "spec.support.fake_gate"

describe("examples/plugins/api.lua", function()
  local gate, ann

  before_each(function()
    gate = fake_gate.load("examples/plugins/api.lua", { key = "secret" },
      { with = { "scripts/auth.lua", "scripts/rooms.lua" } })
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = "tea" })
  end)

  local function say(body, key, room)
    return gate:http("POST", ("/api/rooms/%s/say"):format(room or "tea"),
      { body = body, authorization = key or "Bearer secret" })
  end

  it("does not load without a key", function()
    local ok, problem = pcall(fake_gate.load, "examples/plugins/api.lua", nil,
      { with = { "scripts/auth.lua", "scripts/rooms.lua" } })
    assert.is_false(ok)
    assert.matches('option "key": expected a string', problem)
  end)

  it("lists the rooms", function()
    local response = gate:http("GET", "/api/rooms", { authorization = "Bearer secret" })
    assert.equal(200, response.status)
    assert.same({ rooms = { tea = 1 } }, response.data)
  end)

  it("says something in a room", function()
    local response = say '{"from":"weather","data":{"text":"it rains"}}'
    assert.equal(202, response.status)
    assert.same({ at = gate.core.now_ms }, response.data)
    assert.same({ { type = "said", room = "tea", from = "weather", data = { text = "it rains" },
      at = gate.core.now_ms } }, ann.heard)
  end)

  it("knows nobody without the key", function()
    for _, key in ipairs { "", "secret", "Bearer ", "Bearer secret2", "bearer secret" } do
      local response = say('{"from":"eve","data":1}', key)
      assert.equal(401, response.status, key)
      assert.same({ error = "not_authenticated" }, response.data)
    end
    assert.equal(401, gate:http("GET", "/api/rooms").status)
    assert.same({}, ann.heard)
  end)

  it("refuses what has not the shape", function()
    for _, body in ipairs { "", "{", "7", "[]", '{"from":"a"}', '{"data":1}',
      '{"from":7,"data":1}' } do
      assert.equal(400, say(body).status, body)
    end
    assert.same({}, ann.heard)
  end)

  it("makes no rooms", function()
    assert.equal(404, say('{"from":"a","data":1}', nil, "milk").status)
  end)

  it("says when something is too long, or when too much waits", function()
    gate.core.answers.moon_publish = gate.core.C.MOON_EBIG
    assert.equal(413, say('{"from":"a","data":1}').status)
    gate.core.answers.moon_publish = gate.core.C.MOON_EFULL
    local response = say '{"from":"a","data":1}'
    assert.equal(503, response.status)
    assert.equal("1", response.headers["Retry-After"])
  end)
end)
