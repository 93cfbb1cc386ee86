local core = require "spec.support.core"
local ffi = require "ffi"
local C = core.load "bench/dialect.h"
core.load "bench/payload.h"

local RELAY, MOONGATE = C.MOON_DIALECT_RELAY, C.MOON_DIALECT_MOONGATE
local SOCKET_IO, MSGPACK = C.MOON_DIALECT_SOCKET_IO, C.MOON_DIALECT_MSGPACK
local WAITS, DONE, REFUSED = C.MOON_GREETING_WAITS, C.MOON_GREETING_DONE, C.MOON_GREETING_REFUSED

local function payload()
  local out = ffi.new "char[64]"
  C.moon_payload_write(out, 64, ffi.new("struct moon_heading", 1, 2, 3))
  return ffi.string(out, 64)
end

describe("a dialect", function()
  it("has a name", function()
    local found = ffi.new "uint32_t[1]"
    for i, name in ipairs { "relay", "moongate.v1.json", "socket.io", "moongate.v1.msgpack" } do
      assert.is_true(C.moon_dialect_find(name, found))
      assert.equal(i - 1, found[0])
      assert.equal(name, ffi.string(C.moon_dialect_name(found[0])))
    end
    assert.is_false(C.moon_dialect_find("soap", found))
  end)

  it("asks for its subprotocol, if it has one", function()
    assert.equal("moongate.v1.json", ffi.string(C.moon_dialect_subprotocol(MOONGATE)))
    assert.equal("moongate.v1.msgpack", ffi.string(C.moon_dialect_subprotocol(MSGPACK)))
    assert.is_true(C.moon_dialect_is_binary(MSGPACK))
    assert.is_false(C.moon_dialect_is_binary(MOONGATE))
    assert.is_true(C.moon_dialect_subprotocol(RELAY) == nil)
    assert.is_true(C.moon_dialect_subprotocol(SOCKET_IO) == nil)
  end)
end)

describe("a greeting", function()
  after_each(core.tidy)

  --- Goes through it: { heard, answer, result } each.
  local function goes(dialect, room, steps)
    local guest = ffi.new("struct moon_guest", dialect, 5, room, 77)
    local stage, answer = ffi.new "uint32_t[1]", ffi.new("char[?]", C.MOON_DIALECT_TEXT)
    local length = ffi.new "uint32_t[1]"
    for i, step in ipairs(steps) do
      local heard = core.exact(step[1])
      local result = C.moon_dialect_greet(guest, stage, heard, #step[1], answer, length)
      assert.equal(step[3], tonumber(result), "step " .. i)
      assert.equal(step[2], ffi.string(answer, length[0]))
    end
  end

  local auth = '{"type":"auth","data":{"name":"bench-77-5"}}'
  local granted = '{"type":"reply","ok":true,"data":{}}'

  it("is none in relay", function() goes(RELAY, 0, { { "", "", DONE } }) end)

  it("of moongate.v1.json takes a name and joins", function()
    goes(MOONGATE, 3, {
      { "", "", WAITS },
      { '{"type":"hello"}', auth, WAITS },
      { granted, '{"type":"join","room":"r3"}', WAITS },
      { '{"type":"joined","user":"x"}', "", WAITS },
      { granted, "", DONE },
    })
  end)

  it("of moongate.v1.json joins nothing when there is no room", function()
    goes(MOONGATE, C.MOON_DIALECT_NOWHERE, {
      { '{"type":"hello"}', auth, WAITS }, { granted, "", DONE },
    })
  end)

  it("of moongate.v1.json ends with a refusal", function()
    goes(MOONGATE, 3, {
      { '{"type":"hello"}', auth, WAITS },
      { '{"type":"reply","ok":false,"error":{"code":"name_taken"}}', "", REFUSED },
    })
  end)

  it("of moongate.v1.msgpack says the same", function()
    local hello, well = "\129\164type\165hello", "\130\164type\165reply\162ok\195"
    local name = "\130\164type\164auth\164data\129\164name\170bench-77-5"
    goes(MSGPACK, 3, {
      { "", "", WAITS },
      { hello, name, WAITS },
      { well, "\130\164type\164join\164room\162r3", WAITS },
      { "\129\164type\166joined", "", WAITS },
      { well, "", DONE },
    })
    goes(MSGPACK, 3, {
      { hello, name, WAITS }, { "\130\164type\165reply\162ok\194", "", REFUSED },
    })
  end)

  it("of socket.io connects to the namespace", function()
    goes(SOCKET_IO, 0, {
      { '0{"sid":"x"}', "40", WAITS }, { "2", "3", WAITS }, { '40{"sid":"y"}', "", DONE },
    })
    goes(SOCKET_IO, 0, { { '0{"sid":"x"}', "40", WAITS }, { '44{"message":"no"}', "", REFUSED } })
  end)
end)

describe("a message", function()
  after_each(core.tidy)

  local out = ffi.new("char[?]", C.MOON_DIALECT_TEXT)

  local function wrapped(dialect, text)
    local before = ffi.string(out, C.moon_dialect_before(dialect, 4, #text, out))
    return before .. text .. ffi.string(out, C.moon_dialect_after(dialect, out))
  end

  --- What it means, and the payload in it.
  local function meaning(dialect, text)
    local found, bytes = ffi.new "const char *[1]", ffi.new("uint32_t[1]", 64)
    local means = tonumber(C.moon_dialect_meaning(dialect, core.exact(text), #text, found, bytes))
    return means, means == C.MOON_MEANS_PAYLOAD and ffi.string(found[0], bytes[0]) or nil
  end

  it("wraps the payload", function()
    assert.equal("abc", wrapped(RELAY, "abc"))
    assert.equal('{"type":"say","room":"r4","data":"abc"}', wrapped(MOONGATE, "abc"))
    assert.equal('42["m","abc"]', wrapped(SOCKET_IO, "abc"))
  end)

  it("wraps a payload of any length in MessagePack", function()
    for head, bytes in pairs {
      ["\163"] = 3, ["\217\064"] = 64, ["\218\001\000"] = 256, ["\219\000\001\000\000"] = 65536,
    } do
      local text = ("x"):rep(bytes)
      assert.equal("\131\164type\163say\164room\162r4\164data" .. head .. text,
        wrapped(MSGPACK, text))
    end
  end)

  it("is a payload of any kind in relay", function()
    assert.same({ C.MOON_MEANS_PAYLOAD, "x" }, { meaning(RELAY, "x") })
  end)

  it("has the payload in it", function()
    local text = payload()
    for _, message in ipairs {
      { MOONGATE, '{"type":"said","room":"r4","from":"a","data":"' .. text .. '","at":1}' },
      { MOONGATE, '{"data":"' .. text .. '","type":"said"}' },
      { SOCKET_IO, '42["m","' .. text .. '"]' },
      { MSGPACK, "\130\164type\164said\164data\217\064" .. text },
      { MSGPACK, "\130\164data\217\064" .. text .. "\164type\164said" },
    } do
      assert.same({ C.MOON_MEANS_PAYLOAD, text }, { meaning(unpack(message)) })
    end
  end)

  it("is damaged when its payload is shorter, longer or not there", function()
    local text = payload()
    for _, damaged in ipairs { text:sub(1, 60), text .. "x", "x", "" } do
      assert.equal(C.MOON_MEANS_DAMAGE,
        (meaning(MOONGATE, '{"type":"said","data":"' .. damaged .. '"}')))
      assert.equal(C.MOON_MEANS_DAMAGE, (meaning(SOCKET_IO, '42["m","' .. damaged .. '"]')))
      assert.equal(C.MOON_MEANS_DAMAGE, (meaning(MSGPACK,
        "\130\164type\164said\164data\217" .. string.char(#damaged) .. damaged)))
    end
    assert.equal(C.MOON_MEANS_DAMAGE, (meaning(MSGPACK,
      "\130\164type\164said\164data\217\064" .. text:sub(1, 60))))
    assert.equal(C.MOON_MEANS_DAMAGE, (meaning(SOCKET_IO, '42["m","' .. text)))
  end)

  it("may mean nothing, a refusal or a ping", function()
    assert.equal(C.MOON_MEANS_NOTHING, (meaning(MOONGATE, '{"type":"reply","ok":true}')))
    assert.equal(C.MOON_MEANS_NOTHING, (meaning(MOONGATE, '{"type":"joined"}')))
    assert.equal(C.MOON_MEANS_REFUSAL, (meaning(MOONGATE, '{"type":"reply","ok":false}')))
    assert.equal(C.MOON_MEANS_NOTHING, (meaning(MSGPACK, "\130\164type\165reply\162ok\195")))
    assert.equal(C.MOON_MEANS_REFUSAL, (meaning(MSGPACK, "\130\164type\165reply\162ok\194")))
    assert.equal(C.MOON_MEANS_PING, (meaning(SOCKET_IO, "2")))
    assert.equal(C.MOON_MEANS_NOTHING, (meaning(SOCKET_IO, "6")))
    assert.equal("3", ffi.string(C.moon_dialect_pong()))
  end)
end)
