local ffi = require "ffi"
local core = require "spec.support.core"
local one = require "spec.support.roster"

local C, share, id_of = one.C, one.share, one.id_of
local join, leave, drop, size = one.join, one.leave, one.drop, one.size
local publish, catch_up, heard, end_tick = one.publish, one.catch_up, one.heard, one.end_tick

local ROOM, OTHER_ROOM = 1, 2
local ANN, BOB, CARL = id_of(0, 1), id_of(1, 1), id_of(2, 1)

describe("roster", function()
  local roster, pool

  before_each(function() roster, pool = one.open() end)
  after_each(core.tidy)

  it("counts its members", function()
    assert.equal(0, size(ROOM))
    assert.is_true(join(ROOM, ANN))
    assert.is_true(join(ROOM, BOB))
    assert.equal(2, size(ROOM))
    assert.equal(0, size(OTHER_ROOM))
    assert.is_true(leave(ROOM, ANN))
    assert.equal(1, size(ROOM))
    assert.is_true(leave(ROOM, BOB))
    assert.equal(0, size(ROOM))
  end)

  it("lets nobody join twice, nor leave what they are not in", function()
    assert.is_true(join(ROOM, ANN))
    assert.is_false(join(ROOM, ANN))
    assert.equal(1, size(ROOM))
    assert.is_false(leave(OTHER_ROOM, ANN))
    assert.is_false(leave(ROOM, BOB))
    assert.is_false(leave(ROOM, id_of(90000, 1)))
    assert.is_true(leave(ROOM, ANN))
    assert.is_false(leave(ROOM, ANN))
    assert.is_true(join(ROOM, ANN))
  end)

  it("does not take a connection for the one that had its slot before", function()
    local newcomer = id_of(0, 2)
    join(ROOM, newcomer)
    assert.is_false(leave(ROOM, ANN))
    assert.equal(1, size(ROOM))
  end)

  it("gives every member the whole batch in one piece, in order, once", function()
    join(ROOM, ANN)
    join(ROOM, BOB)
    assert.is_false(C.moon_roster_is_dirty(roster))
    assert.is_true(publish(ROOM, "one,"))
    assert.is_true(C.moon_roster_is_dirty(roster))
    publish(ROOM, "two,")
    publish(ROOM, "three")
    local shares = end_tick()
    for _, conn in ipairs { ANN, BOB } do
      assert.same({
        { conn = conn, frames = "one,two,three", messages = 3, is_only_room = true },
      }, shares[conn])
    end
    assert.is_nil(shares[CARL])
    assert.is_false(C.moon_roster_is_dirty(roster))
    assert.same({}, end_tick())
  end)

  it("says what each message of a share is", function()
    local all = {
      { 3, C.MOON_RELIABLE, 0 }, { 5, C.MOON_LATEST, 7 }, { 4, C.MOON_VOLATILE, 0 },
      { 1, C.MOON_LATEST, 2 ^ 52 + 1 },
    }
    join(ROOM, ANN)
    join(ROOM, BOB)
    publish(ROOM, "one", nil, C.MOON_RELIABLE)
    publish(ROOM, "three", nil, C.MOON_LATEST, 7)
    assert.is_true(C.moon_roster_catch_up(roster, BOB, share))
    assert.same({ all[1], all[2] }, one.labels_taken())
    publish(ROOM, "four", nil, C.MOON_VOLATILE)
    publish(ROOM, "5", nil, C.MOON_LATEST, 2 ^ 52 + 1)
    local labels = {}
    while C.moon_roster_next(roster, share) do labels[tonumber(share.conn)] = one.labels_taken() end
    assert.same({ [ANN] = all, [BOB] = { all[3], all[4] } }, labels)
    publish(ROOM, "six", nil, C.MOON_RELIABLE)
    assert.is_true(C.moon_roster_next(roster, share))
    assert.same({ { 3, C.MOON_RELIABLE, 0 } }, one.labels_taken())
  end)

  it("counts the rooms with members", function()
    local function count() return tonumber(C.moon_roster_room_count(roster)) end
    assert.equal(0, count())
    join(ROOM, ANN)
    join(ROOM, BOB)
    join(OTHER_ROOM, ANN)
    assert.equal(2, count())
    leave(ROOM, ANN)
    assert.equal(2, count())
    leave(ROOM, BOB)
    assert.equal(1, count())
    publish(OTHER_ROOM, "nobody is left to hear it")
    drop(ANN)
    assert.same({}, end_tick())
    assert.equal(0, count())
  end)

  it("refuses a publication that nobody here would hear", function()
    assert.is_false(publish(ROOM, "nobody"))
    join(ROOM, ANN)
    assert.is_false(publish(OTHER_ROOM, "nobody"))
    leave(ROOM, ANN)
    assert.is_false(publish(ROOM, "nobody"))
    assert.is_false(C.moon_roster_is_dirty(roster))
    assert.same({}, end_tick())
  end)

  it("gives a joiner only what is said after it joined", function()
    join(ROOM, ANN)
    publish(ROOM, "before,")
    join(ROOM, BOB)
    publish(ROOM, "after")
    join(ROOM, CARL)
    local shares = end_tick()
    assert.equal("before,after", shares[ANN][1].frames)
    assert.same({
      { conn = BOB, frames = "after", messages = 1, is_only_room = true },
    }, shares[BOB])
    assert.is_nil(shares[CARL])
    publish(ROOM, "next")
    assert.same({ [ANN] = "next", [BOB] = "next", [CARL] = "next" }, heard())
  end)

  it("leaves out the one excepted, who hears what comes before and after", function()
    join(ROOM, ANN)
    join(ROOM, BOB)
    publish(ROOM, "1")
    local before = catch_up(ANN)
    publish(ROOM, "2", ANN)
    publish(ROOM, "3")
    assert.equal("1", before[1].frames)
    assert.same({ [ANN] = "3", [BOB] = "123" }, heard())
  end)

  it("has nothing for the only member when it is excepted", function()
    join(ROOM, ANN)
    assert.is_true(publish(ROOM, "to nobody", ANN))
    assert.same({}, heard())
    publish(ROOM, "next")
    assert.same({ [ANN] = "next" }, heard())
  end)

  it("leaves nobody out for an exception that is no member", function()
    join(ROOM, ANN)
    join(OTHER_ROOM, BOB)
    publish(ROOM, "1", BOB)
    publish(ROOM, "2", id_of(90000, 1))
    assert.same({ [ANN] = "12" }, heard())
  end)

  it("leaves nobody out for an exception that has gone, whose slot somebody else has", function()
    local newcomer = id_of(0, 2)
    join(ROOM, ANN)
    drop(ANN)
    join(ROOM, newcomer)
    publish(ROOM, "hello", ANN)
    assert.same({ [newcomer] = "hello" }, heard())
  end)

  it("catches up with what was said so far, and the rest comes at the end", function()
    join(ROOM, ANN)
    join(ROOM, BOB)
    publish(ROOM, "1")
    publish(ROOM, "2")
    local shares = catch_up(ANN)
    assert.same({ { conn = ANN, frames = "12", messages = 2, is_only_room = true } }, shares)
    assert.same({}, catch_up(ANN))
    publish(ROOM, "3")
    publish(ROOM, "4")
    shares = end_tick()
    assert.same({ { conn = ANN, frames = "34", messages = 2, is_only_room = true } }, shares[ANN])
    assert.equal("1234", shares[BOB][1].frames)
  end)

  it("owes nothing more to whoever has caught up with all", function()
    join(ROOM, ANN)
    publish(ROOM, "1")
    catch_up(ANN)
    assert.same({}, end_tick())
    assert.is_false(C.moon_roster_is_dirty(roster))
    publish(ROOM, "2")
    assert.same({ [ANN] = "2" }, heard())
  end)

  it("catches up with each of several rooms", function()
    join(ROOM, ANN)
    join(OTHER_ROOM, ANN)
    publish(OTHER_ROOM, "other")
    publish(ROOM, "first")
    local shares = catch_up(ANN)
    local texts = { shares[1].frames, shares[2].frames }
    table.sort(texts)
    assert.equal(2, #shares)
    assert.same({ "first", "other" }, texts)
    assert.is_false(shares[1].is_only_room or shares[2].is_only_room)
    assert.same({}, end_tick())
  end)

  it("has nothing to catch up with for a stranger", function()
    join(ROOM, ANN)
    publish(ROOM, "1")
    assert.same({}, catch_up(BOB))
    assert.same({}, catch_up(id_of(90000, 1)))
  end)

  it("says whether a member is in no other room", function()
    join(ROOM, ANN)
    join(ROOM, BOB)
    join(OTHER_ROOM, BOB)
    publish(ROOM, "x")
    local shares = end_tick()
    assert.is_true(shares[ANN][1].is_only_room)
    assert.is_false(shares[BOB][1].is_only_room)
    leave(OTHER_ROOM, BOB)
    publish(ROOM, "y")
    assert.is_true(end_tick()[BOB][1].is_only_room)
  end)

  it("gives nothing to whoever has left, and the others their whole share", function()
    for _, conn in ipairs { ANN, BOB, CARL } do join(ROOM, conn) end
    publish(ROOM, "1")
    leave(ROOM, ANN)
    publish(ROOM, "2")
    assert.same({ [BOB] = "12", [CARL] = "12" }, heard())
  end)

  it("gives a member who left and came back only what is said since", function()
    join(ROOM, ANN)
    join(ROOM, BOB)
    publish(ROOM, "1")
    leave(ROOM, ANN)
    publish(ROOM, "2")
    join(ROOM, ANN)
    publish(ROOM, "3")
    assert.same({ [ANN] = "3", [BOB] = "123" }, heard())
  end)

  it("drops a connection from all its rooms, and lets its slot begin anew", function()
    for room = 1, 20 do
      join(room, ANN)
      join(room, BOB)
    end
    drop(ANN)
    for room = 1, 20 do assert.equal(1, size(room)) end
    drop(ANN)
    drop(id_of(90000, 1))
    local newcomer = id_of(0, 2)
    for room = 1, 20 do assert.is_true(join(room, newcomer)) end
    publish(7, "x")
    assert.same({ [newcomer] = "x", [BOB] = "x" }, heard())
  end)

  it("is empty for the next members when all have left in the middle of a tick", function()
    join(ROOM, ANN)
    publish(ROOM, "old")
    leave(ROOM, ANN)
    assert.equal(0, size(ROOM))
    assert.is_false(publish(ROOM, "nobody"))
    assert.is_true(join(ROOM, BOB))
    assert.equal(1, size(ROOM))
    publish(ROOM, "new")
    assert.same({ [BOB] = "new" }, heard())
  end)

  it("can be used again after it has emptied, the same tick or later", function()
    for _ = 1, 3 do
      join(ROOM, ANN)
      publish(ROOM, "lost")
      drop(ANN)
      assert.same({}, end_tick())
      assert.equal(0, size(ROOM))
      assert.is_false(publish(ROOM, "nobody"))
      assert.is_false(C.moon_roster_is_dirty(roster))
      join(ROOM, BOB)
      publish(ROOM, "heard")
      assert.same({ [BOB] = "heard" }, heard())
      leave(ROOM, BOB)
    end
  end)

  it("gives its batches back to the pool", function()
    local capacity = ffi.new "uint32_t[1]"
    local buffer = C.moon_pool_take(pool, 2048, capacity)
    C.moon_pool_give(pool, buffer, 2048)
    join(ROOM, ANN)
    publish(ROOM, ("x"):rep(2000))
    assert.is_false(core.is_in_pool(pool, buffer, 2048))
    end_tick()
    assert.is_true(core.is_in_pool(pool, buffer, 2048))
    assert.equal(0, tonumber(C.moon_pool_taken_bytes(pool)))
  end)

  it("may be destroyed in the middle of a tick, and when there is none", function()
    for room = 1, 100 do
      join(room, ANN)
      publish(room, "never heard")
    end
    C.moon_roster_destroy(nil)
    assert.is_true(C.moon_roster_is_dirty(roster))
  end)

  it("finds each of thousands of rooms and slots", function()
    for room = 1, 3000 do assert.is_true(join(room * 7, id_of(room * 50, 1))) end
    for room = 1, 3000 do assert.equal(1, size(room * 7)) end
    for room = 1, 3000, 3 do assert.is_true(leave(room * 7, id_of(room * 50, 1))) end
    for room = 1, 3000 do
      assert.equal(room % 3 == 1 and 0 or 1, size(room * 7))
      assert.equal(room % 3 ~= 1, publish(room * 7, "#" .. room))
    end
    local texts = heard()
    for room = 1, 3000 do
      assert.equal(room % 3 ~= 1 and "#" .. room or nil, texts[id_of(room * 50, 1)])
    end
  end)

  describe("while a tick ends", function()
    it("may lose any member, and everybody else is served once", function()
      for served_first = 1, 6 do
        for victim = 0, 5 do
          for slot = 0, 5 do join(ROOM, id_of(slot, 1)) end
          publish(ROOM, "x")
          local order, served, times = {}, {}, 0
          end_tick(function(taken)
            order[#order + 1] = taken.conn
            served[taken.conn] = (served[taken.conn] or 0) + 1
            times = times + 1
            if times == served_first then drop(id_of(victim, 1)) end
          end)
          for slot = 0, 5 do
            local count = served[id_of(slot, 1)] or 0
            assert.is_true(count == 1 or slot == victim and count == 0)
            drop(id_of(slot, 1))
          end
          assert.is_true(#order >= 5)
        end
      end
    end)

    it("leaves the share in hand readable when its taker is dropped", function()
      join(ROOM, ANN)
      publish(ROOM, "still here")
      assert.is_true(C.moon_roster_next(roster, share))
      drop(ANN)
      assert.equal("still here", one.share_taken().frames)
      assert.is_false(C.moon_roster_next(roster, share))
      assert.equal(0, size(ROOM))
    end)
  end)
end)
