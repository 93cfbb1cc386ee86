local fake_core = require "spec.support.fake_core"
local guarded = require "spec.support.guarded"

--- An array in an array, `depth` deep.
local function nested(depth) return ("["):rep(depth) .. ("]"):rep(depth) end

--- A value in an array in an array, `depth` deep.
local function with_inside(depth, value)
  for _ = 1, depth do value = { value } end
  return value
end

describe("json", function()
  local json

  before_each(function() json = fake_core.world().json end)

  local function round_trip(text)
    local value, reason = json.decode(text)
    assert.is_nil(reason)
    return (assert(json.encode(value)))
  end

  it("reads and writes each kind of value", function()
    for _, text in ipairs { "true", "false", "null", "7", "-0.5", '"tea"', "[1,[2],null]",
      '{"a":{"b":[true]}}', '"\195\169\\n\\u0001"' } do
      assert.equal(text, round_trip(text))
    end
  end)

  it("writes long texts beside empty lists and long whole numbers, in the server, too", function()
    local long = ("x"):rep(100000)
    local restore = require("moongate.strings").install()
    local text, reason = json.encode { json.empty_list, 9007199254740991, long }
    restore()
    assert.same({ '[[],9007199254740991,"' .. long .. '"]' }, { text, reason })
  end)

  it("tells null from nothing", function()
    assert.equal(json.null, json.decode "null")
    assert.equal(json.null, json.decode('{"a":null}').a)
    assert.is_nil(json.decode('{"a":null}').b)
    assert.equal('{"a":null}', json.encode { a = json.null })
  end)

  it("decodes false as a value, not as a failure", function()
    local value, reason = json.decode "false"
    assert.is_false(value)
    assert.is_nil(reason)
  end)

  it("says who wants to decode what is no text", function()
    for _, value in ipairs { {}, 5, json.null } do
      local _, problem = pcall(function() return (json.decode(value)) end)
      assert.matches("json_spec.lua:%d+: gate.json.decode: expected a string, got " .. type(value),
        problem)
    end
    assert.matches("^%S+a.lua%(load%):2: gate.json.decode: expected a string, got table$",
      (guarded.load():run "local text = {}\nlocal value = gate.json.decode(text)"))
  end)

  it("writes an empty table as an object", function()
    assert.equal("{}", json.encode {})
  end)

  it("writes what is said to be an empty list as one, wherever it is a value", function()
    local none = json.empty_list
    assert.equal("[]", json.encode(none))
    assert.equal('{"list":[]}', json.encode { list = none })
    assert.equal("[[],{},[[]],null]", json.encode { none, {}, { none }, json.null })
    assert.equal("[]", json.encode_whole(none))
    assert.same({ list = {} }, json.decode(json.encode { list = none }))
    assert.is_nil((json.encode { [none] = 1 }))
    assert.is_nil((json.encode { none, print }))
    assert.same({ nil, "nested more than 32 deep" }, { json.encode(with_inside(33, none)) })
    assert.equal(nested(33), json.encode(with_inside(32, none)))
  end)

  it("says of a list that it is one when there is nothing in it", function()
    local list = { 1 }
    assert.equal(list, json.list(list))
    assert.equal(json.empty_list, json.list {})
    assert.is_not.equal(json.null, json.empty_list)
    local _, problem = pcall(function() json.list(nil) end)
    assert.matches("json_spec.lua:%d+: gate.json.list: expected a table, got nil$", problem)
  end)

  it("lets no string pass for an empty list", function()
    local real, draws = math.random, { 7, 7, 8, 9 }
    finally(function() rawset(math, "random", real) end)
    rawset(math, "random", function() return table.remove(draws, 1) end)
    local mark = "mark 00000007 "
    local value = { list = json.empty_list, n = 2 ^ 53, s = mark .. "[]", [mark .. "x"] = "\"",
      t = 'a "mark 00000008 []"' }
    local text = json.encode(value)
    assert.same({}, draws) -- it has tried until one was free
    value.list = {}
    assert.same(value, json.decode(text))
    assert.is_truthy(text:find('"list":[]', 1, true))
    assert.is_truthy(text:find('"n":9007199254740992', 1, true))
  end)

  it("keeps names that look like numbers", function()
    assert.equal('{"1":"a"}', round_trip '{"1":"a"}')
  end)

  it("takes 32 levels and refuses the 33rd", function()
    assert.is_table(json.decode(nested(32)))
    local value, reason = json.decode(nested(33))
    assert.is_nil(value)
    assert.matches("nested", reason)
  end)

  it("writes 32 levels and refuses the 33rd", function()
    local value = {}
    for _ = 2, 32 do value = { value } end
    assert.is_string(json.encode(value))
    local text, reason = json.encode { value }
    assert.is_nil(text)
    assert.is_string(reason)
  end)

  it("refuses a table that contains itself", function()
    local value = {}
    value.self = value
    assert.is_nil((json.encode(value)))
  end)

  it("refuses what is not JSON, with a reason", function()
    for _, text in ipairs { "", " ", "{", "[1,]", "{a:1}", "'a'", "nan", "Infinity", "0x10",
      "1 2", '{"a":1}}', '"\\ud800"' } do
      local value, reason = json.decode(text)
      assert.is_nil(value, text)
      assert.is_string(reason)
    end
  end)

  it("refuses a NUL byte, wherever it is: nothing hides behind it", function()
    for _, text in ipairs { "1\0", "{}\0{", "\0", '"a\0b"', "1\0" .. (" "):rep(1000) } do
      assert.same({ nil, "a NUL byte" }, { json.decode(text) })
    end
    assert.equal("a\0b", json.decode '"a\\u0000b"')
  end)

  it("refuses a number that is too large to be one", function()
    assert.is_nil((json.decode "1e999"))
  end)

  it("refuses to write what JSON cannot say", function()
    for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0, print, coroutine.create(print),
      { [{}] = 1 }, { f = print } } do
      local text, reason = json.encode(value)
      assert.is_nil(text)
      assert.is_string(reason)
    end
  end)

  it("writes a table with large holes as an object", function()
    assert.equal('{"1000":true}', json.encode { [1000] = true })
  end)

  it("keeps whole numbers of 53 bits exact", function()
    for _, text in ipairs { "1760000000000", "1760000000000123", "9007199254740991" } do
      assert.equal(tonumber(text), json.decode(round_trip(text)))
    end
  end)

  it("makes no difference between an empty array and an empty object", function()
    assert.equal('{"list":{}}', round_trip '{"list":[]}') -- docs/protocol.md says so
  end)

  it("keeps whole numbers exact beside text that looks like a mark or an exponent", function()
    local value = { n = 1234567890123456, s = "e+15 \127int:12", list = { -9007199254740991 } }
    assert.same(value, json.decode(json.encode(value)))
  end)

  it("lets no string pass for a long number", function()
    for mark = 1, 3 do
      local value = { n = 1e15, s = ("number %08x 0012"):format(mark), ["e+"] = "number 7" }
      assert.same(value, json.decode(json.encode(value)))
    end
    local text = json.encode { n = 1234567890123456, ["number 00000000 5"] = "e+ number 1 2" }
    assert.is_truthy(text:find('"number 00000000 5":', 1, true))
    assert.is_truthy(text:find("1234567890123456", 1, true))
  end)

  describe("cap", function()
    local function array(count, element)
      return "[" .. (element .. ","):rep(count - 1) .. element .. "]"
    end

    local function object(count)
      local parts = {}
      for i = 1, count do parts[i] = ('"%d":1'):format(i) end
      return "{" .. table.concat(parts, ",") .. "}"
    end

    --- 11 tables, with so many values in the last one.
    local function full(last)
      return "[" .. (array(9999, "1") .. ","):rep(9) .. array(last, "1") .. "]"
    end

    local function is_refused(text, reason)
      assert.same({ nil, reason }, { json.decode(text) })
    end

    it("of one array: 10,000 elements, read and written", function()
      local value = json.decode(array(10000, "1"))
      assert.equal(10000, #value)
      assert.is_string(json.encode(value))
      is_refused(array(10001, "1"), "a table has more than 10000 items")
      is_refused("[[" .. array(10001, "1") .. "]]", "a table has more than 10000 items")
      value[10001] = 1
      assert.same({ nil, "a table has more than 10000 items", "too_big" }, { json.encode(value) })
    end)

    it("of one object: 10,000 keys, read and written", function()
      local value = json.decode(object(10000))
      assert.is_string(json.encode(value))
      is_refused(object(10001), "a table has more than 10000 items")
      value.another = 1
      assert.same({ nil, "a table has more than 10000 items", "too_big" }, { json.encode(value) })
    end)

    it("of all values: 100,000, read and written", function()
      local value = json.decode(full(9998))
      assert.is_string(json.encode(value))
      is_refused(full(9999), "more than 100000 values in all")
      value[10][9999] = 1
      assert.same({ nil, "more than 100000 values in all", "too_big" }, { json.encode(value) })
    end)

    it("of a string: that of a message, read and written", function()
      local longest = ("x"):rep(458752) -- MOON_MAX_FRAME_BYTES
      assert.equal(longest, json.decode(json.encode { longest })[1])
      is_refused('["' .. longest .. 'x"]', "a string has more than 458752 bytes")
      assert.same({ nil, "a string has more than 458752 bytes", "too_big" },
        { json.encode { { longest .. "x" } } })
    end)

    it("of strings in all: 4 MiB, names included", function()
      local quarter, list = ("x"):rep(2 ^ 18), {} -- MOON_MAX_ANSWER_BYTES / 16
      for i = 1, 16 do list[i] = quarter end
      assert.is_string(json.encode(list))
      local refusal = { nil, "more than 4194304 bytes in all", "too_big" }
      list[17] = "x"
      assert.same(refusal, { json.encode(list) })
      list[17] = { x = 1 }
      assert.same(refusal, { json.encode(list) })
    end)

    it("counts what is in several places in each, and stops early", function()
      local wide, long = { 1 }, { ("x"):rep(1000) }
      for _ = 1, 28 do wide = { wide, wide, wide } end
      for _ = 1, 28 do long = { long, long } end
      assert.same({ nil, "more than 100000 values in all", "too_big" }, { json.encode(wide) })
      assert.same({ nil, "more than 2097152 values in all", "too_big" },
        { json.encode_whole(wide) })
      for _, encode in ipairs { json.encode, json.encode_whole } do
        assert.same({ nil, "more than 4194304 bytes in all", "too_big" }, { encode(long) })
      end
    end)

    it("of a text: 4 MiB, which is not even read", function()
      local text = '"' .. ("x"):rep(4194302) .. '"'
      is_refused(text, "a string has more than 458752 bytes")
      is_refused(text .. " ", "more than 4194304 bytes")
    end)

    it("ends the count at the first item that is too much", function()
      local long = '"' .. ("x"):rep(458753) .. '"'
      is_refused("[" .. long .. "," .. array(10001, "1") .. "]",
        "a string has more than 458752 bytes")
      is_refused("[" .. array(10001, "1"):sub(2, -2) .. "," .. long .. "]",
        "a table has more than 10000 items")
      is_refused("[" .. array(10001, "1"):sub(2, -2) .. ",1e999]",
        "a table has more than 10000 items")
    end)

    it("runs no metamethods", function()
      local value = setmetatable({ 1 }, { __index = error, __pairs = error, __len = error })
      assert.equal("[1]", json.encode(value))
    end)

    it("is that of msgpack", function()
      local msgpack = require "moongate.msgpack"
      for _, text in ipairs { array(10000, "1"), object(10000), full(9998) } do
        assert.is_string(msgpack.encode(json.decode(text)))
      end
    end)
  end)

  it("leaves the limits of others alone", function()
    local cjson = require "cjson"
    assert.is_table(cjson.decode(nested(40)))
  end)

  it("takes more of what goes to operators: as much as an answer has", function()
    local long, list = ("x"):rep(500000), {}
    assert.is_nil(json.encode { long })
    assert.equal(500004, #json.encode_whole { long })
    for i = 1, 10001 do list[i] = 1 end
    assert.is_string(json.encode_whole(list))
    assert.same({ nil, "a string has more than 4194304 bytes", "too_big" },
      { json.encode_whole { long:rep(9) } })
  end)
end)
