local client = require "spec.support.client"
local fake_core = require "spec.support.fake_core"
local server = require "spec.support.server"

local MSGPACK = "moongate.v1.msgpack"

describe("two codecs", function()
  local house, msgpack

  setup(function()
    msgpack = fake_core.world().msgpack
    house = server.start { is_patient = true,
      arguments = { "--threads", "2" },
      plugins = { flood = [[return function(gate)
        -- Publishes until there is no more room, with ever smaller texts; counts what was taken.
        -- There is none for a reply either.
        gate:on("flood", function(_, message)
          local taken, reasons = 0, {}
          for size = 18, 8, -1 do
            local sent, reason
            repeat
              sent, reason = gate:room(message.room):publish({ x = ("x"):rep(2 ^ size) },
                { class = "volatile" })
              if sent then taken = taken + 1 end
            until not sent
            reasons[#reasons + 1] = reason
          end
          gate:info("%d taken, then %s", taken, table.concat(reasons, " "))
        end)
        gate:after("closed", function(conn, _, _, books)
          gate:info("%s was sent %d", conn.user, books.sent.volatile)
        end)
      end]] },
    }
  end)
  teardown(function() house:stop() end)

  --- A client that speaks MessagePack: says what a table says, reads until a message fits.
  local function connect(protocol)
    local one = client.connect(house.port, "/ws", { ["Sec-WebSocket-Protocol"] = protocol })
    one.says = function(self, message)
      self:send(client.BINARY, assert(msgpack.encode(message)))
    end
    one.hears = function(self, wanted)
      while true do
        local bytes, opcode = self:read()
        assert.equal(client.BINARY, opcode)
        local message, reason = msgpack.decode(bytes)
        assert.is_nil(reason)
        local fits = true
        for key, value in pairs(wanted) do fits = fits and message[key] == value end
        if fits then return message end
      end
    end
    return one
  end

  local function guest(name, ...)
    local one = connect(MSGPACK)
    assert.equal("moongate.v1", one:hears({ type = "hello" }).protocol)
    assert.is_true(one:asks({ type = "auth", data = { name = name } }).ok)
    for _, room in ipairs { ... } do assert.is_true(one:asks({ type = "join", room = room }).ok) end
    return one
  end

  it("agree on the one that the client names first", function()
    for _, offer in ipairs { MSGPACK, MSGPACK .. ", moongate.v1.json", "soap, " .. MSGPACK } do
      local one = connect(offer)
      assert.is_truthy(one.head:find("Sec%-WebSocket%-Protocol: moongate%.v1%.msgpack"))
      one:cut()
    end
    local other = client.connect(house.port, "/ws",
      { ["Sec-WebSocket-Protocol"] = "moongate.v1.json, " .. MSGPACK })
    assert.equal("hello", other:hears({ type = "hello" }).type)
    other:cut()
  end)

  it("let people talk to each other", function()
    local ann = client.guest(house.port, "ann", "tea")
    local eve = guest("eve", "tea")
    assert.equal("eve", ann:hears({ type = "joined" }).user)
    local data = { text = "h\195\169llo", list = { 1, -2, 0.5, true }, n = 1760000000123 }
    ann:says { type = "say", room = "tea", data = data }
    assert.same(data, eve:hears({ type = "said", from = "ann" }).data)
    assert.is_true(eve:asks({ type = "say", room = "tea", data = data }).ok)
    assert.same(data, ann:hears({ type = "said", from = "eve" }).data)
    ann:close()
    assert.equal("ann", eve:hears({ type = "left" }).user)
    assert.equal(1000, eve:close())
  end)

  it("hear a room in one order", function()
    local ann, eve = client.guest(house.port, "ann", "den"), guest("eve", "den")
    for n = 1, 100 do
      ann:says { type = "say", room = "den", data = { "ann", n } }
      eve:says { type = "say", room = "den", data = { "eve", n } }
    end
    local orders = {}
    for i, one in ipairs { ann, eve } do
      local order, last = {}, { ann = 0, eve = 0 }
      for k = 1, 200 do
        local said = one:hears { type = "said" }
        assert.equal(last[said.from] + 1, said.data[2])
        last[said.from] = said.data[2]
        order[k] = said.from
      end
      orders[i] = table.concat(order, " ")
    end
    assert.equal(orders[1], orders[2])
    ann:close()
    eve:close()
  end)

  it("refuse frames of the other kind, and what is cut off", function()
    local eve = guest "eve"
    eve:send_text '{"type":"ping"}'
    assert.equal("bad_encoding", eve:hears({ type = "reply" }).error.code)
    eve:send(client.BINARY, "\129\164type")
    assert.equal("bad_msgpack", eve:hears({ type = "reply" }).error.code)
    assert.is_true(eve:asks({ type = "ping" }).ok)
    eve:close()
  end)

  it("carry bytes among those who can hear them", function()
    local eve, ann = guest("eve", "bin"), client.guest(house.port, "ann")
    eve:says { type = "say", room = "bin", data = "\0\255" }
    assert.equal("\0\255", eve:hears({ type = "said" }).data)
    assert.is_true(ann:asks({ type = "join", room = "bin" }).ok)
    assert.equal("bad_request", eve:asks({ type = "say", room = "bin", data = "\255" }).error.code)
    ann:close()
    eve:close()
  end)

  it("get all or nothing of what is published when there is no more room", function()
    local ann, eve = client.guest(house.port, "ann", "flood"), guest("eve", "flood")
    ann:says { type = "flood", room = "flood" }
    house:logs(" taken, then " .. ("full "):rep(11):sub(1, -2))
    local taken = house:log():match "(%d+) taken"
    assert.is_true(tonumber(taken) > 100)
    for _, one in ipairs { ann, eve } do
      assert.is_true(one:asks({ type = "ping" }).ok) -- all that was taken has been given to it
      one:close()
    end
    for _, name in ipairs { "ann", "eve" } do
      house:logs(("%s was sent %s\n"):format(name, taken))
    end
  end)
end)
