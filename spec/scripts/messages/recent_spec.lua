local recents = require "scripts.messages.recent"

local LIMITS = { room = 3, all = 6, emoji = 2, reactions_of_one = 4, reactions_of_all = 6 }

local function limits(changes)
  local all = {}
  for name, limit in pairs(LIMITS) do all[name] = changes[name] or limit end
  return all
end

describe("recent messages", function()
  local state, recent

  before_each(function()
    state = {}
    recent = recents.over(state, LIMITS)
  end)

  local function say(room, user, now_ms, is_hidden)
    local id = recent:next_id(room, now_ms)
    recent:add(room, id, user, is_hidden)
    return id
  end

  describe("ids", function()
    it("are the time in tenths of a millisecond", function()
      assert.equal(17600000000000, recent:next_id("tea", 1760000000000))
      assert.equal(1760000000000, recent:at_ms(17600000000009))
    end)

    it("have digits that JSON is written fastest with, for some centuries", function()
      assert.is_true(recent:next_id("tea", 4102444800000) < 1e14) -- the year 2100
    end)

    it("ascend within a millisecond, and when the clock goes back", function()
      local first = say("tea", "ann", 1000)
      local second = say("tea", "ann", 1000)
      local third = say("tea", "ann", 1)
      assert.same({ 10000, 10001, 10002 }, { first, second, third })
      assert.equal(20000, say("tea", "ann", 2000))
    end)

    it("ascend also in a room that was forgotten", function()
      local last
      for _ = 1, 30 do last = say("tea", "ann", 1000) end
      for n = 1, 6 do say("other " .. n, "bob", 1000) end
      assert.is_nil(recent:author("tea", last))
      assert.is_true(say("tea", "ann", 1000) > last)
    end)
  end)

  it("are those of the room, the last ones", function()
    local ids = {}
    for n = 1, 5 do ids[n] = say("tea", "user " .. n, n) end
    local found = {}
    for n = 1, 5 do found[n] = recent:author("tea", ids[n]) or "gone" end
    assert.same({ "gone", "gone", "user 3", "user 4", "user 5" }, found)
    assert.is_nil(recent:author("milk", ids[5]))
    assert.is_nil(recent:author("tea", ids[5] + 1))
    assert.is_nil(recent:author("tea", ids[4] + 1))
  end)

  it("are as many as may be in all; the room that is silent for longest is forgotten", function()
    local a, b = say("a", "ann", 1), say("b", "ann", 2)
    say("b", "ann", 3)
    say("c", "ann", 4)
    local again = say("a", "ann", 5)
    say("c", "ann", 6)
    assert.equal(6, state.total)
    say("d", "ann", 7)
    assert.is_nil(recent:author("b", b))
    assert.equal("ann", recent:author("a", a))
    assert.equal("ann", recent:author("a", again))
    assert.equal(5, state.total)
  end)

  it("have one that is the last, also when it is deleted", function()
    assert.is_nil(recent:last("tea", "bob"))
    say("tea", "ann", 1)
    local id = say("tea", "ann", 2)
    recent:delete("tea", id)
    assert.equal(id, recent:last("tea", "bob"))
  end)

  it("have another last one for who has said what others have not heard", function()
    local first = say("tea", "eve", 1, true)
    assert.same({ nil, first }, { recent:last("tea", "bob"), recent:last("tea", "eve") })
    assert.is_nil(recent:heard_by_all("tea", first))
    local all = say("tea", "ann", 2)
    local hidden, other = say("tea", "eve", 3, true), say("tea", "max", 4, true)
    assert.same({ all, hidden, other }, { recent:last("tea", "bob"), recent:last("tea", "eve"),
      recent:last("tea", "max") })
    for _, id in ipairs { all, hidden, other } do
      assert.equal(all, recent:heard_by_all("tea", id))
    end
    assert.equal(17, recent:heard_by_all("milk", 17))
    recent:delete("tea", hidden) -- as of one that all have heard
    assert.same({ all, hidden }, { recent:last("tea", "bob"), recent:last("tea", "eve") })
    recent = recents.over(state, limits { room = 1 })
    assert.same({ all, all, other }, { recent:last("tea", "bob"), recent:last("tea", "eve"),
      recent:last("tea", "max") })
  end)

  describe("that only their sender has heard", function()
    it("take no place of what others have heard", function()
      local id = say("tea", "ann", 1)
      recent:react("tea", id, "bob", "+", true)
      local hidden = {}
      for n = 1, 8 do hidden[n] = say(n < 5 and "tea" or "room " .. n, "eve", 1 + n, true) end
      assert.same({ "ann", false }, { recent:author("tea", id) })
      assert.same({ 1, 1 }, { state.total, state.reactions })
      assert.same({ id, id }, { recent:last("tea", "bob"), recent:heard_by_all("tea", hidden[4]) })
      assert.same({ nil, "eve" }, { (recent:author("tea", hidden[1])),
        (recent:author("room 8", hidden[8])) })
      assert.equal(4, state.hidden.total)
    end)

    it("and are remembered by themselves, whatever others say", function()
      local id = say("tea", "eve", 1, true)
      recent:react("tea", id, "eve", "+", true, true)
      for n = 2, 9 do say("tea", "bob", n) end
      for n = 1, 6 do say("other " .. n, "bob", 10 + n) end
      assert.same({ "eve", true }, { recent:author("tea", id) })
      assert.equal(1, state.hidden.reactions)
      assert.equal(id, recent:last("tea", "eve"))
    end)

    it("go with the room to another name, and are forgotten with it", function()
      local id, other = say("tea", "eve", 1, true), say("milk", "max", 2, true)
      recent:rename("tea", "milk")
      assert.same({ "eve", true }, { recent:author("milk", id) })
      assert.is_nil(recent:author("milk", other))
      local at = recent:next_id("milk", 1)
      assert.is_true(at > other)
      recent:forget "milk"
      assert.is_nil(recent:author("milk", id))
      assert.equal(at, recent:next_id("milk", 1))
      assert.equal(0, state.hidden.total)
    end)

    it("are forgotten once, where earlier code has had them among the others", function()
      local first, second = say("tea", "ann", 1), say("tea", "eve", 2)
      recent:react("tea", second, "eve", "+", true)
      state.rooms.tea.hidden, state.rooms.tea.visible = { [second] = true }, first
      state.hidden = nil
      recent = recents.over(state, LIMITS)
      assert.same({ "ann", nil }, { (recent:author("tea", first)), (recent:author("tea", second)) })
      assert.same({ 1, 0 }, { state.total, state.reactions })
      assert.equal(first, recent:last("tea", "bob"))
      assert.is_true(say("tea", "bob", 1) > second)
    end)
  end)

  it("can be deleted", function()
    local first, second = say("tea", "ann", 1), say("tea", "bob", 2)
    recent:delete("tea", first)
    assert.is_nil(recent:author("tea", first))
    assert.equal("bob", recent:author("tea", second))
  end)

  it("have an author still when they are deleted, for who asks for those, too", function()
    local id, hidden, other = say("tea", "ann", 1), say("tea", "bob", 2, true), say("tea", "ann", 3)
    recent:delete("tea", id)
    recent:delete("tea", hidden)
    assert.same({ "ann", false }, { recent:author("tea", id, true) })
    assert.same({ "bob", true }, { recent:author("tea", hidden, true) })
    assert.same({ "ann", false }, { recent:author("tea", other, true) })
    state.rooms.tea[1 * 2] = false -- of earlier code
    assert.is_nil(recent:author("tea", id, true))
    for n = 4, 6 do say("tea", "bob", n) end
    assert.is_nil(recent:author("tea", other, true))
  end)

  it("may be known to who has said them only", function()
    local id, plain = say("tea", "ann", 1, true), say("tea", "ann", 2)
    assert.same({ "ann", true }, { recent:author("tea", id) })
    assert.same({ "ann", false }, { recent:author("tea", plain) })
  end)

  it("go with the room when it gets another name", function()
    local id = say("tea", "ann", 5)
    say("milk", "bob", 9)
    recent:rename("tea", "milk")
    recent:rename("water", "wine")
    assert.equal("ann", recent:author("milk", id))
    local wine = say("wine", "bob", 3)
    recent:rename("water", "wine") -- whose messages are not known
    assert.is_nil(recent:author("wine", wine))
    assert.is_nil(recent:author("tea", id))
    assert.is_true(recent:next_id("milk", 1) > 90)
    assert.equal(1, state.total)
    for n = 1, 6 do say("other " .. n, "bob", 10 + n) end
    assert.is_nil(recent:author("milk", id))
  end)

  it("survive in their state, the newest of them when fewer are remembered", function()
    local ids = {}
    for n = 1, 4 do ids[n] = say("tea", "user " .. n, n) end
    local hidden = say("tea", "eve", 5, true)
    recent:react("tea", ids[2], "ann", "+", true)
    recent:react("tea", ids[4], "ann", "+", true)
    recent = recents.over(state, limits { room = 2, all = 6 })
    assert.is_nil(recent:author("tea", ids[2]))
    assert.same({ "user 3", false }, { recent:author("tea", ids[3]) })
    assert.same({ "user 4", false }, { recent:author("tea", ids[4]) })
    assert.same({ "eve", true }, { recent:author("tea", hidden) })
    assert.same({ 2, 1 }, { state.total, state.reactions })
    local more = say("tea", "ann", 9)
    assert.same({ nil, "user 4", "ann" }, { (recent:author("tea", ids[3])),
      (recent:author("tea", ids[4])), (recent:author("tea", more)) })
    recent = recents.over(state, limits { room = 1, all = 1 })
    assert.equal(1, state.total)
    assert.equal("ann", recent:author("tea", more))
  end)

  it("are forgotten with their room, and ids go on", function()
    local last = say("tea", "ann", 1000)
    say("milk", "bob", 1)
    recent:react("tea", last, "bob", "+1", true)
    recent:forget "tea"
    recent:forget "water"
    assert.is_nil(recent:author("tea", last))
    assert.is_nil(recent:last("tea", "bob"))
    assert.same({ 1, 0 }, { state.total, state.reactions })
    assert.same({ "milk", "milk" }, { state.older, (next(state.rooms)) })
    assert.is_true(say("tea", "ann", 1) > last)
  end)

  it("agree with a plain list, whatever is said, deleted and renamed", function()
    math.randomseed(7)
    local told, now = {}, 1 -- room -> list of { id, user } or false where deleted
    local names = { "a", "b", "c", "d" }
    local limit = limits { all = 9 }
    recent = recents.over(state, limit)
    local order = {} -- the room that has spoken last at the end
    local function speak(name)
      for i, other in ipairs(order) do
        if other == name then table.remove(order, i) break end
      end
      order[#order + 1] = name
    end
    local function total()
      local sum = 0
      for _, list in pairs(told) do sum = sum + #list end
      return sum
    end
    for step = 1, 5000 do
      local name = names[math.random(4)]
      local list = told[name] or {}
      if math.random(10) == 1 and list[1] then
        local entry = list[math.random(#list)]
        if not entry.is_deleted then recent:delete(name, entry.id) end
        entry.is_deleted = true
      elseif math.random(30) == 1 and told[name] then
        local new = names[math.random(4)]
        recent:rename(name, new)
        if new ~= name then
          for i = #order, 1, -1 do
            if order[i] == new or order[i] == name then table.remove(order, i) end
          end
          told[new], told[name] = told[name], nil
          order[#order + 1] = new
        end
      else
        now = now + math.random(0, 1)
        local id = say(name, "user " .. step, now)
        list[#list + 1] = { id = id, user = "user " .. step }
        if #list > limit.room then table.remove(list, 1) end
        told[name] = list
        speak(name)
        while total() > limit.all do told[table.remove(order, 1)] = nil end
      end
      assert.equal(total(), state.total)
      for _, each in ipairs(names) do
        for _, entry in ipairs(told[each] or {}) do
          local expected = not entry.is_deleted and entry.user or nil
          assert.equal(expected, (recent:author(each, entry.id)))
        end
        assert.equal(told[each] == nil, state.rooms[each] == nil)
      end
    end
  end)

  describe("reactions", function()
    local id
    before_each(function() id = say("tea", "ann", 1) end)

    local function react(user, emoji, is_on)
      return recent:react("tea", id, user, emoji, is_on ~= false)
    end

    it("are one of each kind of a user", function()
      assert.same({ true, 1 }, { react("bob", "+") })
      assert.same({ false, 1 }, { react("bob", "+") })
      assert.same({ true, 2 }, { react("ann", "+") })
      assert.same({ true, 1 }, { react("bob", "-") })
      assert.same({ true, 1 }, { react("bob", "+", false) })
      assert.same({ false, 1 }, { react("bob", "+", false) })
      assert.same({ true, 0 }, { react("ann", "+", false) })
      assert.same({ false, 0 }, { react("ann", "+", false) })
      assert.equal(1, state.reactions)
    end)

    describe("of a user whom nobody else hears", function()
      local function alone(emoji, is_on)
        return recent:react("tea", id, "eve", emoji, is_on ~= false, true)
      end

      it("are to that user as they would be to all", function()
        react("bob", "+")
        assert.same({ true, 2 }, { alone "+" })
        assert.same({ false, 2 }, { alone "+" })
        assert.same({ true, 2 }, { react("ann", "+") })
        assert.same({ false, 3 }, { alone "+" })
        assert.same({ true, 2 }, { alone("+", false) })
        assert.same({ false, 2 }, { alone("+", false) })
        assert.equal(2, state.reactions)
      end)

      it("make the count of that user another one than all see", function()
        local function own_counts(emoji) return recent:own_counts("tea", id, emoji) end
        assert.same({}, own_counts "+")
        alone "+"
        assert.same({ eve = 1 }, own_counts "+")
        react("bob", "+")
        assert.same({ { eve = 2 }, {} }, { own_counts "+", own_counts "-" })
        react("eve", "+")
        alone("+", false)
        assert.same({ eve = 1 }, own_counts "+")
      end)

      it("leave what all have heard of before, and begin anew when all hear again", function()
        react("eve", "+")
        assert.same({ true, 0 }, { alone("+", false) })
        assert.same({ true, 2 }, { react("bob", "+") })
        assert.same({ false, 1 }, { alone("+", false) })
        assert.same({ true, 2 }, { alone "+" })
        assert.same({ true, 1 }, { alone "-" })
        assert.same({ true, 1 }, { react("eve", "-") })
        assert.equal(3, state.reactions)
      end)

      it("are within the limits, and forgotten with the message", function()
        react("bob", "1")
        alone "2"
        assert.same({ nil, "at most 2 different ones" }, { alone "3" })
        assert.same({ true, 2 }, { alone "1" })
        assert.same({ true, 1 }, { react("bob", "2") })
        assert.same({ nil, "at most 4 of one message" }, { react("carl", "2") })
        recent:delete("tea", id)
        assert.equal(0, state.reactions)
      end)
    end)

    it("have limits of different ones, of one message, and in all", function()
      react("ann", "1")
      react("ann", "2")
      assert.same({ nil, "at most 2 different ones" }, { react("ann", "3") })
      react("bob", "1")
      react("bob", "2")
      assert.same({ nil, "at most 4 of one message" }, { react("carl", "1") })
      react("ann", "1", false)
      assert.is_true(react("carl", "1"))
      local other = say("tea", "ann", 2)
      assert.is_true(recent:react("tea", other, "ann", "1", true))
      assert.is_true(recent:react("tea", other, "bob", "1", true))
      assert.same({ nil, "too many reactions of all are remembered" },
        { recent:react("tea", other, "carl", "1", true) })
    end)

    it("go with their message, and count no more", function()
      react("ann", "1")
      react("ann", "2")
      recent:delete("tea", id)
      assert.equal(0, state.reactions)
      id = say("tea", "ann", 2)
      react("ann", "1")
      for n = 3, 5 do say("tea", "bob", n) end
      assert.equal(0, state.reactions)
      id = say("tea", "ann", 6)
      react("ann", "1")
      for n = 1, 6 do say("other " .. n, "bob", 10 + n) end
      assert.equal(0, state.reactions)
    end)

    it("leave nothing behind when they are taken back", function()
      react("ann", "1")
      react("ann", "1", false)
      assert.same({}, state.rooms.tea.reactions)
    end)
  end)
end)
