local fake_gate = require "spec.support.fake_gate"

describe("the names at /metrics", function()
  local NONE = "return function() end"
  local gate

  local function source(body) return ("return function(gate) %s end"):format(body) end

  --- Why plugins with these declarations do not load together.
  local function clash(plugins)
    for name, body in pairs(plugins) do plugins[name] = source(body) end
    local ok, problem = pcall(fake_gate.load, plugins)
    assert.is_false(ok)
    return problem:match "/([%w_-]+%.lua: .*)$" or problem:match "%.lua:1: (.*)$"
  end

  it("are those of one metric each, whatever plugins are called", function()
    assert.equal('a_b.lua: metric "c": plugin_a_b_c is printed for "b_c" of a already',
      clash { a = "gate:counter 'b_c'", a_b = "gate:counter 'c'" })
    assert.equal('a_b.lua: metric "c": plugin_a_b_c is printed for "c" of a-b already',
      clash { ["a-b"] = "gate:counter 'c'", a_b = "gate:gauge 'c'" })
    assert.equal('a_h.lua: metric "sum": plugin_a_h_sum is printed for "h" of a already',
      clash { a = "gate:histogram 'h'", a_h = "gate:counter 'sum'" })
  end)

  it("are those of one metric each within a plugin, too", function()
    for _, name in ipairs { "bucket", "sum", "count" } do
      local counter, histogram = ("gate:counter 'h_%s'"):format(name), "gate:histogram 'h'"
      assert.equal(('gate:histogram: plugin_p_h_%s is printed for "h_%s" of p already')
        :format(name, name), clash { p = counter .. " " .. histogram })
      assert.equal(('gate:counter: plugin_p_h_%s is printed for "h" of p already'):format(name),
        clash { p = histogram .. " " .. counter })
    end
    fake_gate.load { p = source "gate:counter 'h_total' gate:histogram 'h' gate:gauge 'h_sums'" }
  end)

  it("move from one plugin to another, and are free when theirs has gone", function()
    gate = fake_gate.load { a = source "gate:counter 'b_c'", a_b = NONE, other = NONE }
    local _, problem = gate:reload { a_b = source "gate:counter 'c'" }
    assert.matches('a_b.lua: metric "c": plugin_a_b_c is printed for "b_c" of a already', problem)
    assert(gate:reload { a = NONE, a_b = source "gate:counter 'c'" })
    _, problem = gate:reload { a = source "gate:counter 'b_c'" }
    assert.matches('a.lua: metric "b_c": plugin_a_b_c is printed for "c" of a_b already', problem)
    assert(gate:reload { a_b = false }) -- and a with it, which had waited for the name
    local metrics = gate.world.metric.text()
    assert.equal(1, select(2, metrics:gsub("\nplugin_a_b_c ", "")))
  end)

  it("may be those of another kind in the next generation", function()
    gate = fake_gate.load { a = source "gate:counter 'h_count'" }
    assert(gate:reload { a = source "gate:histogram 'h'" })
    assert(gate:reload { a = source "gate:counter 'h_count'" })
  end)
end)
