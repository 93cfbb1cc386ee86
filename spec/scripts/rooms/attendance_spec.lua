local file = require "spec.support.file"
local houses = require "spec.support.house"

local types = houses.types

describe("who comes and goes", function()
  local house, gate, ann, bob

  local function ask(...) return house:ask(...) end
  local function heard(conn) return house:heard(conn) end
  local function now() return gate.core.now_ms end

  local function load(options, plugins)
    house = houses.open(options, plugins)
    gate = house.gate
    ann, bob = gate:connect "ann", gate:connect "bob"
  end

  describe("in a large room", function()
    local function fill(count)
      for n = 1, count do ask(gate:connect(("u%03d"):format(n)), "join", "tea") end
    end

    before_each(function()
      load { large_room = 3 }
      ask(ann, "join", "tea")
      fill(3) -- the last one makes it large
      heard(ann)
    end)

    it("is told once a second, all in one", function()
      gate:later(1000)
      assert.same({ { type = "members_changed", room = "tea", joined = { "u003" }, left = {},
        count = 4, at = now() } }, heard(ann))
      ask(bob, "join", "tea")
      local carl = gate:connect "carl"
      ask(carl, "join", "tea")
      ask(carl, "leave", "tea")
      assert.same({}, heard(ann))
      gate:later(1000)
      local told = heard(ann)
      assert.same({ { "bob" }, {}, 5 }, { told[1].joined, told[1].left, told[1].count })
      assert.equal(1, #told)
      gate:later(5000)
      assert.same({}, heard(ann))
    end)

    it("is told so until what was gathered is told, and then one by one again", function()
      gate:later(1000)
      ask(bob, "join", "tea")
      heard(ann)
      gate:close(bob)
      for _, conn in pairs(gate.conns) do
        if conn.user and conn.user:find "^u" then ask(conn, "leave", "tea") end
      end
      assert.same({}, heard(ann))
      gate:later(1000)
      assert.same({ { type = "members_changed", room = "tea", joined = {}, count = 1, at = now(),
        left = { "u001", "u002", "u003" } } }, heard(ann))
      ask(gate:connect "bob", "join", "tea")
      assert.equal("joined", types(heard(ann)))
    end)

    it("is told as a number when more than 500 have moved", function()
      gate:later(1000)
      heard(ann)
      for n = 100, 600 do ask(gate:connect("v" .. n), "join", "tea") end
      gate:later(1000)
      assert.same({ { type = "members_changed", room = "tea", count = 505, at = now() } },
        heard(ann))
    end)

    it("is told also after a reload", function()
      gate:later(1000)
      heard(ann)
      ask(bob, "join", "tea")
      assert(gate:reload())
      gate:later(1000)
      assert.equal("bob", heard(ann)[1].joined[1])
    end)

    it("is not listed in the reply of join", function()
      assert.is_nil(ask(bob, "join", "tea").members)
      assert.equal(5, ask(bob, "join", "tea").count)
      assert.equal(5, #ask(bob, "members", "tea").members)
    end)

    it("is one of more than 200 users, if nothing else is set", function()
      load()
      fill(199)
      local view = ask(ann, "join", "tea")
      assert.same({ 200, 200, "ann" }, { view.count, #view.members, view.members[1] })
      view = ask(bob, "join", "tea")
      assert.same({ 201 }, { view.count, view.members })
    end)

    it("is nothing to a room that has become empty meanwhile", function()
      for _, conn in pairs(gate.conns) do gate:close(conn) end
      gate:later(2000)
      assert.same({}, gate.world.state.of("rooms").changing)
    end)
  end)

  --- Numbers from a seed.
  local function dice(seed)
    return function(sides)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return math.floor(seed / 65536) % sides + 1
    end
  end

  --- What somebody in the room believes after these pushes.
  local function follow(seen, pushes)
    for _, push in ipairs(pushes) do
      if push.type == "joined" then seen[push.user] = true end
      if push.type == "left" then seen[push.user] = nil end
      for _, user in ipairs(push.joined or {}) do seen[user] = true end
      for _, user in ipairs(push.left or {}) do seen[user] = nil end
    end
  end

  local function set(names)
    local found = {}
    for _, name in ipairs(names) do found[name] = true end
    return found
  end

  local GRACE_MS, LATE_MS = 30000, 1000 -- of presence; and how much later it may be told

  --- Who must be in, and who may be as well: who has lost the connection a moment ago.
  local function truth_of(conns, lost)
    local must, may = { watcher = true }, { watcher = true }
    for _, conn in pairs(conns) do
      if gate.world.room.find("tea"):has(conn) then must[conn.user] = true end
    end
    for user, at in pairs(lost) do
      local ago_ms = now() - at
      if ago_ms < GRACE_MS then must[user] = true end
      if ago_ms <= GRACE_MS + LATE_MS then may[user] = true end
    end
    return must, may
  end

  local function agree(watcher, conns, lost)
    local must, may = truth_of(conns, lost)
    local members = set(ask(watcher, "members", "tea").members)
    for user in pairs(must) do assert.is_true(members[user], user .. " must be in") end
    for user in pairs(members) do
      assert.is_true(must[user] or may[user], user .. " must not be in")
    end
  end

  --- The connection was the user's last in the room: what happened to it says whether they stay.
  local function note_end(conn, conns, lost, is_lost)
    local was_in = gate.world.room.find("tea"):has(conn)
    if not was_in then return end
    for _, other in pairs(conns) do
      local stays = other ~= conn and other.user == conn.user
        and gate.world.room.find("tea"):has(other)
      if stays then return end
    end
    lost[conn.user] = is_lost and now() or nil
  end

  local STEPS = {}

  function STEPS.join(conn, _, lost)
    ask(conn, "join", "tea")
    lost[conn.user] = nil
  end

  function STEPS.elsewhere(conn) ask(conn, "join", "milk") end

  function STEPS.leave(conn, conns, lost)
    note_end(conn, conns, lost, false)
    gate:deliver(conn, { type = "leave", room = "tea" })
  end

  local function closes(is_lost)
    return function(conn, conns, lost, place)
      note_end(conn, conns, lost, is_lost)
      conns[place] = nil
      gate:close(conn, is_lost and "lost" or "client", is_lost and 1006 or 1000)
      local is_there = false
      for _, other in pairs(conns) do is_there = is_there or other.user == conn.user end
      if not is_there and not is_lost then lost[conn.user] = nil end -- offline, wherever they were
    end
  end

  STEPS.lost, STEPS.goodbye = closes(true), closes(false)
  function STEPS.moment() gate:later(500) end
  function STEPS.while_() gate:later(12000) end

  local DRAWN = { "join", "join", "join", "elsewhere", "elsewhere", "leave", "lost", "lost",
    "goodbye", "moment", "moment", "while_" }

  --- Eight connections of four users join, leave and break as the dice say.
  local function play(roll, steps, watcher, with_presence)
    local conns, lost = {}, {}
    for _ = 1, steps do
      local place, what = roll(8), DRAWN[roll(#DRAWN)]
      local conn = conns[place]
      if not conn then
        conns[place] = gate:connect("u" .. math.ceil(place / 2))
      else
        STEPS[what](conn, conns, lost, place)
      end
      if not with_presence then lost = {} end
      agree(watcher, conns, lost)
    end
    return conns
  end

  for seed = 1, 8 do
    local with_presence = seed % 2 == 0
    it(("agrees with who is in, whatever has happened: seed %d"):format(seed), function()
      load({ large_room = 2 + seed % 3, presence = with_presence },
        { presence = file.read "scripts/presence.lua" })
      local watcher, seen = gate:connect "watcher", { watcher = true }
      ask(watcher, "join", "tea")
      local conns = play(dice(seed), 500, watcher, with_presence)
      gate:later(GRACE_MS + 2 * LATE_MS)
      follow(seen, heard(watcher))
      local truth = truth_of(conns, {}) -- nobody is away any more
      local answer = ask(watcher, "members", "tea")
      assert.same(truth, set(answer.members))
      assert.same(truth, seen)
      assert.equal(#answer.members, answer.count)
      assert.same({}, gate.world.state.of("rooms").away)
    end)
  end
end)
