local fake_core = require "spec.support.fake_core"

describe("option", function()
  local option = fake_core.world().option

  local function entry(options)
    return { name = "dice", file = "app/dice.lua", where = "app/init.lua", options = options }
  end

  local function value(spec, given)
    return option.value(entry { sides = given }, "sides", option.declare("sides", spec))
  end

  local function problem_of(fn, ...)
    local ok, problem = pcall(fn, ...)
    assert.is_false(ok)
    return problem
  end

  it("is its default when nobody has set it", function()
    assert.equal(6, value(6))
    assert.equal(false, value(false))
    assert.equal("tea", value { default = "tea", enum = { "tea", "milk" } })
    assert.same({ "a" }, value { default = { "a" } })
  end)

  it("is what init.lua sets", function()
    assert.equal(20, value(6, 20))
    assert.equal(false, value(true, false))
    assert.equal("milk", value({ enum = { "tea", "milk" } }, "milk"))
  end)

  local REFUSED = {
    { 6, "six", 'a number, got "six"' },
    { { type = "integer", min = 2, max = 100 }, 1, "an integer from 2 to 100, got 1" },
    { { type = "integer" }, 1.5, "an integer, got 1.5" },
    { { default = 6, min = 2 }, 1, "a number of at least 2, got 1" },
    { { default = 6, max = 9 }, 10, "a number of at most 9, got 10" },
    { { default = 6 }, 0 / 0, "a number, got " .. tostring(0 / 0) },
    { { enum = { "tea", "milk" } }, "beer", 'one of "tea", "milk", got "beer"' },
    { { type = "string", pattern = "%l+" }, "Tea", 'a string that matches "%l+", got "Tea"' },
    { { type = "string", min = 3 }, "ab", 'a string of a length of at least 3, got "ab"' },
    { { type = "table", max = 1 }, { 1, 2 }, "a table of a length of at most 1, got a table" },
    { { type = "boolean" }, 1, "a boolean, got 1" },
    { { type = "string" }, nil, "a string, got nothing" },
  }
  for _, case in ipairs(REFUSED) do
    it("expected " .. case[3], function()
      assert.equal('app/init.lua: plugin "dice": option "sides": expected ' .. case[3],
        problem_of(value, case[1], case[2]))
    end)
  end

  it("matches the whole string", function()
    local spec = { type = "string", pattern = "%l+" }
    assert.equal("tea", value(spec, "tea"))
    problem_of(value, spec, "tea 2")
  end)

  it("says when a pattern takes too long for a value", function()
    local restore = require("moongate.strings").install()
    local text = problem_of(value, { type = "string", pattern = "a-a-a-a-a-b" }, ("a"):rep(3000))
    restore()
    assert.matches('^app/init.lua: plugin "dice": option "sides": string.find: '
      .. "pattern too expensive", text)
  end)

  it("refuses a declaration that contradicts itself", function()
    local expected = {
      ['gate:option "n": default: expected a number of at least 2, got 1'] =
        { default = 1, min = 2 },
      ['gate:option "n": there is no "mni", there are: about, default, enum, max, min, '
        .. "pattern, type"] = { mni = 2, default = 3 },
      ['gate:option "n": type: expected string, number, integer, boolean or table, got nil'] = {},
      ['gate:option "n": type: expected string, number, integer, boolean or table, got function'] =
        print,
      ['gate:option "n": min: expected a number, got "1"'] = { default = 1, min = "1" },
      ['gate:option "n": enum: expected a table, got "x"'] = { enum = "x" },
      ['gate:option "n": enum: expected a list of values, got an empty one'] = { enum = {} },
      ['gate:option "n": type: expected a string, got 5'] = { type = 5 },
      ['gate:option "n": pattern: only of a string'] = { default = 1, pattern = "%d" },
      ['gate:option "n": pattern: malformed pattern (missing \']\')'] =
        { type = "string", pattern = "[" },
    }
    for problem, spec in pairs(expected) do
      assert.equal(problem, problem_of(option.declare, "n", spec))
    end
  end)

  it("is named when nobody has declared it", function()
    local declared = { sides = {}, colour = {} }
    assert.is_nil(option.unknown(entry { sides = 1 }, declared))
    assert.equal('app/init.lua: plugin "dice" has no option "side"; it has colour, sides',
      option.unknown(entry { side = 1 }, declared))
    assert.equal('app/init.lua: plugin "dice" has no option "side"; it has none',
      option.unknown(entry { side = 1 }, {}))
  end)

  it("is shown in part when it is long", function()
    local long = string.rep("x", 5000000)
    local declared = { word = option.declare("word", { default = long, about = long }) }
    local its = option.survey(entry {}, declared)[1]
    assert.is_true(#its.value + #its.default + #its.about < 1000)
    assert.matches('^"xx+%.%.%."$', its.value)
  end)

  it("is shown with its default, by name; a secret is not", function()
    local declared = {
      sides = option.declare("sides", { default = 6, about = "of the die" }),
      word = option.declare("word", { type = "string" }),
      api_key = option.declare("api_key", { default = "none" }),
      list = option.declare("list", { type = "table" }),
    }
    assert.same({
      { name = "api_key", value = "***", default = "***" },
      { name = "list", value = '[1,{"token":"***"}]' },
      { name = "sides", value = "6", default = "6", about = "of the die" },
      { name = "word", value = '"tea milk"' },
    }, option.survey(entry { word = "tea\nmilk", api_key = "x", list = { 1, { token = "x" } } },
      declared))
  end)
end)
