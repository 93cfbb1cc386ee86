local client = require "spec.support.client"
local server = require "spec.support.server"

local BAD = [[return function(gate)
  gate:on("fail", function() error("oh no") end)
  gate:on("nonsense", function() return { f = print } end)
  gate:on("deep", function() local function f() return 1 + f() end return f() end)
  gate:on("later", function() gate:after_ms(1, function() error("too late") end) return {} end)
  gate:on("doze", function() gate:sleep(50) return { slept = true } end)
  gate:after("opened", function() error("no welcome") end)
  gate:raw("/raw", { received = function() error("raw") end })
end]]

describe("a script's error", function()
  local house, ann

  setup(function()
    house = server.start { plugins = { bad = BAD } }
    for _, text in ipairs { "oh no", "stack overflow", "too late", "no welcome", "raw",
      "cannot encode" } do
      house:expects(text)
    end
    ann = client.guest(house.port, "ann", "tea")
  end)
  teardown(function() house:stop() end)

  local function works()
    ann:says { type = "say", room = "tea", data = "still here" }
    assert.equal("still here", ann:hears({ type = "said" }).data)
  end

  it("gives the client `internal`, and the log plugin, generation, file and line", function()
    local reply = ann:asks { type = "fail" }
    assert.equal("internal", reply.error.code)
    house:logs "bad#1: on fail: "
    house:logs "bad.lua:2: oh no"
    works()
  end)

  it("leaves everything else working: a stack overflow, a timer, a hook, raw traffic",
    function()
      assert.equal("internal", ann:asks({ type = "deep" }).error.code)
      assert.is_true(ann:asks({ type = "later" }).ok)
      house:logs "bad.lua:5: too late"
      house:logs "bad#1: after opened: "
      local raw = client.connect(house.port, "/raw")
      raw:send_text "x"
      house:logs "bad#1: received: "
      raw:send(client.PING, "there?")
      local opcode, payload = raw:read_frame()
      assert.equal(client.PONG, opcode)
      assert.equal("there?", payload)
      raw:close()
      works()
    end)

  it("answers a reply that cannot be encoded with `internal`", function()
    assert.equal("internal", ann:asks({ type = "nonsense" }).error.code)
    works()
  end)

  it("lets others run while one sleeps, and keeps the order of each", function()
    local bob = client.guest(house.port, "bob")
    ann:says { type = "doze", id = 1001 }
    ann:says { type = "ping", id = 1002 }
    assert.is_true(bob:asks({ type = "ping" }).ok)
    assert.is_true(ann:hears({ type = "reply", id = 1001 }).data.slept)
    assert.equal(1002, ann:hears({ type = "reply" }).id)
    bob:close()
  end)
end)
