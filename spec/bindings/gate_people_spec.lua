local fake_gate = require "spec.support.fake_gate"

describe("gate:conns, gate:users and gate:rooms", function()
  local gate, met

  before_each(function()
    gate = fake_gate.load { a = [[return function(gate)
      gate:on("enter", function(conn) gate:room(conn.user):add(conn) end)
      gate:on("walk", function(_, message)
        local met = gate.state
        for key in gate[message.what](gate) do
          met.count, met[key] = (met.count or 0) + 1, (met[key] or 0) + 1
          gate:sleep(5)
        end
      end)
    end]] }
    met = gate.world.state.of "a"
  end)

  local function enter(name)
    local conn = gate:connect(name)
    gate:deliver(conn, { type = "enter" })
    return conn
  end

  for _, what in ipairs { "conns", "users", "rooms" } do
    it("has each once, and none that has gone, when the loop waits: " .. what, function()
      local watcher, stays, goes = gate:connect "watcher", {}, {}
      for i = 1, 20 do
        stays[i], goes[i] = enter("stays" .. i), enter("goes" .. i)
      end
      gate:ask(watcher, { type = "walk", what = what })
      for _, conn in ipairs(goes) do gate:close(conn) end
      for i = 1, 100 do enter("new" .. i) end
      gate:later(1000)
      for i, conn in ipairs(stays) do
        assert.equal(1, met[what == "conns" and conn.id or "stays" .. i])
      end
      assert.is_true(met.count <= #stays + 2) -- the watcher, and one that was met before it went
    end)
  end
end)
