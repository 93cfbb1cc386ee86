local fake_core = require "spec.support.fake_core"

describe("state", function()
  local state, budget

  before_each(function()
    local world = fake_core.world()
    state, budget = world.state, world.run.BUDGET
  end)

  local function remember(...)
    local snapshot = state.snapshot { ... }
    return function() state.restore(snapshot) end
  end

  it("is the same table for the same name always", function()
    assert.equal(state.of "rooms", state.of "rooms")
    assert.are_not.equal(state.of "rooms", state.of "auth")
  end)

  it("may be a chain of any length", function()
    local link = state.of "rooms"
    for n = 1, 50000 do
      link.next = { n = n }
      link = link.next
    end
    local restore = remember "rooms"
    link.n = 0
    restore()
    assert.equal(50000, link.n)
  end)

  it("takes back what was changed, added and removed", function()
    local rooms = state.of "rooms"
    rooms.kept, rooms.changed, rooms.removed = 1, 2, 3
    local restore = remember "rooms"
    rooms.changed, rooms.removed, rooms.added = 20, nil, 4
    restore()
    assert.same({ kept = 1, changed = 2, removed = 3 }, rooms)
    assert.equal(rooms, state.of "rooms")
  end)

  it("restores inner tables in place, so that old references stay good", function()
    local rooms = state.of "rooms"
    rooms.tea = { members = { "ann" } }
    local members = rooms.tea.members
    local restore = remember "rooms"
    members[2] = "bob"
    rooms.tea.members = { "carl" }
    rooms.tea = nil
    restore()
    assert.equal(members, rooms.tea.members)
    assert.same({ "ann" }, members)
  end)

  it("restores a table that two hold as one", function()
    local shared = { 1 }
    state.of("a").list, state.of("b").list = shared, shared
    local restore = remember("a", "b")
    state.of("a").list = { 1 }
    restore()
    assert.equal(state.of("a").list, state.of("b").list)
  end)

  it("restores tables that contain themselves", function()
    local a = state.of "a"
    a.self = a
    local restore = remember "a"
    a.self = nil
    restore()
    assert.equal(a, a.self)
  end)

  it("restores tables that are keys", function()
    local key = { name = "tea" }
    state.of("a")[key] = true
    local restore = remember "a"
    key.name = "milk"
    restore()
    assert.equal("tea", key.name)
    assert.is_true(state.of("a")[key])
  end)

  it("restores what a metatable hides, and takes that away", function()
    local a = state.of "a"
    a.name, a.inner = "tea", { n = 1 }
    local restore = remember "a"
    a.name, a.inner.n = nil, nil
    local hides = { __newindex = function() end, __metatable = "mine" }
    setmetatable(a, hides)
    setmetatable(a.inner, hides)
    restore()
    assert.same({ name = "tea", inner = { n = 1 } }, a)
    assert.is_nil(getmetatable(a))
    assert.is_nil(getmetatable(a.inner))
  end)

  it("leaves objects alone, which belong to others", function()
    local room = setmetatable({ members = { 1 } }, { __index = {} })
    state.of("a").room = room
    local restore = remember "a"
    room.members = { 1, 2 }
    restore()
    assert.same({ 1, 2 }, room.members)
    assert.is_table(getmetatable(room))
  end)

  it("forgets plugins that are new", function()
    local restore = remember "new"
    state.of("new").word = "hello"
    restore()
    assert.same({}, state.of "new")
  end)

  it("leaves everything as it is when nobody restores", function()
    remember "a"
    state.of("a").word = "hello"
    assert.same({ word = "hello" }, state.of "a")
  end)

  describe("migrate", function()
    local function plugin(...)
      local steps = {}
      for i, fn in ipairs { ... } do steps[i] = { version = i, fn = fn } end
      return { name = "rooms", file = "app/rooms.lua", migrations = steps, index = 0,
        budget = budget }
    end

    local function add(word)
      return function(data) data.done = (data.done or "") .. word end
    end

    local function problem_of(...)
      local ok, problem = pcall(state.migrate, ...)
      assert.is_false(ok)
      return problem
    end

    it("runs each step once, in order", function()
      state.migrate(plugin(add "one "), false)
      assert.equal(1, state.version "rooms")
      state.migrate(plugin(add "one ", add "two ", add "three "), false)
      assert.equal("one two three ", state.of("rooms").done)
      assert.equal(3, state.version "rooms")
    end)

    it("lets a plugin that is new begin with its newest version", function()
      state.migrate(plugin(add "one ", add "two "), true)
      assert.same({}, state.of "rooms")
      assert.equal(2, state.version "rooms")
    end)

    it("names file, step, line and what the step was at", function()
      state.of("rooms").tea, state.of("rooms").milk = { 1 }, false
      local problem = problem_of(plugin(add "one ", function(data)
        local names = { "tea", "milk" }
        for place, name in ipairs(names) do data[name][1] = place end
      end), false)
      assert.matches("^app/rooms.lua: the migration to version 2 failed: .*state_spec.lua:%d+: "
        .. "attempt to index .* %(with place = 2, name = \"milk\"%)$", problem)
    end)

    it("refuses code that is older than the state", function()
      state.migrate(plugin(add "", add ""), true)
      assert.equal('app/rooms.lua: its state is of version 2, and this code knows 1: "moongate ctl '
        .. 'rollback" brings back state and code, or declare gate:migrate(3, ...)',
        problem_of(plugin(add ""), false))
    end)

    it("is taken back with the state", function()
      state.migrate(plugin(add "one "), false)
      local restore = remember "rooms"
      state.migrate(plugin(add "", add "two "), false)
      restore()
      assert.equal("one ", state.of("rooms").done)
      assert.equal(1, state.version "rooms")
    end)
  end)

  describe("not_data", function()
    local ONLY = "; a state holds data only, or it could not outlive the code"

    it("finds nothing in data, of any depth, and in circles", function()
      local data = { 1, "a", true, { [5] = { x = {} } }, null = require("cjson").null,
        none = require("moongate.json_count").empty_list }
      data.self = data
      assert.is_nil(state.not_data(data, "gate.state"))
      local link = data
      for _ = 1, 50000 do
        link.next = {}
        link = link.next
      end
      assert.is_nil(state.not_data(data, "gate.state"))
    end)

    it("names the way to what is none", function()
      assert.equal("gate.state.rooms[2].on_join is a function" .. ONLY,
        state.not_data({ rooms = { {}, { on_join = print } } }, "gate.state"))
      assert.equal('gate.state["two words"] is a thread' .. ONLY,
        state.not_data({ ["two words"] = coroutine.create(print) }, "gate.state"))
      assert.equal("gate.state.n is a cdata" .. ONLY,
        state.not_data({ n = require("ffi").new "uint64_t" }, "gate.state"))
      assert.equal("gate.state.ann is an object; a state holds data only: keep its name or id",
        state.not_data({ ann = setmetatable({}, {}) }, "gate.state"))
      assert.equal("gate.state.by_room has a table as a key; the keys of a state are strings, "
        .. "numbers or booleans", state.not_data({ by_room = { [{}] = 1 } }, "gate.state"))
      assert.equal("gate.state has a metatable; a state holds data only",
        state.not_data(setmetatable({}, { __metatable = false }), "gate.state"))
    end)

    it("names the way also to the end of a long chain", function()
      local data = {}
      local link = data
      for _ = 1, 300000 do
        link.x = {}
        link = link.x
      end
      link.x = print
      assert.equal("gate.state ... " .. (".x"):rep(17) .. " is a function" .. ONLY,
        state.not_data(data, "gate.state"))
    end)
  end)
end)
