local fake_core = require "spec.support.fake_core"

describe("migration", function()
  local migration, plugin

  before_each(function()
    local world = fake_core.world()
    migration, plugin = world.migration, { label = "a#1", index = 0, budget = world.run.BUDGET }
  end)

  local function add(word)
    return function(state) state.done = (state.done or "") .. word end
  end

  it("has the steps of a table in the order of their versions", function()
    local steps = migration.steps { [10] = print, [2] = print, [1] = print }
    assert.same({ { version = 1, fn = print }, { version = 2, fn = print },
      { version = 10, fn = print } }, steps)
    assert.equal(10, migration.newest(steps))
    assert.equal(0, migration.newest(migration.steps()))
  end)

  it("runs the steps that a state has not seen", function()
    local state = {}
    migration.run(plugin, migration.steps { add "one ", add "two ", [5] = add "five " }, 1, state)
    assert.equal("two five ", state.done)
  end)

  it("ends at the step that fails, and says which, where and at what", function()
    local state = {}
    local problem = migration.run(plugin, migration.steps { add "one ", function(it)
      local name = "tea"
      it[name].n = 1
    end, add "three " }, 0, state)
    assert.matches("^the migration to version 2 failed: .*migration_spec.lua:%d+: "
      .. 'attempt to index .* %(with name = "tea"%)$', problem)
    assert.equal("one ", state.done)
  end)

  it("says where it was when what a step raises is no message", function()
    assert.matches("migration_spec.lua:%d+: raised a table, not a message %(with n = 1%)$",
      migration.run(plugin, migration.steps { function()
        local n = 1
        error({ n = n })
      end }, 0, {}))
  end)

  it("puts back what it has copied, in place", function()
    local state = { inner = { 1 } }
    local inner, copies = state.inner, migration.copy(state)
    inner[1], state.inner, state.more = 2, nil, {}
    migration.put_back(copies)
    assert.same({ inner = { 1 } }, state)
    assert.equal(inner, state.inner)
  end)
end)
