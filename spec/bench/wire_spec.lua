local bit = require "bit"
local core = require "spec.support.core"
local ffi = require "ffi"
local C = core.load "bench/wire.h"

local ACCEPT = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

describe("the upgrade", function()
  after_each(core.tidy)

  local status = ffi.new "uint32_t[1]"

  local function response(text)
    local length = tonumber(C.moon_wire_response(core.exact(text), #text, status))
    return length, status[0]
  end

  it("asks for a WebSocket, with a subprotocol or without", function()
    local out = ffi.new "char[1024]"
    local length = C.moon_wire_request(out, 1024, "x:80", "/a?b", nil)
    assert.equal("GET /a?b HTTP/1.1\r\nHost: x:80\r\nUpgrade: websocket\r\n" ..
      "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" ..
      "Sec-WebSocket-Version: 13\r\n\r\n", ffi.string(out, length))
    length = C.moon_wire_request(out, 1024, "x", "/", "soap")
    assert.is_truthy(ffi.string(out, length):find("\r\nSec-WebSocket-Protocol: soap\r\n\r\n", 1,
      true))
  end)

  it("says when the request does not fit", function()
    assert.is_true(C.moon_wire_request(ffi.new "char[50]", 50, "x", "/", nil) >= 50)
  end)

  it("is granted when the key is accepted, whatever follows", function()
    for _, name in ipairs { ACCEPT, ACCEPT:lower():sub(1, 22) .. ACCEPT:sub(23) } do
      local head = "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\n" .. name .. "\r\n"
      assert.same({ #head, 101 }, { response(head .. "\129\0") })
      for cut = 0, #head - 1 do assert.equal(C.MOON_WIRE_PARTIAL, (response(head:sub(1, cut)))) end
    end
  end)

  it("is not granted with another key, or without one", function()
    for _, header in ipairs { "", ACCEPT:gsub("s3p", "S3p"), "X" .. ACCEPT } do
      assert.equal(0, select(2, response("HTTP/1.1 101 Fine\r\n" .. header .. "\r\n")))
    end
  end)

  it("is refused with a status", function()
    local head = "HTTP/1.1 503 Full\r\nContent-Length: 2\r\n\r\n"
    assert.same({ #head, 503 }, { response(head .. "no") })
  end)

  it("has no status where there is no number", function()
    assert.same({ 13, 0 }, { response "HTTP/1.1 \r\n\r\n" })
  end)

  it("is not answered in another language", function()
    assert.equal(C.MOON_WIRE_BROKEN, (response "SSH-2.0-x"))
    assert.equal(C.MOON_WIRE_BROKEN, (response "HTTP/1.0 101 Fine\r\n\r\n"))
  end)
end)

describe("a frame to the server", function()
  after_each(core.tidy)

  --- What the server would read.
  local function unmasked(bytes)
    local second = bytes:byte(2) - 128
    local header = second == 127 and 10 or second == 126 and 4 or 2
    local mask = bytes:sub(header + 1, header + 4)
    local plain = {}
    for i = header + 5, #bytes do
      local key = mask:byte((i - header - 5) % 4 + 1)
      plain[#plain + 1] = string.char(bit.bxor(bytes:byte(i), key))
    end
    return table.concat(plain), bytes:sub(1, header)
  end

  for length, header in pairs {
    [0] = "\129\128", [1] = "\129\129", [125] = "\129\253", [126] = "\129\254\0\126",
    [300] = "\129\254\1\44", [65535] = "\129\254\255\255",
    [65536] = "\129\255\0\0\0\0\0\1\0\0",
  } do
    it("of " .. length .. " bytes is whole, masked and shortest", function()
      local text = ("abcdefghijk"):rep(length / 11 + 1):sub(1, length)
      local out = ffi.cast("char *",
        core.keep(C.moon_alloc(length + C.MOON_WIRE_HEADER_MAX), C.moon_free))
      local bytes = C.moon_wire_frame(out, C.MOON_WIRE_TEXT, core.exact(text), length, 0x9c3a11f5)
      assert.same({ text, header }, { unmasked(ffi.string(out, bytes)) })
    end)
  end
end)

describe("a frame from the server", function()
  after_each(core.tidy)

  local frame = ffi.new "struct moon_wire_frame"

  local function next_frame(bytes)
    return tonumber(C.moon_wire_next(core.exact(bytes), #bytes, frame))
  end

  for header, length in pairs {
    ["\130\0"] = 0, ["\129\125"] = 125, ["\129\126\0\126"] = 126, ["\129\126\255\255"] = 65535,
    ["\129\127\0\0\0\0\0\1\0\0"] = 65536,
  } do
    it("of " .. length .. " bytes is taken when it is whole", function()
      local text = ("x"):rep(length)
      assert.equal(#header + length, next_frame(header .. text .. "more"))
      assert.equal(text, ffi.string(frame.payload, frame.length))
      assert.equal(header:byte() - 128, frame.opcode)
      for cut = 0, #header - 1 do
        assert.equal(C.MOON_WIRE_PARTIAL, next_frame(header:sub(1, cut)))
      end
      if length > 0 then
        assert.equal(C.MOON_WIRE_PARTIAL, next_frame(header .. text:sub(2)))
      end
    end)
  end

  it("breaks the protocol with a mask, a reserved bit, a strange opcode or length", function()
    for _, bytes in ipairs {
      "\129\129abcdx", "\193\0", "\161\0", "\145\0", "\131\0", "\139\0",
      "\129\127\0\0\0\1\0\0\0\0", "\129\127\255\255\255\255\255\255\255\255",
    } do
      assert.equal(C.MOON_WIRE_BROKEN, next_frame(bytes))
    end
  end)

  it("is refused when it is a fragment", function()
    assert.equal(C.MOON_WIRE_BROKEN, next_frame "\1\0")
    assert.equal(C.MOON_WIRE_BROKEN, next_frame "\128\0")
  end)

  it("says why it closes", function()
    local function code(payload) return C.moon_wire_close_code(core.exact(payload), #payload) end
    assert.same({ 1005, 1005, 1000, 4008 },
      { code "", code "x", code "\3\232", code "\15\168slow" })
  end)
end)
