local audience = require "router.audience"

describe("an audience", function()
  --- A connection by "/ws" that is open, or what is given.
  local function conn_of(given)
    local conn = { is_open = true, route = "/ws", protocol = "", state = {},
      codec = { protocol = "moongate.v1.json" }, sent = 0 }
    for field, value in pairs(given or {}) do conn[field] = value end
    function conn.send(self)
      if self.is_full then return nil, "full" end
      self.sent = self.sent + 1
      return true
    end
    return conn
  end

  it("is of those who speak the protocol", function()
    assert.is_true(audience.speaks(conn_of()))
    assert.is_false(audience.speaks(conn_of { route = "/game" }))
    assert.is_false(audience.speaks(conn_of { route = "/game", protocol = "dice.v2" }))
    assert.is_true(audience.speaks(conn_of { route = "/chat", protocol = "moongate.v1.json" }))
    assert.is_true(audience.speaks(conn_of { route = "/chat", protocol = "moongate.v1.msgpack",
      codec = { protocol = "moongate.v1.msgpack" } }))
  end)

  it("is of those who are to stay", function()
    assert.is_true(audience.hears(conn_of()))
    for _, given in ipairs { { is_open = false }, { state = { ended = "logged_out" } },
      { state = { appeal = "open" } }, { state = { appeal = "made" } }, { route = "/game" } } do
      assert.is_false(audience.hears(conn_of(given)))
    end
  end)

  it("is told on all connections that hear", function()
    local first, second, game = conn_of(), conn_of(), conn_of { route = "/game" }
    assert.is_true(audience.tell({ conns = { first, second, game } }, { type = "invited" }))
    assert.same({ 1, 1, 0 }, { first.sent, second.sent, game.sent })
  end)

  it("is told nothing when none of them hears, or has a place for it", function()
    local game, full = conn_of { route = "/game" }, conn_of { is_full = true }
    assert.is_false(audience.tell({ conns = { game, full } }, { type = "invited" }))
    assert.is_true(audience.tell({ conns = { game, full, conn_of() } }, { type = "invited" }))
  end)
end)
