local fake_core = require "spec.support.fake_core"

describe("storable", function()
  local storable, json

  before_each(function()
    local world = fake_core.world()
    storable, json = world.storable, world.json
  end)

  it("writes a value in one way, however it was built", function()
    local one = { b = 2, a = { 1, "x" }, ["c\n"] = { z = true, y = json.null } }
    assert.equal([[{"a":[1,"x"],"b":2,"c\n":{"y":null,"z":true}}]], storable.encode(one))
    local other, names = {}, {}
    for i = 1, 200 do names[i] = "name" .. i end
    for i = 200, 1, -1 do other[names[i]] = i end
    table.sort(names)
    local text = storable.encode(other)
    local found = {}
    for name in text:gmatch '"(name%d+)"' do found[#found + 1] = name end
    assert.same(names, found)
  end)

  it("writes each number with the digits it needs, and zero without a sign", function()
    for number, text in pairs {
      [0] = "0", [7] = "7", [-12] = "-12", [0.1] = "0.1", [2 ^ 53 - 1] = "9007199254740991",
      [1 / 3] = "0.33333333333333331", [1e300] = "1e+300", [2 ^ 60] = "1.152921504606847e+18",
    } do
      assert.equal(text, storable.encode(number))
      assert.equal(number, storable.decode(text))
    end
    assert.equal("0", storable.encode(-0.0))
  end)

  it("gives back every number that there is", function()
    local random = math.random
    for _ = 1, 2000 do
      local number = (random() - 0.5) * 10 ^ random(-300, 300)
      assert.equal(number, storable.decode(storable.encode(number)))
    end
  end)

  it("takes an empty table for an empty list and an object without names", function()
    assert.equal("{}", storable.encode {})
    assert.same({}, storable.decode "{}")
  end)

  it("takes what is said to be an empty list, and gives back an empty table", function()
    local value = { a = { json.empty_list, json.null }, b = json.empty_list }
    local text = storable.encode(value)
    local found = storable.decode(text)
    assert.same({ a = { {}, json.null }, b = {} }, found)
    assert.equal(text, storable.encode(found)) -- swap() compares them
    assert.equal("{}", storable.encode(json.empty_list))
  end)

  it("says where what cannot be stored is", function()
    local kinds = "; stored are strings, numbers, booleans, json.null, json.empty_list and tables "
      .. "of them"
    local nan = 0 / 0
    for problem, value in pairs {
      ["value is a function" .. kinds] = print,
      ['value["a b"][2] is a thread' .. kinds] = { ["a b"] = { 1, coroutine.create(print) } },
      ['value["x"] is an object' .. kinds] = { x = setmetatable({}, {}) },
      ["value[1] is not a finite number"] = { nan },
      ['value["x"] is not a finite number'] = { x = -math.huge },
      ["value has both names and other keys"] = { 1, x = 2 },
      ["value has keys that are neither names nor 1, 2, 3 ..."] = { [2] = 1, [3] = 1 },
      ["value[1] has keys that are neither names nor 1, 2, 3 ..."] = { { [1.5] = 1 } },
      ['value["x"] has keys that are neither names nor 1, 2, 3 ...'] = { x = { 1, [true] = 1 } },
    } do
      local text, found = storable.encode(value)
      assert.is_nil(text)
      assert.equal(problem, found)
    end
  end)

  it("goes as deep as it can come back, and no deeper", function()
    local function nested(depth)
      local value = {}
      for _ = 2, depth do value = { value } end
      return value
    end
    assert.same(nested(32), storable.decode(storable.encode(nested(32))))
    local text, problem = storable.encode(nested(33))
    assert.is_nil(text)
    assert.matches("^value%[1%].* is more than 32 tables deep$", problem)
    local cycle = {}
    cycle.again = cycle
    assert.is_nil((storable.encode(cycle)))
  end)

  it("refuses what is too much to come back", function()
    local list, names, short = {}, {}, {}
    for i = 1, 10000 do list[i], names["n" .. i] = i, 1 end
    for i = 1, 9989 do short[i] = i end
    local most = { list, list, list, list, list, list, list, list, list, short }
    for _, value in ipairs { list, names, most } do -- the last one has 100,000 values
      assert.same(value, storable.decode((assert(storable.encode(value)))))
    end
    short[9990] = 0
    assert.same({ nil, "value[10][9990] is one value more than 100000" },
      { storable.encode(most) })
    list[10001], names.more = 0, 1
    assert.same({ nil, "value has more than 10000 items" }, { storable.encode(list) })
    local sort, is_sorted = table.sort, false
    rawset(table, "sort", function(texts)
      is_sorted = is_sorted or #texts > 1
      return sort(texts)
    end)
    local text, problem = storable.encode { a = names }
    rawset(table, "sort", sort)
    assert.same({ nil, 'value["a"] has more than 10000 items' }, { text, problem })
    assert.is_false(is_sorted, "there may be millions of them")
  end)

  it("takes nothing for a value that is none", function()
    assert.is_nil((storable.decode "{"))
    assert.is_nil((storable.decode ""))
  end)
end)
