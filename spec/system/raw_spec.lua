local client = require "spec.support.client"
local server = require "spec.support.server"

describe("a raw path", function()
  it("gives every message back as it came (examples/echo.lua)", function()
    local house = server.start { app = "examples/echo.lua" }
    local ann = client.connect(house.port, "/echo")
    for _, size in ipairs { 0, 1, 125, 126, 65535, 65536 } do
      ann:send(client.TEXT, ("t"):rep(size))
      ann:send(client.BINARY, ("\255"):rep(size))
      local text, opcode = ann:read()
      assert.same({ client.TEXT, ("t"):rep(size) }, { opcode, text })
      text, opcode = ann:read()
      assert.same({ client.BINARY, ("\255"):rep(size) }, { opcode, text })
    end
    assert.equal(1000, ann:close())
    assert.equal(404, client.request(house.port, client.upgrade("/ws", house.port)).status)
    house:stop()
  end)

  it("carries messages to all of one path and no other (examples/relay.lua)", function()
    local house = server.start { app = "examples/relay.lua", arguments = { "--threads", "2" } }
    local tea, milk = {}, {}
    for i = 1, 8 do
      for list, path in pairs { [tea] = "/relay/tea", [milk] = "/relay/milk" } do
        list[i] = client.connect(house.port, path)
        list[i]:send_text(path .. i) -- a member hears itself, so this says that it has joined
        repeat until list[i]:read() == path .. i
      end
    end
    for list, path in pairs { [tea] = "/relay/tea", [milk] = "/relay/milk" } do
      list[1]:send(client.BINARY, "\0" .. path)
      for i, each in ipairs(list) do
        for later = i + 1, 8 do assert.equal(path .. later, (each:read())) end
        assert.same({ "\0" .. path, client.BINARY }, { each:read() })
      end
    end
    for i = 1, 8 do
      assert.equal(1000, tea[i]:close())
      assert.equal(1000, milk[i]:close())
    end
    house:stop()
  end)

  it("sees path, query, params, address and the reason of the end", function()
    local house = server.start { plugins = { look = [[return function(gate)
      gate:raw("/look/{a}/{b}", {
        opened = function(conn)
          conn:send(table.concat({ conn.path, conn.query, conn.params.a, conn.params.b,
            conn.address, conn.route }, " "))
        end,
        received = function(conn, bytes) conn:close(4500, bytes) end,
        closed = function(conn, reason, code) gate:info("%s %s %d", conn.path, reason, code) end,
      })
    end]] } }
    local ann = client.connect(house.port, "/look/1/two?x=3&y=4")
    assert.equal("/look/1/two x=3&y=4 1 two 127.0.0.1 /look/{a}/{b}", (ann:read()))
    ann:send_text "enough"
    assert.same({ 4500, "enough" }, { ann:is_closed() })
    house:logs "/look/1/two script 4500"
    local bob = client.connect(house.port, "/look/3/4")
    bob:cut()
    house:logs "/look/3/4 lost 1006"
    house:stop()
  end)
end)
