local fake_core = require "spec.support.fake_core"

describe("describe", function()
  local world = fake_core.world()
  local describe_values, view = world.describe, world.view

  local function text(...) return describe_values { n = select("#", ...), ... } end

  it("shows values as Lua would write them, one a line", function()
    assert.equal('nil\ntrue\n1\n1.5\n"a\\"b\\n\\\\\\007"', text(nil, true, 1, 1.5, 'a"b\n\\\7'))
    assert.equal("100000000000\n<null>", text(1e11, world.json.null))
    assert.equal("{ <empty list> }", text { world.json.empty_list })
    assert.matches("^<function .*describe_spec.lua:%d+>\n<function in C>$",
      text(function() end, print))
  end)

  it("shows numbers with all their digits", function()
    assert.equal("9007199254740992\n0.1\n1e+100", text(2 ^ 53, 0.1, 1e100))
    assert.equal("0.30000000000000004\ninf", text(0.1 + 0.2, math.huge))
    assert.equal("{ [1234567890123456] = 1 }", text { [1234567890123456] = 1 })
    assert.matches("nan", text(0 / 0))
  end)

  it("shows tables by their keys in order", function()
    assert.equal('{ 1, 2, [5] = 3, a = { b = "x" }, ["a b"] = {}, [true] = 1 }',
      text { 1, 2, [5] = 3, a = { b = "x" }, ["a b"] = {}, [true] = 1 })
  end)

  it("breaks what is long into lines", function()
    local long = ("x"):rep(60)
    assert.equal(('{\n  a = "%s",\n  b = "%s"\n}'):format(long, long), text { a = long, b = long })
  end)

  it("shows four levels, fifty entries, and no table in itself", function()
    assert.equal("{ { { { { ... } } } } }", text { { { { { 1 } } } } })
    local loop = {}
    loop.loop = loop
    assert.equal("{ loop = <table above> }", text(loop))
    local many = {}
    for i = 1, 2000 do many[i] = i end
    assert.matches("  50,\n  %.%.%. 1950 more\n}$", text(many))
  end)

  it("stays within its bytes", function()
    local big = {}
    for i = 1, 50 do
      big[i] = {}
      for j = 1, 50 do big[i][j] = ("x"):rep(5000) end
    end
    assert.is_true(#text(big) < 20000)
    assert.matches('" %.%. 5000 bytes', text(("x"):rep(5000)))
  end)

  it("calls nothing of the value", function()
    local trap = setmetatable({ a = 1 }, { __index = error, __tostring = error, __len = error })
    assert.equal("{ a = 1 }", text(trap))
  end)

  it("shows what a view is of", function()
    assert.equal("{ a = { 1 } }", text(view.of { a = { 1 } }))
  end)
end)
