require "spec.support.fake_core" -- for the path of the modules in C
local count = require "moongate.json_count"

local function excess(value, limits)
  limits = limits or {}
  return count.excess(value, limits.depth or 32, limits.items or 1e9, limits.string_bytes or 1e9,
    limits.values or 1e9, limits.bytes or 1e9)
end

local function nested(depth)
  local value = {}
  for _ = 2, depth do value = { value } end
  return value
end

describe("what json_count counts", function()
  it("is nothing to a value within the limits", function()
    for _, value in ipairs { true, 7, "tea", {}, { 1, "a", { b = { c = "d" } } } } do
      assert.is_nil(excess(value))
    end
    assert.is_nil(excess(nil))
  end)

  it("finds an empty list among the values", function()
    local none = count.empty_list
    for _, value in ipairs { none, { none }, { 1, { a = { none } }, "x" } } do
      assert.same({ n = 3, nil, nil, true }, { n = select("#", excess(value)), excess(value) })
    end
    for _, value in ipairs { 7, {}, { [none] = 1 }, { require("cjson").null } } do
      assert.is_false((select(3, excess(value))))
    end
  end)

  it("is the depth, which is a mistake", function()
    assert.is_nil(excess(nested(3), { depth = 3 }))
    assert.same({ "nested more than 3 deep" }, { excess(nested(4), { depth = 3 }) })
  end)

  it("is the items of a table", function()
    assert.is_nil(excess({ 1, 2, a = 3 }, { items = 3 }))
    assert.same({ "a table has more than 3 items", "too_big" },
      { excess({ { 1, 2, a = 3, b = 4 } }, { items = 3 }) })
  end)

  it("is the bytes of a string, also of a key", function()
    assert.is_nil(excess({ abc = "def" }, { string_bytes = 3 }))
    for _, value in ipairs { "four", { "four" }, { four = 1 } } do
      assert.same({ "a string has more than 3 bytes", "too_big" },
        { excess(value, { string_bytes = 3 }) })
    end
  end)

  it("is the values in all, the outermost included", function()
    assert.is_nil(excess({ 1, { 2 } }, { values = 4 }))
    assert.same({ "more than 4 values in all", "too_big" },
      { excess({ 1, { 2, 3 } }, { values = 4 }) })
  end)

  it("is the bytes of strings in all", function()
    assert.is_nil(excess({ ab = "cd", { "e" } }, { bytes = 5 }))
    assert.same({ "more than 5 bytes in all", "too_big" },
      { excess({ ab = "cd", { "ef" } }, { bytes = 5 }) })
  end)

  it("counts what is in several places in each, and comes to an end", function()
    local value = { "x" }
    for _ = 1, 30 do value = { value, value } end
    assert.same({ "more than 1000 values in all", "too_big" }, { excess(value, { values = 1000 }) })
  end)

  it("leaves keys that are numbers as they are", function()
    local value = { [1] = "a", [2.5] = "b" }
    assert.is_nil(excess(value))
    assert.same({ [1] = "a", [2.5] = "b" }, value)
  end)
end)

describe("a number that may overflow", function()
  it("has an exponent of three digits, or no end", function()
    for text, may in pairs { ["1e308"] = true, ["-2.5E+400"] = true, ["[1e0999]"] = true,
      [("9"):rep(301)] = true, ["1e99"] = false, ["1e-400"] = false, ["e12"] = false, [""] = false,
      ["1e+"] = false, ["type"] = false, [("9"):rep(300)] = false } do
      assert.equal(may, count.may_overflow(text), text)
    end
  end)
end)
