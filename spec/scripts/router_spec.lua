local fake_gate = require "spec.support.fake_gate"

describe("router", function()
  local gate, conn, json

  local ECHO = [[return function(gate)
    gate:on("echo", function(_, message) return { data = message.data } end)
    gate:on("doze", function(_, message) gate:sleep(message.ms) return {} end)
    gate:on("boom", function() error "ouch" end)
    gate:on("never", function() return nil, "never" end)
    gate:on("busy", function() return nil, "busy", "come back", true end)
    gate:on("full", function() return nil, "full", "wait", true, 1500 end)
    gate:on("bad_reply", function() return { f = print } end)
    gate:on("long_reply", function() return { text = ("x"):rep(500 * 1024) } end)
    gate:on("bytes_reply", function() return { text = "\255" } end)
    gate:on("bytes_text", function() return nil, "bad", "text \255" end)
    gate:on("bytes_code", function() return nil, "bad\255" end)
    gate:on("long_text", function() return nil, "bad", ("x"):rep(500 * 1024) end)
    gate:on("filtered", function() end)
    gate:before("filtered", function() return nil, "bad", "text \255" end)
  end]]

  before_each(function()
    gate = fake_gate.load "scripts/router.lua"
    assert(gate:reload { echo = ECHO })
    json = gate.world.json
    conn = gate:connect()
    conn.heard = {} -- hello
  end)

  --- What a text brings back: all that was heard since.
  local function send(text, binary)
    conn.heard = {}
    gate:receive(conn, text, binary)
    return conn.heard
  end

  local function refusal(id, code, text, temporary)
    return { type = "reply", id = id, ok = false,
      error = { code = code, message = text, temporary = temporary or false } }
  end

  --- The one reply to a text that is refused.
  local function refused(text, binary)
    local heard = send(text, binary)
    assert.equal(1, #heard, text)
    assert.equal("reply", heard[1].type)
    assert.is_false(heard[1].ok)
    assert.is_string(heard[1].error.message)
    assert.is_boolean(heard[1].error.temporary)
    return heard[1].error.code, heard[1].error.message, heard[1].id
  end

  it("offers the protocol at /ws", function()
    local routes = gate.core:issued "route"
    assert.equal("ws /ws +auth moongate.v1.json moongate.v1.msgpack", routes[#routes].text)
  end)

  it("says hello first, once", function()
    local new = gate:connect()
    assert.same({ {
      type = "hello", protocol = "moongate.v1", server = "moongate 0.0.0-fake",
      max_message_bytes = 65536, ping_interval_ms = 25000, auth_timeout_ms = 10000,
      max_batch = 64, dedup_ms = 60000, at = 1760000000000,
      encodings = { "moongate.v1.json", "moongate.v1.msgpack" },
    } }, new.heard)
    gate:receive(new, '{"type":"ping"}')
    assert.equal(2, #new.heard)
    assert.equal("reply", new.heard[2].type)
  end)

  it("answers ping with the time", function()
    assert.same({ { type = "reply", id = 1, ok = true, data = { at = 1760000000000 } } },
      send '{"type":"ping","id":1}')
  end)

  it("grants a request of a plugin's own type", function()
    assert.same({ { type = "reply", ok = true, data = { data = "tea" } } },
      send '{"type":"echo","data":"tea"}')
  end)

  it("takes from clients what only plugins say of a message", function()
    assert(gate:reload { echo = [[return function(gate)
      gate:on("echo", function(_, message) return { alone = tostring(message.only_sender) } end)
    end]] })
    assert.equal("nil", send('{"type":"echo","only_sender":true}')[1].data.alone)
  end)

  it("passes a refusal on, with a text and whether it is temporary", function()
    assert.same({ refusal(1, "never", "never") }, send '{"type":"never","id":1}')
    assert.same({ refusal(2, "busy", "come back", true) }, send '{"type":"busy","id":2}')
  end)

  it("passes on when to come again", function()
    local wanted = refusal(1, "full", "wait", true)
    wanted.error.retry_after_ms = 1500
    assert.same({ wanted }, send '{"type":"full","id":1}')
    send '{"type":"busy"}'
    assert.is_nil(conn.heard[1].error.retry_after_ms)
  end)

  it("says internal when a handler fails, and that it may succeed later", function()
    local heard = send '{"type":"boom","id":1}'
    assert.equal("internal", heard[1].error.code)
    assert.is_true(heard[1].error.temporary)
    assert.equal(1, heard[1].id)
    assert.is_nil(json.encode(heard[1]):find "ouch")
  end)

  it("says unknown_type when nobody handles it", function()
    local code, _, id = refused '{"type":"dance","id":"x"}'
    assert.equal("unknown_type", code)
    assert.equal("x", id)
  end)

  it("answers each request once, in the order they were sent", function()
    conn.heard = {}
    gate:receive(conn, '{"type":"doze","id":1,"ms":10}')
    gate:receive(conn, '{"type":"ping","id":2}')
    assert.same({}, conn.heard)
    gate:later(10)
    assert.equal(1, conn.heard[1].id)
    assert.equal(2, conn.heard[2].id)
    assert.equal(2, #conn.heard)
  end)

  it("answers at once what it does not carry out, whatever waits", function()
    gate:receive(conn, '{"type":"doze","id":1,"ms":10}')
    gate:receive(conn, '{"type":"dance","id":2}') -- nobody handles it, which is found out in turn
    for text, code in pairs { ["{"] = "bad_json", ["[]"] = "bad_batch",
      ['{"type":7}'] = "bad_request" } do
      local heard = send(text)
      assert.same({ 1, code }, { #heard, heard[1].error.code })
    end
    conn.heard = {}
    gate:refuse(conn, '{"type":"ping","id":3}')
    assert.same({ 1, 3 }, { #conn.heard, conn.heard[1].id })
    conn.heard = {}
    gate:later(10)
    assert.same({ 1, 2 }, { conn.heard[1].id, conn.heard[2].id })
  end)

  it("says too_many_requests when what waits is more than 256 KiB", function()
    local long = ('{"type":"doze","ms":1,"x":"%s"}'):format(("x"):rep(60000))
    for _ = 1, 5 do gate:receive(conn, long) end -- the first one runs
    assert.same({}, conn.heard)
    assert.equal("too_many_requests", send(long)[1].error.code)
    gate:later(10)
    assert.equal(6, #conn.heard)
  end)

  it("says too_many_requests when more than 256 wait", function()
    for n = 0, 256 do gate:receive(conn, ('{"type":"doze","id":%d,"ms":1}'):format(n)) end
    local heard = send '{"type":"ping","id":"over"}'
    assert.equal("too_many_requests", heard[1].error.code)
    assert.is_true(heard[1].error.temporary)
    assert.equal("over", heard[1].id)
    gate:later(257)
    assert.equal(258, #conn.heard)
  end)

  it("answers with internal what cannot be sent, and logs whose it is", function()
    for what, problem in pairs {
      bad_reply = "router.lua:%d+: cannot encode: ",
      long_reply = "it cannot be sent: too_big", bytes_reply = "it cannot be sent: bad_utf8",
      long_text = "it cannot be sent: too_big", bytes_text = "it cannot be sent: bad_utf8",
      bytes_code = "it cannot be sent: bad_utf8", filtered = "it cannot be sent: bad_utf8",
    } do
      assert.same({ "internal", "the reply cannot be encoded", 7 },
        { refused(('{"type":"%s","id":7}'):format(what)) })
      local line = gate:logged("reply to " .. what)
      assert.matches("^echo#2: reply to " .. what .. ": .*" .. problem, line)
    end
  end)

  it("keeps replies out of the way of pushes", function()
    for _, text in ipairs { '{"type":"ping"}', '{"type":"dance"}', "{", '{"type":"long_reply"}' } do
      local before = #gate.core:issued "send"
      send(text)
      local issued = gate.core:issued "send"
      assert.is_true(#issued > before)
      for i = before + 1, #issued do assert.equal("control", issued[i].class, text) end
    end
  end)

  describe("message over the rate", function()
    --- The one reply to a message that the core has refused.
    local function limited(text, binary, retry_after_ms)
      conn.heard = {}
      gate:refuse(conn, text, binary, retry_after_ms)
      assert.equal(1, #conn.heard)
      return conn.heard[1]
    end

    it("is answered with when to try again", function()
      local reply = limited('{"type":"echo","id":7,"data":1}', false, 250)
      assert.equal(7, reply.id)
      assert.is_false(reply.ok)
      assert.equal("rate_limited", reply.error.code)
      assert.is_true(reply.error.temporary)
      assert.equal(250, reply.error.retry_after_ms)
      assert.is_string(reply.error.message)
    end)

    it("is answered without an id when none can be found", function()
      for _, text in ipairs { "", "{", "7", "null", "[]", '{"id":1.5}', '{"id":null}' } do
        assert.is_nil(limited(text).id, text)
      end
      assert.is_nil(limited('{"id":7}', true).id)
    end)

    it("is not carried out", function()
      gate:refuse(conn, '{"type":"boom"}')
      assert.is_nil(gate:logged "ouch")
    end)
  end)

  describe("id", function()
    it("comes back as it was", function()
      for _, id in ipairs { "0", "7", "-1", "1760000000000", '""', '"7"', '"\195\169"',
        '"' .. ("i"):rep(64) .. '"' } do -- of nobody yet: long ones are not remembered
        local heard = send(('{"type":"ping","id":%s}'):format(id))
        assert.is_true(heard[1].ok)
        assert.equal(json.decode(id), heard[1].id)
      end
    end)

    it("comes back exact with all its digits", function()
      assert.equal(1760000000000123, send('{"type":"ping","id":1760000000000123}')[1].id)
      assert.equal(9007199254740991, send('{"type":"ping","id":9007199254740991}')[1].id)
      assert.equal(-9007199254740991, send('{"type":"ping","id":-9007199254740991}')[1].id)
    end)

    it("may be missing", function()
      for _, text in ipairs { '{"type":"ping"}', '{"type":"ping","id":null}' } do
        local reply = send(text)[1]
        assert.is_true(reply.ok)
        assert.is_nil(reply.id)
      end
    end)

    it("is refused when it is anything else, and does not come back", function()
      for _, id in ipairs { "1.5", "true", "9007199254740992", "9007199254740993",
        "-9007199254740993", "1e300", "[1]", "{}", '"' .. ("i"):rep(65) .. '"' } do
        local code, text, returned = refused(('{"type":"ping","id":%s}'):format(id))
        assert.equal("bad_request", code)
        assert.matches("^id: ", text)
        assert.is_nil(returned)
      end
    end)

    it("that is too large for a number is refused, not left without a reply", function()
      assert.is_string((refused '{"type":"ping","id":1e999}'))
    end)
  end)

  describe("type", function()
    it("has 1 to 64 bytes", function()
      assert.equal("unknown_type", (refused('{"type":"' .. ("t"):rep(64) .. '"}')))
      for _, value in ipairs { '""', '"' .. ("t"):rep(65) .. '"', "7", "null", "{}", "[]" } do
        local code, text = refused(('{"type":%s}'):format(value))
        assert.equal("bad_request", code)
        assert.matches("^type: ", text)
      end
    end)

    it("is missed with the id of the request", function()
      local code, _, id = refused '{"id":7}'
      assert.equal("bad_request", code)
      assert.equal(7, id)
    end)
  end)

  describe("message", function()
    it("is refused as a binary frame", function()
      local code, _, id = refused('{"type":"ping","id":1}', true)
      assert.equal("bad_encoding", code)
      assert.is_nil(id)
    end)

    it("is refused when it is not JSON", function()
      for _, text in ipairs { "", "ping", "{", '{"type":"ping"}}', '{"type":"ping"},', "\0" } do
        assert.equal("bad_json", (refused(text)), text)
      end
    end)

    it("is refused when it is not an object", function()
      for _, text in ipairs { "null", "true", "false", "7", '"ping"', "[null]", '[[{"type":1}]]',
        "[7]" } do
        assert.equal("bad_json", (refused(text)), text)
      end
    end)

    it("is refused when it is nested too deep", function()
      local function deep(n) return ("["):rep(n) .. ("]"):rep(n) end
      assert.is_true(send('{"type":"ping","data":' .. deep(31) .. "}")[1].ok)
      assert.equal("bad_json", (refused('{"type":"ping","data":' .. deep(32) .. "}")))
    end)

    it("brings back what a plugin does with its deepest data", function()
      local text = ("["):rep(31) .. ("]"):rep(31)
      assert.equal(1, #send('{"type":"echo","data":' .. text .. "}"))
    end)

    it("with a number beyond all numbers is not JSON", function()
      assert.equal("bad_json", (refused '{"type":"echo","data":1e999}'))
    end)
  end)

  describe("in MessagePack", function()
    local msgpack

    before_each(function()
      msgpack = gate.world.msgpack
      conn = gate:connect(nil, { protocol = "moongate.v1.msgpack" })
    end)

    --- The one reply to a message.
    local function reply_to(message)
      local heard = send((assert(msgpack.encode(message))), true)
      assert.equal(1, #heard)
      return heard[1]
    end

    it("says hello in it", function()
      assert.equal("hello", conn.heard[1].type)
      assert.equal(gate.core.C.MOON_BINARY, gate.core:issued("send")[2].opcode)
    end)

    it("replies in it, with the id as it was", function()
      for _, id in ipairs { 7, "x", -1, 9007199254740991 } do
        assert.same({ type = "reply", id = id, ok = true, data = { at = 1760000000000 } },
          reply_to { type = "ping", id = id })
      end
      assert.same({ "tea", { "\255", json.null } },
        reply_to({ type = "echo", data = { "tea", { "\255", json.null } } }).data.data)
    end)

    it("refuses in it", function()
      assert.same(refusal(1, "never", "never"), reply_to { type = "never", id = 1 })
      assert.equal("internal", reply_to({ type = "bad_reply" }).error.code)
      assert.equal("internal", reply_to({ type = "long_reply" }).error.code)
      assert.equal("internal", reply_to({ type = "long_text" }).error.code)
    end)

    it("is refused as a text frame, with and without JSON in it", function()
      for _, text in ipairs { '{"type":"ping","id":1}', "\129\164type\164ping", "" } do
        local code, message, id = refused(text)
        assert.same({ "bad_encoding", "moongate.v1.msgpack is binary" }, { code, message })
        assert.is_nil(id)
      end
    end)

    it("is refused as an empty batch", function()
      for _, bytes in ipairs { "\144", "\220\0\0", "\221\0\0\0\0" } do
        assert.equal("bad_batch", (refused(bytes, true)))
      end
      assert.equal("bad_request", (refused("\128", true)))
    end)

    it("is refused when it is not MessagePack, or no object", function()
      for _, bytes in ipairs { "", "\193", "\129", "\129\161a", "\192\192", "\192", "\1", "\145\1",
        '{"type":"ping"}', "\161x" } do
        assert.equal("bad_msgpack", (refused(bytes, true)))
      end
    end)

    it("is refused when a field has the wrong type", function()
      for _, name in ipairs { 7, "", "\255", ("t"):rep(65), true } do
        assert.matches("^type: ", reply_to({ type = name }).error.message)
      end
      assert.matches("^id: ", reply_to({ type = "ping", id = 1.5 }).error.message)
      assert.matches("^id: ", reply_to({ type = "ping", id = 2 ^ 53 }).error.message)
    end)

    it("is answered over the rate, with its id", function()
      conn.heard = {}
      gate:refuse(conn, (msgpack.encode { type = "ping", id = 7 }), true, 250)
      gate:refuse(conn, '{"type":"ping","id":7}', false, 250)
      assert.same({ 7, "rate_limited", 250 },
        { conn.heard[1].id, conn.heard[1].error.code, conn.heard[1].error.retry_after_ms })
      assert.is_nil(conn.heard[2].id)
    end)

    it("leaves no error in the log for anything that a client sends", function()
      for _, bytes in ipairs { "", "\192", "\144", "\128", "\129\164type\1",
        "\129\164type\196\1\255",
        "\130\164type\164echo\164data\196\1\255" } do
        send(bytes)
        send(bytes, true)
      end
      for _, line in ipairs(gate.log) do assert.are_not.equal("error", line.level, line.text) end
    end)
  end)

  it("leaves no error in the log for anything that a client sends", function()
    for _, text in ipairs { "", "null", "[]", "{}", '{"type":1}', '{"type":"dance"}',
      '{"type":"ping","id":1e999}', '{"type":"echo","data":1e999}' } do
      send(text)
      send(text, true)
    end
    for _, line in ipairs(gate.log) do assert.are_not.equal("error", line.level, line.text) end
  end)
end)
