require "spec.support.fake_core" -- knows where the module is
local msgpack = require "moongate.msgpack"

local null = msgpack.null
local MAX_BYTES = 458752 -- MOON_MAX_FRAME_BYTES

--- bytes "93 01 a1 78": what stands there.
local function bytes(digits)
  return (digits:gsub("%s*(%x%x)%s*", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function shown(text)
  return (text:gsub(".", function(byte) return ("%02x "):format(byte:byte()) end):gsub(" $", ""))
end

local function decoded(digits)
  local value, reason = msgpack.decode(bytes(digits))
  assert.is_nil(reason, digits)
  return value
end

local function encoded(value) return shown((assert(msgpack.encode(value)))) end

--- Why these bytes are not decoded.
local function refused(text)
  local value, reason = msgpack.decode(text)
  assert.is_nil(value, shown(text:sub(1, 40)))
  return reason
end

local function is_round(value)
  assert.same(value, (msgpack.decode((assert(msgpack.encode(value))))))
end

-- 2^n as 8 bytes of a double: the exponent is biased by 1023.
local TWO_TO_THE_53 = "43 40 00 00 00 00 00 00"

-- the formats of the specification: bytes -> value, the shortest for that value first
local FORMATS = {
  { "nil", "c0", null },
  { "false", "c2", false },
  { "true", "c3", true },
  { "positive fixint", "00", 0 }, { "positive fixint", "7f", 127 },
  { "negative fixint", "ff", -1 }, { "negative fixint", "e0", -32 },
  { "uint 8", "cc 80", 128 }, { "uint 8", "cc ff", 255 },
  { "uint 16", "cd 01 00", 256 }, { "uint 16", "cd ff ff", 65535 },
  { "uint 32", "ce 00 01 00 00", 65536 }, { "uint 32", "ce ff ff ff ff", 4294967295 },
  { "uint 64", "cf 00 00 00 01 00 00 00 00", 4294967296 },
  { "uint 64", "cf 00 20 00 00 00 00 00 00", 2 ^ 53 },
  { "int 8", "d0 df", -33 }, { "int 8", "d0 80", -128 },
  { "int 16", "d1 ff 7f", -129 }, { "int 16", "d1 80 00", -32768 },
  { "int 32", "d2 ff ff 7f ff", -32769 }, { "int 32", "d2 80 00 00 00", -2147483648 },
  { "int 64", "d3 ff ff ff ff 7f ff ff ff", -2147483649 },
  { "int 64", "d3 ff e0 00 00 00 00 00 00", -2 ^ 53 },
  { "float 64", "cb 3f f8 00 00 00 00 00 00", 1.5 },
  { "float 64", "cb 3f b9 99 99 99 99 99 9a", 0.1 },
  { "float 64", "cb 7f ef ff ff ff ff ff ff", 1.7976931348623157e308 },
  { "float 64", "cb 43 50 00 00 00 00 00 00", 2 ^ 54 },
  { "fixstr", "a0", "" }, { "fixstr", "a3 74 65 61", "tea" }, { "fixstr", "a2 c3 a9", "\195\169" },
  { "fixstr", "a1 00", "\0" },
  { "fixarray", "93 01 02 03", { 1, 2, 3 } },
  { "fixmap", "80", {} }, { "fixmap", "81 a1 61 c0", { a = null } },
}

-- formats that are longer than they have to be, or are never written
local READ_ONLY = {
  { "uint 8", "cc 07", 7 }, { "uint 16", "cd 00 07", 7 }, { "uint 32", "ce 00 00 00 07", 7 },
  { "uint 64", "cf 00 00 00 00 00 00 00 07", 7 },
  { "int 8", "d0 07", 7 }, { "int 16", "d1 00 07", 7 }, { "int 32", "d2 00 00 00 07", 7 },
  { "int 64", "d3 00 00 00 00 00 00 00 07", 7 },
  { "float 32", "ca 3f c0 00 00", 1.5 }, { "float 32", "ca bf 80 00 00", -1 },
  { "float 64", "cb " .. TWO_TO_THE_53, 2 ^ 53 },
  { "str 8", "d9 01 78", "x" }, { "str 16", "da 00 01 78", "x" },
  { "str 32", "db 00 00 00 01 78", "x" }, { "str 32", "db 00 00 00 00", "" },
  { "bin 8", "c4 02 ff 00", "\255\0" }, { "bin 16", "c5 00 01 ff", "\255" },
  { "bin 32", "c6 00 00 00 01 ff", "\255" }, { "bin 8", "c4 00", "" },
  { "fixarray", "90", {} }, { "array 16", "dc 00 01 07", { 7 } },
  { "array 32", "dd 00 00 00 01 07", { 7 } }, { "array 32", "dd 00 00 00 00", {} },
  { "map 16", "de 00 01 a1 61 07", { a = 7 } }, { "map 32", "df 00 00 00 01 a1 61 07", { a = 7 } },
}

describe("msgpack", function()
  it("reads each format", function()
    for _, list in ipairs { FORMATS, READ_ONLY } do
      for _, case in ipairs(list) do
        assert.same(case[3], decoded(case[2]), case[1] .. ": " .. case[2])
      end
    end
  end)

  it("writes the shortest format", function()
    for _, case in ipairs(FORMATS) do
      assert.equal(case[2], encoded(case[3]), case[1])
    end
  end)

  it("writes the length of a string in as few bytes as it needs", function()
    for length, head in pairs { [31] = "bf", [32] = "d9 20", [255] = "d9 ff", [256] = "da 01 00",
      [65535] = "da ff ff", [65536] = "db 00 01 00 00" } do
      local text = ("x"):rep(length)
      assert.equal(bytes(head) .. text, msgpack.encode(text))
      assert.equal(text, msgpack.decode(bytes(head) .. text))
    end
  end)

  it("writes the length of bytes that are not UTF-8 in the same way, as a bin", function()
    for length, head in pairs { [1] = "c4 01", [255] = "c4 ff", [256] = "c5 01 00",
      [65535] = "c5 ff ff", [65536] = "c6 00 01 00 00" } do
      local text = ("\255"):rep(length)
      assert.equal(bytes(head) .. text, msgpack.encode(text))
      assert.equal(text, msgpack.decode(bytes(head) .. text))
    end
  end)

  it("writes the length of an array in as few bytes as it needs", function()
    for length, head in pairs { [1] = "91", [15] = "9f", [16] = "dc 00 10",
      [10000] = "dc 27 10" } do
      local list = {}
      for i = 1, length do list[i] = true end
      assert.equal(bytes(head) .. ("\195"):rep(length), msgpack.encode(list))
      assert.same(list, msgpack.decode(bytes(head) .. ("\195"):rep(length)))
    end
  end)

  it("writes the length of a map in as few bytes as it needs", function()
    for length, head in pairs { [1] = "81", [15] = "8f", [16] = "de 00 10",
      [10000] = "de 27 10" } do
      local map = {}
      for i = 1, length do map[("k%04d"):format(i % 10000)] = true end
      local text = msgpack.encode(map)
      assert.equal(#bytes(head) + 7 * length, #text)
      assert.equal(bytes(head), text:sub(1, #bytes(head)))
      assert.same(map, msgpack.decode(text))
    end
  end)

  it("brings back what it was given", function()
    is_round { type = "said", at = 1760000000123, from = "ann", data = { 1, -1.25, "x", false, null,
      { deep = { { {} } } } }, ["\195\169"] = "\0\255" }
  end)

  it("writes what is said to be an empty list as one, and reads an empty table", function()
    local none = msgpack.empty_list
    assert.equal("90", encoded(none))
    assert.equal("81 a1 61 93 90 80 91 90", encoded { a = { none, {}, { none } } })
    assert.equal(none, require("moongate.json_count").empty_list)
    assert.same({}, decoded "90")
    assert.same({ nil, "a key is neither a string nor a number" },
      { msgpack.encode { [none] = 1 } })
  end)

  it("takes nil for null, in one direction", function()
    assert.equal("c0", encoded(nil))
    assert.equal(null, msgpack.decode(bytes "c0"))
    assert.equal(require("cjson").null, null)
  end)

  it("decodes false as a value, not as a failure", function()
    local value, reason = msgpack.decode(bytes "c2")
    assert.is_false(value)
    assert.is_nil(reason)
  end)

  it("lets the last of two equal keys win", function()
    assert.same({ a = 2 }, decoded "82 a1 61 01 a1 61 02")
    assert.same({ ["1"] = 2 }, decoded "82 a1 31 01 01 02")
  end)

  it("takes an integer for a key by its digits, as JSON has it", function()
    assert.same({ ["7"] = true, ["-1"] = false }, decoded "82 07 c3 ff c2")
    assert.same({ ["9007199254740992"] = true }, decoded "81 cf 00 20 00 00 00 00 00 00 c3")
    assert.same({ ["1"] = "a", ["2"] = "b" }, decoded "82 01 a1 61 02 a1 62")
  end)

  it("refuses other keys", function()
    for _, key in ipairs { "c0", "c2", "c3", "ca 3f 80 00 00", "cb 3f f0 00 00 00 00 00 00",
      "c4 01 61", "90", "80", "91 01" } do
      assert.equal("a key is neither a string nor an integer",
        refused(bytes("81 " .. key .. " 01")))
    end
  end)

  it("refuses what is cut off, wherever that is", function()
    for _, list in ipairs { FORMATS, READ_ONLY } do
      for _, case in ipairs(list) do
        local whole = bytes(case[2])
        for length = 0, #whole - 1 do
          assert.equal("it is cut off", refused(whole:sub(1, length)), case[2])
        end
      end
    end
  end)

  it("refuses bytes behind the value", function()
    for _, list in ipairs { FORMATS, READ_ONLY } do
      for _, case in ipairs(list) do
        assert.equal("there are bytes behind the value", refused(bytes(case[2]) .. "\192"))
      end
    end
  end)

  it("refuses the byte that is never used", function()
    assert.equal("not MessagePack", refused(bytes "c1"))
    assert.equal("not MessagePack", refused(bytes "92 01 c1"))
  end)

  it("refuses timestamps, and says what to send", function()
    for _, text in ipairs { "d6 ff 00 00 00 00", "d7 ff 00 00 00 00 00 00 00 00",
      "c7 0c ff 00 00 00 00 00 00 00 00 00 00 00 00" } do
      assert.matches("^timestamps are not taken: milliseconds", refused(bytes(text)))
    end
  end)

  it("refuses other extension types", function()
    for _, text in ipairs { "d4 05 00", "d5 05 00 00", "d6 05 00 00 00 00", "c7 00 05",
      "d7 05 00 00 00 00 00 00 00 00", "d8 05 " .. ("00 "):rep(16), "c8 00 01 05 00",
      "c9 00 00 00 01 05 00", "c9 ff ff ff ff 05" } do
      assert.equal("extension types are not taken", refused(bytes(text)), text)
    end
  end)

  it("refuses text that is not UTF-8, also as a key", function()
    for _, text in ipairs { "a1 ff", "a1 c3", "a3 ed a0 80", "a2 c0 80", "a4 f4 90 80 80" } do
      assert.equal("a string is not UTF-8; bytes are a bin", refused(bytes(text)))
      assert.equal("a string is not UTF-8; bytes are a bin", refused(bytes("81 " .. text .. " 01")))
    end
  end)

  it("refuses integers that a number cannot hold", function()
    for _, text in ipairs { "cf 00 20 00 00 00 00 00 01", "cf ff ff ff ff ff ff ff ff",
      "d3 00 20 00 00 00 00 00 01", "d3 ff df ff ff ff ff ff ff", "d3 80 00 00 00 00 00 00 00" } do
      assert.equal("an integer is beyond 53 bits", refused(bytes(text)))
    end
  end)

  it("refuses numbers that are infinite or none, in both directions", function()
    for _, text in ipairs { "ca 7f 80 00 00", "ca ff c0 00 00", "cb 7f f0 00 00 00 00 00 00",
      "cb ff f0 00 00 00 00 00 00", "cb 7f f8 00 00 00 00 00 00" } do
      assert.equal("a number is infinite or none", refused(bytes(text)))
    end
    for _, value in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
      assert.same({ nil, "a number is infinite or none" }, { msgpack.encode { value } })
    end
  end)

  it("refuses to write what is no data", function()
    local value = {}
    value.self = value
    assert.same({ nil, "nested more than 32 deep" }, { msgpack.encode(value) })
    for _, inner in ipairs { print, coroutine.create(print), io.stdout } do
      assert.same({ nil, "a function, thread or userdata is no data" },
        { msgpack.encode { inner } })
    end
    for _, key in ipairs { {}, true, print } do
      assert.same({ nil, "a key is neither a string nor a number" },
        { msgpack.encode { [key] = 1 } })
    end
  end)

  it("refuses to write a key that is not UTF-8", function()
    assert.same({ nil, "a key is not UTF-8", "bad_utf8" }, { msgpack.encode { ["\255"] = 1 } })
  end)

  it("raises when it is not given a string to decode", function()
    assert.has_error(function() msgpack.decode {} end)
    assert.has_error(function() msgpack.decode() end)
  end)

  describe("shape of a table", function()
    --- What comes back from JSON.
    local function as_json(value)
      local world = require("spec.support.fake_core").world()
      return world.json.decode((world.json.encode(value)))
    end

    it("is a map when it is empty", function() assert.equal("80", encoded {}) end)

    it("is an array when its keys are 1 to n", function()
      assert.equal("93 01 02 03", encoded { 1, 2, 3 })
    end)

    it("is an array with nil in a hole, but a map when most are holes", function()
      assert.equal("93 01 c0 03", encoded { 1, nil, 3 })
      assert.equal("dc 00 10" .. (" c0"):rep(15) .. " c3", encoded { [16] = true })
      assert.equal("81 a2 31 37 c3", encoded { [17] = true })
    end)

    it("is a map with names for numbers when other keys are among them", function()
      assert.same({ ["1"] = "a", x = "b" }, msgpack.decode((msgpack.encode { "a", x = "b" })))
      assert.equal("81 a1 30 c3", encoded { [0] = true })
      assert.equal("81 a2 2d 31 c3", encoded { [-1] = true })
      assert.equal("81 a3 31 2e 35 c3", encoded { [1.5] = true })
      assert.equal("81 b0 39 30 30 37 31 39 39 32 35 34 37 34 30 39 39 32 c3",
        encoded { [2 ^ 53] = true })
    end)

    it("is the one that JSON has", function()
      for _, value in ipairs { {}, { 1, 2 }, { 1, nil, 3 }, { [16] = 1 }, { [17] = 1 }, { [0] = 1 },
        { 1, x = 2 }, { [1.5] = 1 }, { [-3] = 1 }, { 1, 2, 3, 4, 5, 6, 7, 8, 9, [18] = 1 },
        { 1, 2, 3, 4, 5, 6, 7, 8, [19] = 1 }, { list = {} }, { { {} }, { a = { 1 } } } } do
        assert.same(as_json(value), msgpack.decode((assert(msgpack.encode(value)))))
      end
    end)
  end)

  describe("cap", function()
    local function list(count, element)
      local items = {}
      for i = 1, count do items[i] = element end
      return items
    end

    local function big_endian(number)
      return string.char(math.floor(number / 16777216), math.floor(number / 65536) % 256,
        math.floor(number / 256) % 256, number % 256)
    end

    local function array(count, element)
      return "\221" .. big_endian(count) .. element:rep(count)
    end

    --- A map with so many keys.
    local function map(count)
      local parts = {}
      for i = 1, count do parts[i] = ("\165%05d\1"):format(i) end
      return "\223" .. big_endian(count) .. table.concat(parts)
    end

    it("of depth: 32 tables in one another, read and written", function()
      local deep = ("\145"):rep(31) .. "\144"
      assert.is_table(msgpack.decode(deep))
      assert.equal("nested more than 32 deep", refused("\145" .. deep))
      assert.equal("nested more than 32 deep", refused(("\145"):rep(5000)))
      assert.equal("nested more than 32 deep", refused(("\129\161x"):rep(32) .. "\128"))
      local value = {}
      for _ = 2, 32 do value = { value } end
      assert.is_string(msgpack.encode(value))
      assert.same({ nil, "nested more than 32 deep" }, { msgpack.encode { value } })
    end)

    it("of one array: 10,000 elements, read and written", function()
      assert.equal(10000, #msgpack.decode(array(10000, "\1")))
      assert.equal("a map or an array has more than 10000 items", refused(array(10001, "\1")))
      assert.is_string(msgpack.encode(list(10000, 1)))
      assert.same({ nil, "a table has more than 10000 items", "too_big" },
        { msgpack.encode(list(10001, 1)) })
      local holes = {}
      for i = 1, 10002, 2 do holes[i] = 1 end
      assert.same({ nil, "a table has more than 10000 items", "too_big" },
        { msgpack.encode(holes) })
    end)

    it("of one map: 10,000 keys, read and written", function()
      local value = msgpack.decode(map(10000))
      assert.equal(1, value["10000"])
      assert.equal("a map or an array has more than 10000 items", refused(map(10001)))
      assert.is_string(msgpack.encode(value))
      value.another = 1
      assert.same({ nil, "a table has more than 10000 items", "too_big" },
        { msgpack.encode(value) })
    end)

    it("of all values: 100,000, read and written", function()
      -- 1 table of 10 tables, and what is in these
      local function nested(last)
        return "\154" .. array(9999, "\1"):rep(9) .. array(last, "\1")
      end
      assert.is_table(msgpack.decode(nested(9998)))
      assert.equal("more than 100000 values in all", refused(nested(9999)))
      local value = list(9, list(9999, 1))
      value[10] = list(9998, 1)
      assert.is_string(msgpack.encode(value))
      value[10] = list(9999, 1)
      assert.same({ nil, "more than 100000 values in all", "too_big" }, { msgpack.encode(value) })
    end)

    it("of a string: that of a message, read and written", function()
      local longest = ("x"):rep(MAX_BYTES)
      assert.equal(longest, msgpack.decode("\219" .. big_endian(MAX_BYTES) .. longest))
      for _, format in ipairs { "\219", "\198" } do
        assert.equal("a string has more than 458752 bytes",
          refused(format .. big_endian(MAX_BYTES + 1) .. longest .. "x"))
      end
      assert.equal(MAX_BYTES, #msgpack.encode(longest:sub(6)))
      assert.same({ nil, "more than 458752 bytes", "too_big" }, { msgpack.encode(longest:sub(5)) })
    end)

    it("of what is written: that of a message, however often a string is in it", function()
      assert.same({ nil, "more than 458752 bytes", "too_big" },
        { msgpack.encode(list(10000, ("x"):rep(100))) })
    end)

    it("takes no memory for what is promised and not there", function()
      collectgarbage()
      collectgarbage "stop"
      local before_kb = collectgarbage "count"
      for _, head in ipairs { "\220\39\16", "\222\39\16", "\221\255\255\255\255",
        "\223\0\0\39\16" } do
        for _ = 1, 100 do refused(("\145"):rep(20) .. head .. "\1") end
      end
      local taken_kb = collectgarbage "count" - before_kb
      collectgarbage "restart"
      assert.is_true(taken_kb < 2000, taken_kb)
    end)
  end)

  it("leaves nothing of a message that failed in the next one", function()
    assert.is_nil((msgpack.encode { 1, 2, print }))
    assert.equal("01", encoded(1))
    refused(bytes "93 01 02")
    assert.equal(1, decoded "01")
  end)
end)
