local fake_core = require "spec.support.fake_core"

describe("list", function()
  local list = fake_core.world().list

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
      as_written = { a = 1 }, where = "scripts/init.lua" }, entries[2])
    assert.same({}, entries[1].options)
  end)

  it("may be empty", function() assert.same({}, list.read("scripts", {})) end)

  it("takes a dot for a folder", function()
    assert.equal("examples/plugins/dice.lua", list.read("examples", { "plugins.dice" })[1].file)
  end)

  it("is of one for an app of one file", function()
    assert.same({ { name = "echo", file = "examples/echo.lua", options = {},
      as_written = {}, where = "examples/echo.lua" } }, list.of_file "examples/echo.lua")
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
    { { { "auth", option = {} } }, 'plugin "auth": there is no "option", there are: options' },
    { { { "auth", options = 7 } }, 'plugin "auth": options: expected a table, got a number' },
    { { "auth", rolback = false }, "unknown: rolback; a list of plugins, and rollback" },
    { { "auth", nil, "rooms" }, "unknown: 3; a list of plugins, and rollback" },
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

  it("names options without end", function()
    local options = { list = {} }
    options.list[1] = options.list
    assert.equal('scripts/init.lua: plugin "rooms": options: a table holds itself',
      problem_of { { "rooms", options = options } })
  end)
end)
