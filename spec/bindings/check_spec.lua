local fake_core = require "spec.support.fake_core"

describe("check", function()
  local check = fake_core.world().check

  --- What a caller of a function with such a check sees.
  local function problem_of(fn, ...)
    local function api(...) fn(...) end
    local function caller(...) api(...) end
    local ok, problem = pcall(caller, ...)
    assert.is_false(ok)
    return (problem:gsub("^spec/bindings/check_spec.lua:%d+: ", "here: "))
  end

  it("takes what is of the kind", function()
    check.kind("a", "string", "gate:on")
    check.delay(0, 0, "gate:sleep")
    check.loading({ plugin = {} }, "gate:on")
  end)

  it("names the function, and the line of who called it", function()
    assert.equal("here: gate:on: expected a string, got nil",
      problem_of(check.kind, nil, "string", "gate:on"))
    assert.equal("here: gate:on is only possible while the plugin loads",
      problem_of(check.loading, { plugin = { is_loaded = true } }, "gate:on"))
    assert.equal("here: gate.on: called with a dot, it is gate:on(...)",
      problem_of(check.loading, "join", "gate:on"))
    assert.equal("here: gate.sleep: called with a dot, it is gate:sleep(...)",
      problem_of(check.called, 1, "gate:sleep"))
    assert.equal("here: room:add: expected a connection, got nil",
      problem_of(check.conn, nil, "room:add"))
    assert.equal("here: gate:request: not while a plugin is loaded or migrated: gate:spawn has it "
      .. "done when the code takes over", problem_of(check.in_force, { registry = {} },
      "gate:request"))
    assert.equal("here: gate:sleep: expected a number, got string",
      problem_of(check.delay, "1", 0, "gate:sleep"))
  end)

  it("takes so many registrations of a kind", function()
    local gate = { plugin = {} }
    for _ = 1, 999 do check.loading(gate, "gate:on") end
    check.loading(gate, "gate:tells", 1000)
    check.loading(gate, "gate:on")
    assert.equal("here: gate:on: at most 1000 of a plugin",
      problem_of(check.loading, gate, "gate:on"))
    assert.equal("here: gate:tells: at most 1000 of a plugin",
      problem_of(check.loading, gate, "gate:tells", 1))
    check.loading(gate, "gate:command", 100)
    assert.equal("here: gate:command: at most 100 of a plugin",
      problem_of(check.loading, gate, "gate:command"))
  end)

  it("takes names that can be read, and are no longer than a type", function()
    for _, name in ipairs { "say", "*", "caf\195\169 au lait", ("x"):rep(64) } do
      check.name(name, "gate:on")
    end
    for _, name in ipairs { "", ("x"):rep(65), "a\0b", "a\nb", "\127", "caf\233",
      "\237\160\128" } do
      assert.equal("here: gate:on: expected a name of 1 to 64 bytes of UTF-8, without control "
        .. "characters", problem_of(check.name, name, "gate:on"))
    end
    assert.equal("here: gate:on: expected a string, got number",
      problem_of(check.name, 7, "gate:on"))
  end)

  it("takes no delay that is none", function()
    assert.equal("here: gate:sleep: expected at least 0 ms, got -1",
      problem_of(check.delay, -1, 0, "gate:sleep"))
    for _, value in ipairs { 1 / 0, 0 / 0 } do
      assert.equal("here: gate:sleep: expected a finite number of ms, got " .. tostring(value),
        problem_of(check.delay, value, 0, "gate:sleep"))
    end
  end)
end)
