local client = require "spec.support.client"
local server = require "spec.support.server"

describe("bad input", function()
  local house, ann

  setup(function()
    house = server.start { plugins = { watcher = [[return function(gate)
      gate:after("closed", function(conn, reason, code)
        gate:info("%s %s %d", tostring(conn.user), reason, code)
      end)
    end]] } }
  end)
  teardown(function() house:stop() end)
  before_each(function() ann = client.guest(house.port, "ann", "tea") end)
  after_each(function() ann:cut() end)

  local function refused(text, code)
    ann:send_text(text)
    local reply = ann:hears { type = "reply" }
    assert.is_false(reply.ok)
    assert.equal(code, reply.error.code)
    assert.is_string(reply.error.message)
    assert.is_false(reply.error.temporary)
    return reply
  end

  for text, code in pairs {
    ["{bad"] = "bad_json",
    [""] = "bad_json",
    ["[1,2]"] = "bad_json",
    ["null"] = "bad_json",
    ['"text"'] = "bad_json",
    [("["):rep(5000)] = "bad_json",
    ["{}"] = "bad_request",
    ['{"type":7}'] = "bad_request",
    ['{"type":"say","id":{}}'] = "bad_request",
    ['{"type":"nobody_knows"}'] = "unknown_type",
    ['{"type":"closed"}'] = "unknown_type",
    ['{"type":"say"}'] = "bad_request",
    ['{"type":"say","room":"tea"}'] = "bad_request",
    ['{"type":"say","room":["tea"],"data":1}'] = "bad_request",
    ['{"type":"say","room":"elsewhere","data":1}'] = "not_a_member",
    ['{"type":"join"}'] = "bad_request",
    ['{"type":"join","room":""}'] = "bad_room",
    ['{"type":"auth","data":{"name":"bob"}}'] = "already_authenticated",
  } do
    it(("answers %s with %s"):format(text:sub(1, 40), code), function()
      refused(text, code)
    end)
  end

  it("echoes the id of a refused request", function()
    assert.equal(12, refused('{"type":"nobody_knows","id":12}', "unknown_type").id)
    assert.equal("a", refused('{"type":"say","id":"a"}', "bad_request").id)
  end)

  it("answers a binary message with bad_encoding", function()
    ann:send(client.BINARY, "\1\2")
    assert.equal("bad_encoding", ann:hears({ type = "reply" }).error.code)
  end)

  it("closes with 1009 for a message of 65 KiB, however it is cut", function()
    ann:send_text(("x"):rep(65 * 1024))
    assert.same({ 1009, "too_big" }, { ann:is_closed() })
    local bob = client.guest(house.port, "bob")
    bob:send(client.TEXT, ("x"):rep(40 * 1024), { more = true })
    bob:send(0, ("x"):rep(25 * 1024))
    assert.same({ 1009, "too_big" }, { bob:is_closed() })
    local cat = client.guest(house.port, "cat")
    cat:send_bytes "\129\255\0\0\1\0\0\0\0\0\0\0\0\0x" -- says that 2^40 bytes will follow
    assert.equal(1009, (cat:is_closed()))
  end)

  it("takes a message of exactly 64 KiB", function()
    local head, tail = '{"type":"ping","id":64,"data":["', '"]}'
    ann:send_text(head .. ("x"):rep(65536 - #head - #tail) .. tail)
    assert.is_true(ann:hears({ type = "reply", id = 64 }).ok)
  end)

  it("closes with 1007 for text that is not UTF-8", function()
    ann:send_text "\255"
    assert.same({ 1007, "bad_utf8" }, { ann:is_closed() })
    local bob = client.guest(house.port, "bob")
    bob:send(client.TEXT, '{"type":"ping","x":"\195', { more = true })
    bob:send(0, "") -- the last character is cut, and the message ends with nothing
    assert.same({ 1007, "bad_utf8" }, { bob:is_closed() })
  end)

  it("takes a character that is cut between two fragments", function()
    ann:send(client.TEXT, '{"type":"say","room":"tea","data":"\195', { more = true })
    ann:send(client.PING, "in between")
    ann:send(0, '\164"}')
    assert.equal("\195\164", ann:hears({ type = "said" }).data)
  end)

  it("answers a Close as RFC 6455 asks", function()
    for code, answer in pairs { [1000] = 1000, [3000] = 3000, [4999] = 4999, [1005] = 1002,
      [999] = 1002, [5000] = 1002, [1016] = 1002 } do
      assert.equal(answer, client.guest(house.port, "bob"):close(code), code)
    end
    local short = client.guest(house.port, "bob")
    short:send(client.CLOSE, "\3")
    assert.equal(1002, (short:is_closed()))
    local bad_text = client.guest(house.port, "bob")
    bad_text:send(client.CLOSE, "\3\232\255")
    assert.equal(1007, (bad_text:is_closed()))
    local empty = client.guest(house.port, "bob")
    empty:send(client.CLOSE, "")
    assert.equal(1005, (empty:is_closed()))
  end)

  it("closes with 1002 for reserved bits, unknown opcodes and stray continuations", function()
    for _, bytes in ipairs { client.frame(1, "x", { rsv = 64 }), client.frame(3, "x"),
      client.frame(0, "x"), client.frame(client.PING, "x", { more = true }) } do
      local bob = client.guest(house.port, "bob")
      bob:send_bytes(bytes)
      assert.equal(1002, (bob:is_closed()))
    end
  end)

  it("tells the scripts of a broken frame as `protocol`, and sends nothing after the Close",
    function()
      local bob = client.guest(house.port, "bob", "tea")
      bob:send(3, "x")
      for n = 1, 5 do
        assert.is_true(ann:asks({ type = "say", room = "tea", data = n }).ok)
      end
      bob:is_closed()
      assert.equal(1002, bob.closed.code)
      assert.is_nil(bob:read_frame())
      house:logs "bob protocol 1002"
    end)

  it("reads masked frames", function()
    local mask, text = { 1, 2, 250, 4 }, '{"type":"ping","id":77}'
    local bytes = { string.char(129, 128 + #text, unpack(mask)) }
    for i = 1, #text do
      bytes[#bytes + 1] = string.char(bit.bxor(text:byte(i), mask[(i - 1) % 4 + 1]))
    end
    ann:send_bytes(table.concat(bytes))
    assert.is_true(ann:hears({ type = "reply", id = 77 }).ok)
  end)
end)
