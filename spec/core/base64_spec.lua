local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/base64.h"

local function encode(bytes)
  local text = core.exact(("?"):rep(math.floor((#bytes * 4 + 2) / 3)))
  local length = tonumber(C.moon_base64_encode(core.exact(bytes), #bytes, text))
  return ffi.string(text, length)
end

--- nil when it is refused.
local function decode(text)
  local bytes = core.exact(("?"):rep(math.floor(#text * 3 / 4)))
  local length = tonumber(C.moon_base64_decode(core.exact(text), #text, bytes))
  return length >= 0 and ffi.string(bytes, length) or nil
end

describe("base64", function()
  after_each(core.tidy)

  -- RFC 4648 section 10, without padding, and both digits that are others in URLs
  local PAIRS = {
    [""] = "", f = "Zg", fo = "Zm8", foo = "Zm9v", foob = "Zm9vYg", fooba = "Zm9vYmE",
    foobar = "Zm9vYmFy", ["\251\255\254"] = "-__-", ["\0"] = "AA", ["\255"] = "_w",
  }

  it("writes and reads what the RFC shows", function()
    for bytes, text in pairs(PAIRS) do
      assert.equal(text, encode(bytes))
      assert.equal(bytes, decode(text))
    end
  end)

  it("reads all bytes back, at any length", function()
    local random = core.random(7)
    for length = 0, 200 do
      local bytes = {}
      for i = 1, length do bytes[i] = string.char(random(0, 255)) end
      bytes = table.concat(bytes)
      assert.equal(bytes, decode(encode(bytes)))
    end
  end)

  it("refuses every other spelling", function()
    for _, text in ipairs { "Z", "Zm9vY", "Zg==", "Zm8=", "Zm9v\n", " Zm9v", "Zm 9v", "+__-",
      "-//-", "Zh", "Zm9", "_x", "Zm9v\0", "Zm9\255" } do
      assert.is_nil(decode(text), text)
    end
  end)

  it("has one text for each value of two digits, of all there are", function()
    local count = 0
    for a = 0, 255 do
      for b = 0, 255 do
        local bytes = decode(string.char(a, b))
        if bytes then
          count = count + 1
          assert.equal(string.char(a, b), encode(bytes))
        end
      end
    end
    assert.equal(256, count)
  end)
end)
