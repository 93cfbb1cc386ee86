local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"

describe("a client that stops reading", function()
  local house

  setup(function()
    house = server.start { arguments = { "--max-outbox-bytes", "65536",
      "--close-timeout-ms", "300" } }
    -- Who is closed is out at once, in place of half a minute later.
    local list, count = file.read(house.app .. "/init.lua"):gsub(", presence = true", "")
    assert.equal(1, count)
    house:save("init", list)
    house:logs "generation 2"
  end)
  teardown(function() house:stop() end)

  it("is closed with 4008, and the others see nothing of it", function()
    local ann = client.guest(house.port, "ann", "tea")
    local bob = client.guest(house.port, "bob", "tea")
    local cat = client.guest(house.port, "cat", "tea")
    local chunk = ("x"):rep(16000)
    local heard, left = 0, false
    for n = 1, 4000 do -- more than any socket buffer holds; cat reads nothing of it
      ann:says { type = "say", room = "tea", data = { n, chunk } }
      for _, reader in ipairs { ann, bob } do
        local message
        repeat
          message = reader:next()
          if message.type == "left" then left = message.user end
        until message.type == "said"
        assert.equal(n, message.data[1])
      end
      heard = n
      if left then break end
    end
    assert.equal("cat", left)
    assert.is_true(heard > 1)
    local order = 0 -- what did reach cat is a beginning without a gap
    local text = cat:read()
    while text do
      local message = require("cjson").decode(text)
      if message.type == "said" then
        order = order + 1
        assert.equal(order, message.data[1])
      end
      text = cat:read()
    end
    assert.is_true(cat.closed.code == 4008 or cat.closed.code == 1006)
    assert.is_true(order < heard)
    assert.is_true(ann:asks({ type = "ping" }).ok)
    ann:close()
    bob:close()
  end)

  it("learns the reason when it reads on in time", function()
    local patient = server.start { arguments = { "--max-outbox-bytes", "65536" }, plugins = {
      flood = [[return function(gate)
        gate:on("flood", function(conn)
          for _ = 1, 600 do conn:send(("x"):rep(60000)) end
          return {}
        end)
        gate:after("closed", function(conn, reason, code)
          gate:info("%s closed: %s %d", conn.user, reason, code)
        end)
      end]] } }
    local cat = client.guest(patient.port, "cat")
    cat:says { type = "flood" }
    patient:logs "cat closed: slow 4008"
    local code, reason = cat:is_closed()
    assert.equal(4008, code)
    assert.equal("slow", reason)
    patient:stop()
  end)
end)
