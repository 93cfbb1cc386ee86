local fake_gate = require "spec.support.fake_gate"

describe("router, a batch", function()
  local gate, conn

  local ECHO = [[return function(gate)
    gate:on("echo", function(_, message) return { data = message.data } end)
    gate:on("doze", function(_, message) gate:sleep(message.ms) return {} end)
    gate:on("never", function() return nil, "never" end)
  end]]

  before_each(function()
    gate = fake_gate.load "scripts/router.lua"
    assert(gate:reload { echo = ECHO })
    conn = gate:connect()
  end)

  --- What a text brings back: all that was heard since.
  local function send(text, binary)
    conn.heard = {}
    gate:receive(conn, text, binary)
    return conn.heard
  end

  --- The one reply to a text that is refused.
  local function refused(text)
    local heard = send(text)
    assert.equal(1, #heard, text)
    return heard[1].error.code, heard[1].error.message
  end

  it("is carried out in order, each request with a reply of its own", function()
    local heard =
      send '[{"type":"echo","id":1,"data":"a"},{"type":"never","id":2},{"type":"ping"}]'
    assert.equal(3, #heard)
    assert.same({ 1, "a" }, { heard[1].id, heard[1].data.data })
    assert.same({ 2, "never" }, { heard[2].id, heard[2].error.code })
    assert.equal(1760000000000, heard[3].data.at)
  end)

  it("keeps the order also when a request waits", function()
    assert.same({}, send '[{"type":"doze","id":1,"ms":10},{"type":"ping","id":2}]')
    gate:later(10)
    assert.same({ 1, 2 }, { conn.heard[1].id, conn.heard[2].id })
  end)

  it("goes on after what is no request", function()
    local heard = send '[7,null,[],{},{"type":"ping","id":{}},{"type":"ping","id":5}]'
    local codes = {}
    for i = 1, 5 do codes[i] = heard[i].error.code end
    assert.same({ "bad_json", "bad_json", "bad_request", "bad_request", "bad_request" }, codes)
    assert.same({ 5, true }, { heard[6].id, heard[6].ok })
  end)

  it("is refused when it is empty or too long, and nothing of it is carried out", function()
    for _, text in ipairs { "[]", " [ ] ", ("[%s{}]"):format(("{},"):rep(64)) } do
      local code, text_of_it = refused(text)
      assert.equal("bad_batch", code)
      assert.matches("^expected 1 to 64 requests, got %d+$", text_of_it)
    end
    assert.equal(64, #send(("[%s{}]"):format(("{},"):rep(63))))
  end)

  it("may be as long as an option says", function()
    assert(gate:reload({}, { router = { max_batch = 2 } }))
    assert.equal("bad_batch", (refused "[{},{},{}]"))
    assert.equal(2, #send "[{},{}]")
    assert.equal(2, gate:connect().heard[1].max_batch)
  end)

  it("counts as so many requests for what may wait", function()
    gate:receive(conn, '{"type":"doze","ms":1000}')
    local batch = ("[%s{\"type\":\"ping\"}]"):format(('{"type":"ping"},'):rep(63))
    for _ = 1, 4 do assert.equal(0, #send(batch)) end
    local heard = send(batch)
    assert.equal(64, #heard)
    assert.equal("too_many_requests", heard[1].error.code)
  end)

  it("counts as so many messages for the rate", function()
    send '[{"type":"ping"},{"type":"ping"},{}]'
    assert.same({ { verb = "charge", status = 0, conn = conn.id, messages = 2 } },
      gate.core:issued "charge")
    send '[{"type":"ping"}]'
    send '{"type":"ping"}'
    send "[]"
    assert.equal(1, #gate.core:issued "charge")
  end)

  it("in MessagePack is one, too", function()
    conn = gate:connect(nil, { protocol = "moongate.v1.msgpack" })
    local bytes = gate.world.msgpack.encode { { type = "ping", id = 1 },
      { type = "ping", id = 2 } }
    local heard = send(bytes, true)
    assert.same({ 1, 2 }, { heard[1].id, heard[2].id })
  end)
end)
