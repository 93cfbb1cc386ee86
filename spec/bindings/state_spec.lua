local fake_core = require "spec.support.fake_core"

describe("state", function()
  local state

  before_each(function() state = fake_core.world().state end)

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
    local restore = state.snapshot()
    link.n = 0
    restore()
    assert.equal(50000, link.n)
  end)

  it("takes back what was changed, added and removed", function()
    local rooms = state.of "rooms"
    rooms.kept, rooms.changed, rooms.removed = 1, 2, 3
    local restore = state.snapshot()
    rooms.changed, rooms.removed, rooms.added = 20, nil, 4
    restore()
    assert.same({ kept = 1, changed = 2, removed = 3 }, rooms)
    assert.equal(rooms, state.of "rooms")
  end)

  it("restores inner tables in place, so that old references stay good", function()
    local rooms = state.of "rooms"
    rooms.tea = { members = { "ann" } }
    local members = rooms.tea.members
    local restore = state.snapshot()
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
    local restore = state.snapshot()
    state.of("a").list = { 1 }
    restore()
    assert.equal(state.of("a").list, state.of("b").list)
  end)

  it("restores tables that contain themselves", function()
    local a = state.of "a"
    a.self = a
    local restore = state.snapshot()
    a.self = nil
    restore()
    assert.equal(a, a.self)
  end)

  it("restores tables that are keys", function()
    local key = { name = "tea" }
    state.of("a")[key] = true
    local restore = state.snapshot()
    key.name = "milk"
    restore()
    assert.equal("tea", key.name)
    assert.is_true(state.of("a")[key])
  end)

  it("forgets plugins that are new", function()
    local restore = state.snapshot()
    state.of("new").word = "hello"
    restore()
    assert.same({}, state.of "new")
  end)

  it("leaves everything as it is when nobody restores", function()
    state.snapshot()
    state.of("a").word = "hello"
    assert.same({ word = "hello" }, state.of "a")
  end)
end)
