local fake_core = require "spec.support.fake_core"

describe("list", function()
  local world = fake_core.world()
  local list, BUDGET = world.list, world.run.BUDGET

  local function names_of(entries)
    local names = {}
    for i, entry in ipairs(entries) do names[i] = entry.name end
    return names
  end

  local function problem_of(value)
    local ok, problem = pcall(list.read, "scripts", value)
    assert.is_false(ok)
    return problem
  end

  it("has the plugins in their order", function()
    local entries = list.read("scripts", { "router", { "rooms", options = { a = 1 } }, { "auth" } })
    assert.same({ "router", "rooms", "auth" }, names_of(entries))
    assert.same({ name = "rooms", file = "scripts/rooms.lua", options = { a = 1 },
      as_written = { a = 1 }, budget = BUDGET, trust = "guarded", capabilities = {},
      where = "scripts/init.lua" }, entries[2])
    assert.same({}, entries[1].options)
  end)

  it("has the budget of each: what is not named is that of all, or the default", function()
    local entries = list.read("scripts", { "router", { "rooms", budget = { hard_ms = 200 } },
      budget = { soft_ms = 10, aborts = 7 } })
    local all = { soft_ms = 10, hard_ms = 500, load_ms = 5000, aborts = 7, within_ms = 60000 }
    assert.same(all, entries[1].budget)
    all.hard_ms = 200
    assert.same(all, entries[2].budget)
  end)

  it("has the trust of each: what is not named is that of all, or guarded", function()
    local entries = list.read("scripts", { "auth", { "rooms", capabilities = { "store", "http" } },
      { "router", trust = "trusted" } })
    for i, trust in ipairs { "guarded", "guarded", "trusted" } do
      assert.equal(trust, entries[i].trust)
    end
    assert.same({}, entries[1].capabilities)
    assert.same({ store = true, http = true }, entries[2].capabilities)
    entries = list.read("scripts", { "auth", { "rooms", trust = "guarded", capabilities = {} },
      trust = "trusted", capabilities = { "fetch" } })
    assert.equal("trusted", entries[1].trust)
    assert.same({ fetch = true }, entries[1].capabilities)
    assert.equal("guarded", entries[2].trust)
    assert.same({}, entries[2].capabilities)
  end)

  it("may be empty", function() assert.same({}, list.read("scripts", {})) end)

  it("takes a dot for a folder", function()
    assert.equal("examples/plugins/dice.lua", list.read("examples", { "plugins.dice" })[1].file)
  end)

  it("is of one for an app of one file", function()
    assert.same({ { name = "echo", file = "examples/echo.lua", options = {},
      as_written = {}, budget = BUDGET, trust = "trusted", capabilities = {},
      where = "examples/echo.lua" } },
      list.of_file "examples/echo.lua")
  end)

  local HOW = 'expected a list of plugins, return { "auth", { "rooms", options = { ... } } }, '
    .. "got a "
  local REFUSED = {
    { nil, HOW .. "nil" },
    { print, HOW .. "function" },
    { { 7 }, 'entry 1: expected "name" or { "name", options = { ... } }, got a number' },
    { { {} }, 'entry 1: expected the name of a plugin, "rooms" for rooms.lua, got nil' },
    { { "auth", "../x" },
      'entry 2: expected the name of a plugin, "rooms" for rooms.lua, got "../x"' },
    { { "init" }, 'entry 1: expected the name of a plugin, "rooms" for rooms.lua, got "init"' },
    { { "a..b" }, 'entry 1: expected the name of a plugin, "rooms" for rooms.lua, got "a..b"' },
    { { "" }, 'entry 1: expected the name of a plugin, "rooms" for rooms.lua, got ""' },
    { { "nobody" }, 'plugin "nobody": there is no file scripts/nobody.lua' },
    { { "auth", "rooms", "auth" }, 'plugin "auth" is listed twice: entries 1 and 3' },
    { { { "auth", option = {} } },
      'plugin "auth": there is no "option", there are: budget, capabilities, options, trust' },
    { { { "auth", options = 7 } }, 'plugin "auth": options: expected a table, got a number' },
    { { "auth", rolback = false },
      "unknown: rolback; a list of plugins, rollback, budget, trust and capabilities" },
    { { "auth", nil, "rooms" }, "unknown: 3; a list of plugins, rollback, budget, trust and "
      .. "capabilities" },
    { { budget = 7 }, "budget: expected a table as { soft_ms = 50 }, got a number" },
    { { budget = { hard = 1 } },
      'budget: there is no "hard", there are: aborts, hard_ms, load_ms, soft_ms, within_ms' },
    { { budget = { hard_ms = 0 } },
      "budget: hard_ms: expected a whole number from 1 to 86400000, got 0" },
    { { { "auth", budget = { hard_ms = 10 } } },
      'plugin "auth": budget: soft_ms is more than hard_ms' },
    { { trust = "full" }, 'trust: expected "trusted" or "guarded", got "full"' },
    { { { "auth", trust = true } },
      'plugin "auth": trust: expected "trusted" or "guarded", got boolean' },
    { { { "auth", capabilities = "fetch" } },
      'plugin "auth": capabilities: expected a list as { "fetch" }, got a string' },
    { { { "auth", capabilities = { "fetsch" } } },
      'plugin "auth": capabilities: there is no "fetsch", there are: fetch, http, rooms, store' },
    { { capabilities = { fetch = "fetch" } },
      'capabilities: expected a list as { "fetch" }, got a table with names' },
    { { rollback = 7 }, "rollback: expected false or { factor =, min_errors =, within_ms = }, "
      .. "got a number" },
    { { rollback = { factr = 1 } },
      'rollback: there is no "factr", there are: factor, min_errors, within_ms' },
    { { rollback = { factor = 0 } }, "rollback: factor: expected a number above 0, got 0" },
  }
  for _, case in ipairs(REFUSED) do
    it("refuses: " .. case[2], function()
      assert.equal("scripts/init.lua: " .. case[2], problem_of(case[1]))
    end)
  end

  it("says all that is wrong with its entries", function()
    assert.equal([[
scripts/init.lua: plugin "nobody": there is no file scripts/nobody.lua
scripts/init.lua: entry 3: expected "name" or { "name", options = { ... } }, got a number
scripts/init.lua: plugin "auth" is listed twice: entries 2 and 4]],
      problem_of { "nobody", "auth", 7, "auth", "rooms" })
  end)

  it("names options without end", function()
    local options = { list = {} }
    options.list[1] = options.list
    assert.equal('scripts/init.lua: plugin "rooms": options: a table holds itself',
      problem_of { { "rooms", options = options } })
  end)
end)
