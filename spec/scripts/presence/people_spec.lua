local people = dofile "scripts/presence/people.lua"

local GRACE_MS = 30000

describe("people", function()
  local who, state

  before_each(function()
    state = {}
    who = people.over(state, GRACE_MS)
  end)

  local function expired(now_ms)
    local names = {}
    for name in function() return who:expire(now_ms) end do names[#names + 1] = name end
    return names
  end

  it("are online with their first connection, and away without the last", function()
    assert.equal("offline", who:state_of "ann")
    assert.equal("offline", who:arrive "ann")
    assert.is_nil(who:arrive "ann")
    assert.is_nil(who:depart("ann", 0, false))
    assert.equal("online", who:state_of "ann")
    assert.equal("away", who:depart("ann", 0, false))
    assert.equal("away", who:state_of "ann")
    assert.is_nil(who:depart("ann", 0, false))
    assert.is_nil(who:depart("nobody", 0, false))
  end)

  it("are offline before it is over, when it is ended", function()
    for at, name in ipairs { "ann", "bob", "carl" } do
      who:arrive(name)
      who:depart(name, at, false)
    end
    who:arrive "carl"
    assert.is_true(who:end_grace "ann")
    assert.equal("offline", who:state_of "ann")
    for _, name in ipairs { "ann", "carl", "nobody" } do assert.is_false(who:end_grace(name)) end
    assert.equal("online", who:state_of "carl")
    assert.same({ "bob" }, expired(GRACE_MS * 2))
  end)

  it("are offline when the grace is over, in the order in which they went", function()
    for at, name in ipairs { "ann", "bob", "carl", "dora" } do
      who:arrive(name)
      who:depart(name, at, false)
    end
    assert.same({}, expired(GRACE_MS))
    assert.equal("away", who:arrive "bob")
    assert.equal("away", who:arrive "dora")
    who:depart("dora", 10, false)
    assert.same({ "ann", "carl" }, expired(GRACE_MS + 5))
    assert.same({ "dora" }, expired(GRACE_MS + 10))
    assert.same({ "online", "offline" }, { who:state_of "bob", who:state_of "dora" })
    assert.same({ nil, nil }, { state.first, state.last })
  end)

  it("are offline at once when they say goodbye with the last connection", function()
    who:arrive "ann"
    who:arrive "ann"
    assert.is_nil(who:depart("ann", 0, true))
    assert.equal("offline", who:depart("ann", 0, true))
    assert.same({}, state.people)
    assert.same({}, expired(GRACE_MS * 2))
  end)

  it("have the whole grace, and no more, when the clock is set back", function()
    who:arrive "ann"
    who:depart("ann", 3600000, false)
    assert.same({}, expired(1000))
    assert.same({}, expired(1000 + GRACE_MS - 1))
    assert.same({ "ann" }, expired(1000 + GRACE_MS))
  end)

  it("show a status, unless they are invisible or offline", function()
    who:choose("ann", { text = "nobody is here" })
    assert.same({ user = "ann", state = "offline" }, who:view "ann")
    who:arrive "ann"
    assert.same({ user = "ann", state = "online" }, who:view "ann")
    who:choose("ann", { state = "busy", text = "cooking", emoji = "🍲" })
    local status = { text = "cooking", emoji = "🍲" }
    assert.same({ user = "ann", state = "busy", status = status }, who:view "ann")
    who:depart("ann", 0, false)
    assert.same({ user = "ann", state = "away", status = status }, who:view "ann")
    who:arrive "ann"
    who:choose("ann", { state = "invisible", text = "hiding" })
    assert.same({ user = "ann", state = "offline" }, who:view "ann")
    assert.equal("online", who:state_of "ann")
    who:choose("ann", { state = "online" })
    assert.same({ user = "ann", state = "online" }, who:view "ann")
  end)

  it("forget a status when they are offline", function()
    who:arrive "ann"
    who:choose("ann", { state = "busy", text = "cooking" })
    who:depart("ann", 0, true)
    who:arrive "ann"
    assert.same({ user = "ann", state = "online" }, who:view "ann")
  end)

  it("are counted anew: who has gone meanwhile is away from now on", function()
    for _, name in ipairs { "ann", "ann", "bob", "carl" } do who:arrive(name) end
    who:depart("carl", 0, false)
    local changes = who:recount({ bob = 2, carl = 1, dora = 1 }, 500)
    table.sort(changes, function(a, b) return a.user < b.user end)
    assert.same({ { user = "ann", is = "away", was = "online" },
      { user = "carl", is = "online", was = "away" },
      { user = "dora", is = "online", was = "offline" } }, changes)
    assert.same({}, expired(500 + GRACE_MS - 1))
    assert.same({ "ann" }, expired(500 + GRACE_MS))
    assert.is_nil(who:depart("bob", 0, false))
    assert.equal("away", who:depart("bob", 0, false))
    assert.same({}, who:recount({ carl = 1, dora = 1 }, 600))
  end)

  describe("who watch", function()
    local function told(id)
      local changes = who:take_changes(100)[id] or {}
      local states = {}
      for _, change in ipairs(changes) do states[change.user] = change.state end
      return states
    end

    it("are told of each change once, and of none that was taken back", function()
      assert.is_true(who:watch(1, "zoe", { "ann", "bob" }, 10))
      who:arrive "ann"
      who:arrive "carl"
      assert.same({ ann = "online" }, told(1))
      assert.same({}, told(1))
      who:depart("ann", 0, false)
      who:arrive "ann"
      assert.same({}, told(1))
      who:choose("ann", { text = "x" })
      assert.same({ ann = "online" }, told(1))
    end)

    it("hear of what was taken back when one of them has begun meanwhile", function()
      who:watch(1, "zoe", { "ann" }, 10)
      who:arrive "ann"
      who:watch(2, "yan", { "ann" }, 10)
      who:depart("ann", 0, true)
      local changes = who:take_changes(10)
      assert.same({ user = "ann", state = "offline" }, changes[2][1])
    end)

    it("are told in parts when there is much", function()
      local names = {}
      for n = 1, 10 do names[n] = "u" .. n end
      who:watch(1, "zoe", names, 10)
      for _, name in ipairs(names) do who:arrive(name) end
      local count = 0
      for _, expected in ipairs { 4, 4, 2 } do
        local changes = who:take_changes(4)[1]
        assert.equal(expected, #changes)
        count = count + #changes
      end
      assert.equal(10, count)
      assert.same({}, who:take_changes(4))
    end)

    it("watch so many at most, each counted once", function()
      assert.is_false(who:watch(1, "zoe", { "a", "b", "c" }, 2))
      assert.same({ {}, {} }, { state.watchers, state.watches })
      assert.is_true(who:watch(1, "zoe", { "a", "b", "a" }, 2))
      assert.is_true(who:watch(1, "zoe", { "b" }, 2))
      assert.is_false(who:watch(1, "zoe", { "c" }, 2))
      assert.is_true(who:watch(2, "yan", { "c" }, 2))
      assert.equal(1, who:unwatch(1, { "a", "a", "other" }))
      assert.is_true(who:watch(1, "zoe", { "c" }, 2))
    end)

    it("leave nothing behind", function()
      who:watch(1, "zoe", { "a", "b" }, 10)
      who:watch(2, "yan", { "b" }, 10)
      who:arrive "b"
      assert.equal(0, who:unwatch(1))
      assert.same({ b = "online" }, told(2))
      who:depart("b", 0, true)
      assert.equal(0, who:unwatch(2, { "b" }))
      assert.equal(0, who:unwatch(2))
      assert.same({ people = {}, watchers = {}, watches = {}, changed = {} }, state)
    end)
  end)
end)

-- ---- many random steps, against a truth that is found another way ----

local STEPS = 10000
local SHORT_MS = 3000 -- of grace, so that it is often over
local USERS = { "ann", "bob", "carl", "dora", "emil", "fay" }

--- What happens, drawn by weight: name -> fn(world, any number below 1). Each tells the truth.
local EVENTS, WEIGHTS = {}, {
  { "tick", 29 }, { "pass", 5 }, { "connect", 18 }, { "drop", 18 }, { "goodbye", 6 },
  { "status", 8 }, { "watch", 8 }, { "unwatch", 4 }, { "end_watcher", 2 }, { "reload", 1 },
  { "absence", 1 },
}

local function user_of(x) return USERS[1 + math.floor(x * #USERS)] end

--- How a user looks by what has happened to them.
local function truth_of(world, name)
  local one = world.truth[name]
  if one.state == "offline" or one.choice == "invisible" then return "offline" end
  local state = one.state == "online" and one.choice or one.state
  return state .. " " .. (one.text or "")
end

local function seen(view)
  if view.state == "offline" then return "offline" end
  return view.state .. " " .. (view.status and view.status.text or "")
end

--- Time passes; then what is due is told, and every watcher knows the truth.
function EVENTS.tick(world)
  world.now_ms = world.now_ms + 100
  for name in function() return world.who:expire(world.now_ms) end do
    local one = world.truth[name]
    assert(one.state == "away" and one.devices == 0, name .. " is offline after a return")
    assert(world.now_ms - one.gone_ms >= SHORT_MS, name .. " has not had the grace")
    world.truth[name] = { devices = 0, state = "offline" }
    world.offline = world.offline + 1
  end
  for id, changes in pairs(world.who:take_changes(1000)) do
    for _, view in ipairs(changes) do world.watchers[id][view.user] = seen(view) end
    world.told = world.told + 1
  end
  for id, views in pairs(world.watchers) do
    for name, view in pairs(views) do
      assert(view == truth_of(world, name), ("%d sees %s %s, is %s"):format(id, name, view,
        truth_of(world, name)))
    end
  end
  for name, one in pairs(world.truth) do
    local is_late = one.state == "away" and world.now_ms - one.gone_ms >= SHORT_MS
    assert(not is_late, name .. " is away for too long")
    assert(one.state == world.who:state_of(name))
  end
end

function EVENTS.pass(world, x) world.now_ms = world.now_ms + math.floor(x * SHORT_MS / 3) end

function EVENTS.connect(world, x)
  local name = user_of(x)
  local one = world.truth[name]
  local was = one.state ~= "online" and one.state or nil
  assert(world.who:arrive(name) == was)
  one.devices, one.state, one.gone_ms = one.devices + 1, "online", nil
end

local function leave(world, x, is_final)
  local name = user_of(x)
  local one = world.truth[name]
  if one.devices == 0 then return end
  one.devices = one.devices - 1
  local is
  if one.devices == 0 then
    is = is_final and "offline" or "away"
    one.state, one.gone_ms = is, world.now_ms
    if is_final then world.truth[name] = { devices = 0, state = "offline" } end
  end
  assert(world.who:depart(name, world.now_ms, is_final) == is)
end

function EVENTS.drop(world, x) leave(world, x, false) end
function EVENTS.goodbye(world, x) leave(world, x, true) end

function EVENTS.status(world, x, y)
  local name = user_of(x)
  local one = world.truth[name]
  if one.state == "offline" then return end
  local state = ({ "online", "busy", "invisible" })[1 + math.floor(y * 3)]
  local text = y > 0.5 and tostring(math.floor(y * 10)) or nil
  one.choice, one.text = state ~= "online" and state or nil, text
  world.who:choose(name, { state = state, text = text })
end

function EVENTS.watch(world, x, y)
  local id = 1 + math.floor(y * 8)
  local names = { user_of(x), user_of(y) }
  assert(world.who:watch(id, "watcher" .. id, names, 100))
  world.watchers[id] = world.watchers[id] or {}
  for _, name in ipairs(names) do
    world.watchers[id][name] = seen(world.who:view(name))
    assert(world.watchers[id][name] == truth_of(world, name))
  end
end

function EVENTS.unwatch(world, x, y)
  local id = 1 + math.floor(y * 8)
  if not world.watchers[id] then return end
  world.watchers[id][user_of(x)] = nil
  local count = 0
  for _ in pairs(world.watchers[id]) do count = count + 1 end
  assert(world.who:unwatch(id, { user_of(x) }) == count)
end

function EVENTS.end_watcher(world, _, y)
  local id = 1 + math.floor(y * 8)
  world.who:unwatch(id)
  world.watchers[id] = nil
end

--- Other code over the same state; it counts, and finds nothing to put right.
function EVENTS.reload(world)
  world.who = people.over(world.state, SHORT_MS)
  local counts = {}
  for name, one in pairs(world.truth) do
    counts[name] = one.devices > 0 and one.devices or nil
  end
  assert(#world.who:recount(counts, world.now_ms) == 0)
end

--- Nobody counts for a while: connections come and go, and are counted at the end.
function EVENTS.absence(world, x)
  local counts = {}
  for i, name in ipairs(USERS) do
    local one = world.truth[name]
    one.devices = math.max(0, one.devices + math.floor((x * i * 7) % 1 * 5) - 2)
    if one.devices > 0 then
      one.state, one.gone_ms, counts[name] = "online", nil, one.devices
    elseif one.state == "online" then
      one.state, one.gone_ms = "away", world.now_ms
    end
  end
  world.who:recount(counts, world.now_ms)
end

local function draw()
  local left = math.random() * 100
  for _, entry in ipairs(WEIGHTS) do
    left = left - entry[2]
    if left <= 0 then return entry[1] end
  end
  return "tick"
end

--- Everybody goes: nothing is left.
local function empty(world)
  for _ = 1, 100 do
    for i = 1, #USERS do EVENTS.drop(world, (i - 0.5) / #USERS) end
  end
  for id = 1, 8 do EVENTS.end_watcher(world, 0, (id - 0.5) / 8) end
  world.now_ms = world.now_ms + SHORT_MS
  EVENTS.tick(world)
  assert.same({ people = {}, watchers = {}, watches = {}, changed = {} }, world.state)
end

describe("what watchers know", function()
  for seed = 1, 5 do
    it(("is the truth, after %d random steps from seed %d"):format(STEPS, seed), function()
      math.randomseed(seed)
      local world = { state = {}, now_ms = 0, truth = {}, watchers = {}, offline = 0, told = 0 }
      world.who = people.over(world.state, SHORT_MS)
      for _, name in ipairs(USERS) do world.truth[name] = { devices = 0, state = "offline" } end
      for step = 1, STEPS do
        local name = draw()
        local ok, problem = pcall(EVENTS[name], world, math.random(), math.random())
        assert(ok, ("step %d, %s: %s"):format(step, name, tostring(problem)))
      end
      assert.is_true(world.offline > 30 and world.told > 500,
        ("too little has happened: %d %d"):format(world.offline, world.told))
      empty(world)
    end)
  end
end)
