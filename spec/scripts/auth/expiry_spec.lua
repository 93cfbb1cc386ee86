local auth = require "spec.support.auth"
local fake_crypto = require "spec.support.fake_crypto"

local SECRET = ("s"):rep(32)

describe("auth expiry", function()
  local gate, now_s

  local function load(require_exp)
    gate = auth.load { methods = { "jwt" }, grace_ms = 10000, skew_ms = 0,
      require_exp = require_exp,
      keys = { { algorithm = "HS256", secret = SECRET } } }
    now_s = gate.core.now_ms / 1000
  end

  --- Of Ann, good for so long from the start of the spec.
  local function token(lifetime_s, user)
    return fake_crypto.sign({ alg = "HS256" }, { sub = user or "ann", exp = now_s + lifetime_s },
      SECRET)
  end

  local function warnings(conn)
    local count = 0
    for _, message in ipairs(conn.heard) do
      count = count + (message.type == "token_expiring" and 1 or 0)
    end
    return count
  end

  before_each(function() load() end)

  it("is told with the name", function()
    local conn = gate:connect()
    assert.same({ user = "ann", expires_at = (now_s + 100) * 1000 },
      auth.ask(gate, conn, { token = token(100) }))
  end)

  it("is announced at 80 % of the lifetime, and comes after the grace", function()
    local conn = auth.enter(gate, token(100))
    gate:later(79000)
    assert.equal(0, warnings(conn))
    gate:later(2000)
    assert.same({ type = "token_expiring", expires_at = (now_s + 100) * 1000 },
      auth.heard(conn, "token_expiring"))
    gate:later(28000)
    assert.is_nil(auth.closed(gate, conn))
    gate:later(2000)
    assert.same({ 4401, "token_expired" }, { auth.closed(gate, conn) })
    assert.equal(1, warnings(conn))
  end)

  it("is put off by a new token of the same user", function()
    local conn = auth.enter(gate, token(100), "phone")
    local since = gate.core.now_ms
    gate:later(90000)
    assert.same({ user = "ann", expires_at = (now_s + 200) * 1000 },
      gate:deliver(conn, { type = "refresh", data = { token = token(200) } }))
    assert.same({ "phone", since }, { conn.state.auth.device, conn.state.auth.since })
    gate:later(85000)
    assert.is_nil(auth.closed(gate, conn))
    assert.equal(1, warnings(conn))
    gate:later(10000)
    assert.equal(2, warnings(conn))
    gate:later(30000)
    assert.same({ 4401, "token_expired" }, { auth.closed(gate, conn) })
  end)

  it("is not put off by the token of somebody else, or a bad one", function()
    local conn = auth.enter(gate, token(100))
    local function refresh(data)
      return (select(2, gate:deliver(conn, { type = "refresh", data = data })))
    end
    assert.equal("wrong_user", refresh { token = token(200, "bob") })
    assert.equal("bad_token", refresh { token = "x.y.z" })
    assert.equal("bad_request", refresh {})
    gate:later(112000)
    assert.equal(4401, (auth.closed(gate, conn)))
  end)

  it("is what a refresh is refused with that has taken too long", function()
    assert(gate:reload { slow = [[return function(gate)
      gate:before("refresh", function() gate:sleep(20000) end)
    end]] })
    local conn = auth.enter(gate, token(100))
    gate:later(100000)
    local answer = gate:ask(conn, { type = "refresh", data = { token = token(200) } })
    gate.core.answers.moon_close = gate.core.C.MOON_EFULL -- it takes its time
    gate:later(20000)
    assert.same({ "token_expired", "token_expired" }, { answer.code, conn.state.ended })
    assert.is_falsy(answer.temporary)
  end)

  it("is kept across a reload, and once", function()
    local conn = auth.enter(gate, token(100))
    gate:later(50000)
    assert(gate:reload())
    gate:later(32000)
    assert.equal(1, warnings(conn))
    assert(gate:reload())
    gate:later(26000)
    assert.is_nil(auth.closed(gate, conn))
    gate:later(4000)
    assert.same({ 4401, "token_expired" }, { auth.closed(gate, conn) })
    assert.equal(1, warnings(conn))
  end)

  it("comes when the clock was set forward, too", function()
    local conn = auth.enter(gate, token(100))
    gate.core.now_ms = gate.core.now_ms + 86400000
    gate:later(3000)
    assert.equal(4401, (auth.closed(gate, conn)))
  end)

  it("leaves nothing behind of connections that have gone", function()
    local conn = auth.enter(gate, token(100))
    gate:close(conn)
    gate:later(200000)
    assert.is_nil(next(gate.world.state.of("auth").due))
  end)

  it("does not come for tokens without it", function()
    load(false)
    local conn = auth.enter(gate,
      fake_crypto.sign({ alg = "HS256" }, { sub = "ann" }, SECRET))
    gate:later(3600000)
    assert.is_nil(auth.closed(gate, conn))
  end)
end)
