local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/frame.h"

local TEXT = 1

describe("frame header", function()
  local function header(opcode, payload_bytes)
    local out = ffi.cast("char *", core.keep(C.moon_alloc(C.MOON_FRAME_HEADER_MAX), C.moon_free))
    return ffi.string(out, C.moon_frame_header(out, opcode, payload_bytes))
  end

  after_each(core.tidy)

  for payload_bytes, expected in pairs {
    [0] = "\129\0",
    [1] = "\129\1",
    [125] = "\129\125",
    [126] = "\129\126\0\126",
    [255] = "\129\126\0\255",
    [256] = "\129\126\1\0",
    [65535] = "\129\126\255\255",
    [65536] = "\129\127\0\0\0\0\0\1\0\0",
    [16909060] = "\129\127\0\0\0\0\1\2\3\4",
    [1108152157446] = "\129\127\0\0\1\2\3\4\5\6",
  } do
    it("of a text of " .. payload_bytes .. " bytes is final, unmasked and shortest", function()
      assert.equal(expected, header(TEXT, payload_bytes))
    end)
  end

  it("carries the opcode", function()
    for opcode = 0, 15 do assert.equal(128 + opcode, header(opcode, 5):byte()) end
  end)

  it("tells the length of the whole frame", function()
    for _, payload_bytes in ipairs {
      0, 1, 124, 125, 126, 127, 128, 255, 256, 32767, 32768, 65534, 65535, 65536, 65537, 16777216,
      4294967295, 4294967296, 1099511627776,
    } do
      local text = header(TEXT, payload_bytes)
      local whole = C.moon_frame_bytes(core.exact(text)) -- it reads no byte of the payload
      assert.equal(#text + payload_bytes, tonumber(whole))
    end
  end)

  it("tells where the next frame begins in a row of them", function()
    local random = core.random(11)
    local parts, starts, at = {}, {}, 0
    for i = 1, 200 do
      local size = random(1, 10) == 1 and random(65500, 65600) or random(0, 300)
      starts[i] = at
      parts[i] = header(TEXT, size) .. ("\255"):rep(size)
      at = at + #parts[i]
    end
    local row = core.exact(table.concat(parts))
    local position = 0
    for i = 1, #parts do
      assert.equal(starts[i], position)
      position = position + tonumber(C.moon_frame_bytes(row + position))
    end
    assert.equal(at, position)
  end)
end)

describe("close frame", function()
  local function close(code, reason)
    local out = ffi.cast("char *", core.keep(C.moon_alloc(127), C.moon_free))
    if reason == nil then return ffi.string(out, C.moon_frame_close(out, code, nil, 0)) end
    return ffi.string(out, C.moon_frame_close(out, code, core.exact(reason), #reason))
  end

  --- The reason that a client would read out of the frame.
  local function reason_of(frame)
    assert.equal(0x88, frame:byte(1))
    assert.equal(#frame - 2, frame:byte(2))
    assert.is_true(#frame <= 127)
    return frame:sub(5)
  end

  after_each(core.tidy)

  it("is empty without a code, whatever the reason", function()
    assert.equal("\136\0", close(0, nil))
    assert.equal("\136\0", close(0, "never said"))
  end)

  it("carries code and reason", function()
    assert.equal("\136\2\3\232", close(1000, nil))
    assert.equal("\136\2\3\232", close(1000, ""))
    assert.equal("\136\6\15\168slow", close(4008, "slow"))
    assert.equal("\136\5\255\255end", close(65535, "end"))
  end)

  it("carries a reason of 123 bytes whole, and cuts a longer one", function()
    for _, length in ipairs { 121, 122, 123 } do
      assert.equal(("r"):rep(length), reason_of(close(4000, ("r"):rep(length))))
    end
    for _, length in ipairs { 124, 125, 126, 200, 65536 } do
      assert.equal(("r"):rep(123), reason_of(close(4000, ("r"):rep(length))))
    end
  end)

  for _, character in ipairs { "é", "€", "😀" } do
    it("cuts at a whole character of " .. #character .. " bytes, as late as it can", function()
      for ascii = 0, 124 do
        local reason = ("a"):rep(ascii) .. character:rep(80)
        local cut = reason_of(close(4000, reason))
        assert.equal(reason:sub(1, #cut), cut)
        assert.is_true(C.moon_utf8_is_valid(core.exact(cut), #cut))
        local left_out = reason:sub(#cut + 1):match "^[^\128-\191][\128-\191]*"
        assert.is_true(#cut + #left_out > 123)
      end
    end)
  end

  it("keeps a last character that ends exactly where there is no more room", function()
    local reason = ("a"):rep(120) .. "€"
    assert.equal(reason, reason_of(close(4000, reason)))
    assert.equal(reason, reason_of(close(4000, reason .. "€")))
  end)

  it("does not look behind a reason that just fits", function()
    local out = ffi.new "char[127]"
    local memory = core.exact(("r"):rep(123) .. "\128")
    assert.equal(127, C.moon_frame_close(out, 4000, memory, 123))
    assert.equal(127, C.moon_frame_close(out, 4000, core.exact(("r"):rep(123)), 123))
  end)

  it("leaves out a reason that has no whole character to cut at", function()
    assert.equal("", reason_of(close(4000, ("\128"):rep(200))))
  end)
end)

describe("close code", function()
  it("is valid when RFC 6455 or its registry lets a peer send it", function()
    local valid = {}
    for code = 0, 70000 do
      if C.moon_close_code_is_valid(code) then valid[#valid + 1] = code end
    end
    local expected = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014 }
    for code = 3000, 4999 do expected[#expected + 1] = code end
    assert.equal(table.concat(expected, " "), table.concat(valid, " "))
    assert.is_false(C.moon_close_code_is_valid(4294967295))
  end)
end)

describe("UTF-8", function()
  local function is_valid(text) return C.moon_utf8_is_valid(core.exact(text), #text) end

  --- What RFC 3629 says, told another way: decode, then ask whether the number may be there
  --- and whether it would have fitted into fewer bytes.
  local FIRST = { 0x0, 0x80, 0x800, 0x10000 } -- the smallest number that needs so many bytes
  local function decodes(a, b, c, d)
    local bytes = { a, b, c, d }
    local i = 1
    while bytes[i] ~= nil do
      local lead = bytes[i]
      local count = lead < 128 and 1 or lead < 192 and 0 or lead < 224 and 2 or lead < 240 and 3
        or lead < 248 and 4 or 0
      if count == 0 then return false end
      local number = count == 1 and lead or lead % 2 ^ (7 - count)
      for k = i + 1, i + count - 1 do
        local byte = bytes[k]
        if byte == nil or byte < 128 or byte > 191 then return false end
        number = number * 64 + byte - 128
      end
      if number < FIRST[count] or number > 0x10FFFF then return false end
      if number >= 0xD800 and number <= 0xDFFF then return false end
      i = i + count
    end
    return true
  end

  local GOOD = {
    "", "\0", "a", "\127", "\194\128", "\223\191", "\224\160\128", "\224\191\191", "\225\128\128",
    "\236\191\191", "\237\128\128", "\237\159\191", "\238\128\128", "\239\191\189", "\239\191\191",
    "\240\144\128\128", "\240\191\191\191", "\241\128\128\128", "\243\191\191\191",
    "\244\128\128\128", "\244\143\191\191", "aé€😀z", "κόσμε",
  }

  local BAD = {
    ["a continuation alone"] = "\128",
    ["the last continuation alone"] = "\191",
    ["an overlong NUL"] = "\192\128",
    ["an overlong slash"] = "\192\175",
    ["the last overlong form of two"] = "\193\191",
    ["an overlong form of three"] = "\224\128\128",
    ["the last overlong form of three"] = "\224\159\191",
    ["the first surrogate"] = "\237\160\128",
    ["the last surrogate"] = "\237\191\191",
    ["a pair of surrogates"] = "\237\160\189\237\184\128",
    ["an overlong form of four"] = "\240\128\128\128",
    ["the last overlong form of four"] = "\240\143\191\191",
    ["the first number beyond U+10FFFF"] = "\244\144\128\128",
    ["a lead for still more"] = "\245\128\128\128",
    ["a form of five"] = "\248\136\128\128\128",
    ["a form of six"] = "\252\132\128\128\128\128",
    ["FE"] = "\254",
    ["FF"] = "\255",
    ["a lead before a letter"] = "\195a",
    ["a lead before a lead"] = "\226\226\130\172",
    ["a letter in the third place"] = "\226\130a",
    ["a letter in the fourth place"] = "\240\159\152a",
    ["one continuation too many"] = "\195\169\169",
  }

  after_each(core.tidy)

  it("is valid at both ends of each range", function()
    for _, text in ipairs(GOOD) do assert.is_true(is_valid(text), ("%q"):format(text)) end
    assert.is_true(is_valid(table.concat(GOOD)))
  end)

  for what, text in pairs(BAD) do
    it("is not valid with " .. what .. ", wherever it stands", function()
      assert.is_false(is_valid(text))
      for before = 0, 16 do
        for _, after in ipairs { 0, 1, 7, 8, 9, 16 } do
          assert.is_false(is_valid(("x"):rep(before) .. text .. ("y"):rep(after)))
        end
      end
    end)
  end

  it("is not valid when cut within a character, at every offset", function()
    for _, character in ipairs { "é", "€", "😀", "\237\159\191", "\244\143\191\191" } do
      for ascii = 0, 16 do
        local before = ("x"):rep(ascii)
        assert.is_true(is_valid(before .. character))
        for length = 1, #character - 1 do
          assert.is_false(is_valid(before .. character:sub(1, length)))
          assert.is_false(is_valid(before .. character .. character:sub(1, length)))
        end
      end
    end
  end)

  it("is found at every offset of a long text", function()
    for length = 0, 40 do
      assert.is_true(is_valid(("x"):rep(length)))
      for at = 0, length do
        local text = ("x"):rep(at) .. "€" .. ("x"):rep(length - at)
        assert.is_true(is_valid(text))
        assert.is_false(is_valid((text:gsub("€", "\226\130"))))
      end
    end
  end)

  describe("against an independent reader", function()
    local buffer = ffi.new "unsigned char[16]"

    --- Compares what both say of one sequence; the last byte stands at the end of the text.
    local function compare(wrong, length, a, b, c, d)
      buffer[0], buffer[1], buffer[2], buffer[3] = a, b or 0, c or 0, d or 0
      local is_valid_here = C.moon_utf8_is_valid(ffi.cast("const char *", buffer), length)
      if is_valid_here ~= decodes(a, b, c, d) and #wrong < 10 then
        wrong[#wrong + 1] = ("%02X %s %s %s"):format(a, b or "", c or "", d or "")
      end
      return is_valid_here and 1 or 0
    end

    local EDGES = { 0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC3, 0xFF }

    it("is the same for every single byte and every pair", function()
      local wrong, valid = {}, 0
      for a = 0, 255 do
        valid = valid + compare(wrong, 1, a)
        for b = 0, 255 do valid = valid + compare(wrong, 2, a, b) end
      end
      assert.same({}, wrong)
      assert.equal(128 + 128 * 128 + 30 * 64, valid)
    end)

    it("is the same for three bytes: all first and second ones, the edges of the third", function()
      local wrong, valid = {}, 0
      for a = 0, 255 do
        for b = 0, 255 do
          for _, c in ipairs(EDGES) do valid = valid + compare(wrong, 3, a, b, c) end
        end
      end
      assert.same({}, wrong)
      assert.is_true(valid > 10000)
    end)

    it("is the same for four bytes with a high first one: all second ones, then edges", function()
      local wrong, valid = {}, 0
      for a = 0xEC, 0xFF do
        for b = 0, 255 do
          for _, c in ipairs(EDGES) do
            for _, d in ipairs(EDGES) do valid = valid + compare(wrong, 4, a, b, c, d) end
          end
        end
      end
      assert.same({}, wrong)
      assert.is_true(valid > 1000)
    end)

    it("is the same for 300000 random sequences of three and four bytes", function()
      local random = core.random(13)
      local wrong, valid = {}, 0
      for _ = 1, 150000 do
        local a, b, c, d = random(0, 255), random(0, 255), random(0, 255), random(0, 255)
        valid = valid + compare(wrong, 3, a, b, c) + compare(wrong, 4, a, b, c, d)
      end
      assert.same({}, wrong)
      assert.is_true(valid > 1000)
    end)
  end)
end)

describe("message in parts", function()
  local pool, message

  local function append(max_bytes, text)
    return C.moon_message_append(message, pool, max_bytes, core.exact(text), #text)
  end

  local function whole() return ffi.string(message.bytes, message.length) end

  before_each(function()
    pool = core.keep(C.moon_pool_create(65536), C.moon_pool_destroy)
    message = ffi.new "struct moon_message"
    core.keep(message, function(some) C.moon_message_clear(some, pool) end)
  end)

  after_each(core.tidy)

  it("is put together in order", function()
    assert.is_true(append(100, "one,"))
    assert.is_true(append(100, "two,"))
    assert.is_true(append(100, "three"))
    assert.equal("one,two,three", whole())
  end)

  it("may be as long as its limit, in one part or in many, and no longer", function()
    for size = 1, 64 do
      local parts = math.floor(640 / size)
      for _ = 1, parts do assert.is_true(append(size * parts, ("p"):rep(size))) end
      assert.equal(size * parts, message.length)
      assert.is_false(append(size * parts, "x"))
      assert.is_true(append(size * parts, ""))
      assert.equal(("p"):rep(size * parts), whole())
      C.moon_message_clear(message, pool)
      assert.is_false(append(size - 1, ("p"):rep(size)))
      assert.is_true(append(size, ("p"):rep(size)))
      C.moon_message_clear(message, pool)
    end
  end)

  it("is not changed by a part that it refuses", function()
    append(10, "123456")
    assert.is_false(append(10, "78901"))
    assert.equal("123456", whole())
    assert.is_true(append(10, "7890"))
    assert.equal("1234567890", whole())
  end)

  it("refuses a part whose length is beyond 32 bits", function()
    append(4294967295, "x")
    assert.is_false(C.moon_message_append(message, pool, 4294967295, "x", 4294967296))
    assert.is_false(C.moon_message_append(message, pool, 4294967295, "x", 2 ^ 63))
    assert.equal("x", whole())
  end)

  it("may have parts of no length", function()
    assert.is_true(append(10, ""))
    assert.equal(0, message.length)
    assert.is_true(C.moon_message_append(message, pool, 10, nil, 0))
    assert.is_true(append(10, "a"))
    assert.equal("a", whole())
  end)

  it("keeps what has arrived while it grows", function()
    local random = core.random(17)
    local parts, total = {}, 0
    for i = 1, 200 do
      parts[i] = ("%d;"):format(i):rep(random(0, 200))
      total = total + #parts[i]
      assert.is_true(append(1048576, parts[i]))
    end
    assert.equal(total, message.length)
    assert.is_true(table.concat(parts) == whole())
  end)

  it("is empty after it was cleared, and has given its memory back to the pool", function()
    append(1000, ("x"):rep(700))
    local buffer = message.bytes
    C.moon_message_clear(message, pool)
    assert.is_true(message.bytes == nil)
    assert.equal(0, message.length)
    assert.equal(0, message.capacity)
    assert.is_true(core.is_in_pool(pool, buffer, 1024))
    C.moon_message_clear(message, pool)
    assert.is_true(append(1000, "anew"))
    assert.equal("anew", whole())
  end)
end)
