local fake_gate = require "spec.support.fake_gate"

describe("router, a request that is sent again", function()
  local gate, conn

  local ID = "0123456789abcdef"

  local COUNT = [[return function(gate)
    gate.state.count = 0
    local function next()
      gate.state.count = gate.state.count + 1
      return gate.state.count
    end
    gate:on("count", function(_, message)
      local count = next()
      if message.ms then gate:sleep(message.ms) end
      return { count = count }
    end)
    gate:on("no", function(_, message)
      return nil, "no_" .. next(), "no", message.temporary, message.retry_after_ms
    end)
    gate:on("fail", function() next() error "ouch" end)
    gate:on("patient", function()
      next()
      pcall(gate.sleep, gate, 1000)
      return { done = true }
    end)
    gate:on("bytes", function() return { text = "\255", count = next() } end)
    gate:on("much", function() return { text = ("x"):rep(100000), count = next() } end)
  end]]

  before_each(function()
    gate = fake_gate.load "scripts/router.lua"
    assert(gate:reload { count = COUNT })
    conn = gate:connect "ann"
    conn.heard = {}
  end)

  --- What a text brings back: all that was heard since.
  local function send(text, binary)
    conn.heard = {}
    gate:receive(conn, text, binary)
    return conn.heard
  end

  local function count() return gate.world.state.of("count").count end

  local function request(name, id, more)
    return ('{"type":"%s","id":"%s"%s}'):format(name, id or ID, more or "")
  end

  local function again(text) return { send(text)[1], send(text)[1] } end

  it("is replied to as the first time, and not carried out", function()
    local first, second = unpack(again(request "count"))
    assert.same({ type = "reply", id = ID, ok = true, data = { count = 1 } }, first)
    assert.same(first, second)
    assert.equal(1, count())
  end)

  it("is replied to before earlier ones of the connection that wait", function()
    local first = send(request "count")[1]
    assert.same({}, send '{"type":"count","id":1,"ms":10}')
    assert.same({}, send '{"type":"count","id":2}')
    assert.same({ first }, send(request "count"))
    conn.heard = {}
    gate:later(10)
    assert.same({ 1, 2 }, { conn.heard[1].id, conn.heard[2].id })
  end)

  it("counts in a metric", function()
    again(request "count")
    gate:later(1000)
    assert.is_truthy(gate.world.metric.text():find(
      'plugin_router_repeated_total{outcome="replied"} 1', 1, true))
  end)

  it("is so on another connection, of either encoding", function()
    send(request "count")
    gate:close(conn, "lost")
    conn = gate:connect "ann"
    assert.same({ count = 1 }, send(request "count")[1].data)
    conn = gate:connect("ann", { protocol = "moongate.v1.msgpack" })
    local bytes = gate.world.msgpack.encode { type = "count", id = ID }
    assert.same({ type = "reply", id = ID, ok = true, data = { count = 1 } },
      send(bytes, true)[1])
    local sent = gate.core:issued "send"
    assert.equal(gate.core.C.MOON_BINARY, sent[#sent].opcode)
    assert.equal(1, count())
  end)

  it("is another one when another user sends it", function()
    send(request "count")
    conn = gate:connect "bob"
    assert.same({ count = 2 }, send(request "count")[1].data)
  end)

  it("is carried out when the id is short, or a number, or there is no user", function()
    for _, id in ipairs { '"0123456789abcde"', "1234567890123456" } do
      local text = ('{"type":"count","id":%s}'):format(id)
      assert.are_not.same(unpack(again(text)))
    end
    conn = gate:connect()
    assert.are_not.same(unpack(again(request "count")))
    assert.equal(6, count())
  end)

  describe("of a type that changes the connection", function()
    it("is carried out again: join, on a connection that is not in yet", function()
      gate = fake_gate.load("scripts/auth.lua", {}, { with = { "scripts/presence.lua",
        "scripts/rooms.lua", "scripts/router.lua" } })
      local function guest()
        conn = gate:connect(nil, { protocol = "moongate.v1.json" })
        gate:deliver(conn, { type = "auth", data = { name = "ann", key = "k" } })
        return conn
      end
      guest()
      assert.is_true(send(request("join", ID, ',"room":"tea"'))[1].ok)
      assert.is_true(send(request("watch", ID, ',"users":["bob"]'))[1].ok)
      gate:close(conn, "lost")
      guest()
      assert.is_true(send(request("join", ID, ',"room":"tea"'))[1].ok)
      assert.same({ "ann" }, send(request("members", ("m"):rep(16), ',"room":"tea"'))[1]
        .data.members)
      assert.is_true(send(request("watch", ID, ',"users":["bob"]'))[1].ok)
      assert.same({ count = 0 }, send(request("unwatch", ID, ',"users":["bob"]'))[1].data)
      assert.same({ count = 0 }, send(request("unwatch", ID, ',"users":["bob"]'))[1].data)
      assert.is_true(send(request("leave", ID, ',"room":"tea"'))[1].ok)
      assert.equal("not_a_member", send(request("leave", ID, ',"room":"tea"'))[1].error.code)
    end)

    it("is so, too, when an option names it", function()
      assert(gate:reload({}, { router = { carried_out_again = { "count" } } }))
      assert.are_not.same(unpack(again(request "count")))
      assert.equal(2, count())
    end)
  end)

  describe("while its connection is ended", function()
    local other

    --- Both of one device: the older one is ended, though its socket takes a moment to close.
    local function take_over()
      gate.core.answers.moon_close = gate.core.C.MOON_EFULL
      other = gate:connect(nil, { protocol = "moongate.v1.json" })
      assert(gate:deliver(other, { type = "auth",
        data = { name = "ann", key = "k", device = "phone" } }))
    end

    before_each(function()
      gate = fake_gate.load("scripts/auth.lua", {}, { with = { "scripts/router.lua" } })
      assert(gate:reload { count = COUNT })
      take_over()
      conn = other
      take_over()
      other.heard = {}
    end)

    it("was not carried out, and is so on the next one", function()
      local refused = send(request "count")[1].error
      assert.same({ "replaced", false }, { refused.code, refused.temporary })
      gate:receive(other, request "count")
      assert.same({ count = 1 }, other.heard[1].data)
      assert.equal("replaced", send(request("count", ("b"):rep(16)))[1].error.code)
    end)

    it("is replied to as before when it was carried out before that", function()
      gate:receive(other, request "count")
      assert.same({ count = 1 }, send(request "count")[1].data)
      assert.equal(1, count())
    end)
  end)

  it("is answered five times in a second, then it has to wait", function()
    send(request "count")
    local answers = {}
    for i = 1, 3000 do answers[i] = send(request "count")[1] end
    for i = 1, 5 do assert.same({ count = 1 }, answers[i].data) end
    for i = 6, 3000 do
      local problem = answers[i].error
      assert.same({ "rate_limited", true, 1000 },
        { problem.code, problem.temporary, problem.retry_after_ms })
    end
    gate:later(999)
    assert.equal(1, send(request "count")[1].error.retry_after_ms)
    gate:later(1)
    assert.same({ count = 1 }, send(request "count")[1].data)
  end)

  it("has to wait, too, when the user has sent many others again", function()
    assert(gate:reload({}, { router = { dedup_per_second = 7 } }))
    local granted = 0
    for _ = 1, 2 do
      for i = 1, 10 do
        if send(request("count", ("%016d"):format(i)))[1].ok then granted = granted + 1 end
      end
    end
    assert.equal(17, granted)
    conn = gate:connect "ann"
    assert.equal("rate_limited", send(request("count", ("%016d"):format(1)))[1].error.code)
    gate:later(1000)
    assert.is_true(send(request("count", ("%016d"):format(1)))[1].ok)
    assert.equal(10, count())
  end)

  it("is carried out after the window", function()
    send(request "count")
    gate:later(59999)
    assert.same({ count = 1 }, send(request "count")[1].data)
    gate:later(1)
    assert.same({ count = 2 }, send(request "count")[1].data)
  end)

  it("is remembered over a reload", function()
    send(request "count")
    assert(gate:reload())
    assert.same({ count = 1 }, send(request "count")[1].data)
  end)

  it("is replied to when the first is done, on both connections", function()
    local other = gate:connect "ann"
    other.heard = {}
    send(request("count", ID, ',"ms":10'))
    gate:receive(other, request("count", ID, ',"ms":10'))
    gate:later(10)
    assert.same({ { type = "reply", id = ID, ok = true, data = { count = 1 } } }, conn.heard)
    assert.same(conn.heard, other.heard)
  end)

  it("is replied to so also when a reload has come between", function()
    local other = gate:connect "ann"
    other.heard = {}
    send(request("count", ID, ',"ms":10'))
    assert(gate:reload())
    gate:receive(other, request("count", ID, ',"ms":10'))
    gate:later(10)
    assert.same({ count = 1 }, other.heard[1].data)
    assert.same(conn.heard, other.heard)
  end)

  it("waits at most sixteen times", function()
    local other = gate:connect "ann"
    other.heard = {}
    send(request("count", ID, ',"ms":9000'))
    for i = 1, 17 do
      if i % 5 == 0 then gate:later(1000) end
      gate:receive(other, request "count")
    end
    assert.equal(1, #other.heard)
    assert.equal("too_many_requests", other.heard[1].error.code)
    gate:later(9000)
    assert.equal(17, #other.heard)
  end)

  it("that a drop has cancelled is `timeout`, whoever asks, and not carried out again", function()
    local other = gate:connect "ann"
    other.heard = {}
    send(request("count", ID, ',"ms":1000'))
    gate:receive(other, request("count", ID, ',"ms":1000'))
    gate:close(conn, "lost")
    assert.equal("timeout", other.heard[1].error.code)
    conn = other
    local problem = send(request "count")[1].error
    assert.same({ "timeout", false }, { problem.code, problem.temporary })
    assert.equal(1, count())
  end)

  it("that has gone on after a drop has its reply kept", function()
    send(request "patient")
    gate:close(conn, "lost")
    conn = gate:connect "ann"
    assert.same({ done = true }, send(request "patient")[1].data)
    assert.equal(1, count())
  end)

  it("that a drop has left behind another is carried out", function()
    local other = gate:connect "ann"
    other.heard = {}
    send(request("count", ("a"):rep(16), ',"ms":1000'))
    send(request "count")
    gate:receive(other, request "count")
    gate:close(conn, "lost")
    assert.same({ "unavailable", true },
      { other.heard[1].error.code, other.heard[1].error.temporary })
    conn = other
    assert.same({ count = 2 }, send(request "count")[1].data)
  end)

  it("is refused as the first time, unless that was for a while", function()
    local first, second = unpack(again(request "no"))
    assert.same(first, second)
    first, second = unpack(again(request("no", ("b"):rep(16), ',"temporary":true')))
    assert.are_not.same(first.error.code, second.error.code)
    assert.equal("no_3", second.error.code)
  end)

  it("is refused as one that was not carried out when the first is, for a while", function()
    local other = gate:connect "ann"
    other.heard = {}
    gate:receive(conn, request("count", ("a"):rep(16), ',"ms":10'))
    local text = request("no", ID, ',"temporary":true,"retry_after_ms":250')
    gate:receive(conn, text)
    gate:receive(other, text)
    gate:later(10)
    assert.same({ "unavailable", 250 },
      { other.heard[1].error.code, other.heard[1].error.retry_after_ms })
  end)

  it("fails as the first time: nobody knows how much was done", function()
    local first, second = unpack(again(request "fail"))
    assert.same({ "internal", "internal" }, { first.error.code, second.error.code })
    assert.equal(1, count())
  end)

  it("is no longer temporary then: the same id gets nothing else", function()
    local first, second = unpack(again(request "fail"))
    assert.same({ true, false }, { first.error.temporary, second.error.temporary })
    assert.is_nil(first.error.message:find("new id", 1, true))
    assert.is_truthy(second.error.message:find("take a new id", 1, true))
    local packed = gate:connect("ann", { protocol = "moongate.v1.msgpack" })
    packed.heard = {}
    gate:receive(packed, (gate.world.msgpack.encode { type = "fail", id = ID }), true)
    assert.same(second, packed.heard[1])
  end)

  it("is answered with internal as the first time when the reply could not be sent", function()
    local first, second = unpack(again(request "bytes"))
    assert.same({ "internal", "internal" }, { first.error.code, second.error.code })
    assert.equal(1, count())
    assert.is_truthy(gate:logged "reply to bytes: it cannot be sent: bad_utf8")
  end)

  it("is a duplicate when its reply was too long to be kept, or cannot be said here", function()
    local first, second = unpack(again(request "much"))
    assert.is_true(first.ok)
    assert.same({ "duplicate", false }, { second.error.code, second.error.temporary })
    local packed = gate:connect("ann", { protocol = "moongate.v1.msgpack" })
    packed.heard = {}
    gate:receive(packed, (gate.world.msgpack.encode { type = "bytes", id = ("c"):rep(16) }), true)
    assert.equal("\255", packed.heard[1].data.text)
    assert.equal("duplicate", send(request("bytes", ("c"):rep(16)))[1].error.code)
    assert.equal(2, count())
  end)

  it("is remembered of a batch, too", function()
    local heard = send(("[%s,%s]"):format(request "count", request "count"))
    assert.equal(2, #heard)
    assert.same(heard[1], heard[2])
  end)

  it("is forgotten when more have come than are remembered", function()
    assert(gate:reload({}, { router = { dedup_entries = 2 } }))
    for _, letter in ipairs { "a", "b", "c" } do send(request("count", letter:rep(16))) end
    assert.same({ count = 3 }, send(request("count", ("c"):rep(16)))[1].data)
    assert.same({ count = 4 }, send(request("count", ("a"):rep(16)))[1].data)
  end)
end)
