local houses = require "spec.support.house"

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

  local function types(messages)
    local found = {}
    for i, message in ipairs(messages) do found[i] = message.type end
    return table.concat(found, " ")
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

  describe("with the plugin presence", function()
    local PRESENCE = "return function() end"

    --- That plugin would say so after a grace, or at once.
    local function offline(user) gate.world.request.tell("offline", user) end

    before_each(function()
      load({ presence = true }, { presence = PRESENCE })
      ask(ann, "join", "tea")
      ask(bob, "join", "tea")
      heard(ann)
    end)

    it("is told when that says that somebody will not come back", function()
      gate:close(bob, "lost")
      assert.same({}, heard(ann))
      assert.same({ "ann", "bob" }, ask(ann, "members", "tea").members)
      offline "bob"
      assert.same({ { type = "left", room = "tea", user = "bob", at = now() } }, heard(ann))
      assert.same({ "ann" }, ask(ann, "members", "tea").members)
      offline "bob"
      assert.same({}, heard(ann))
      assert.same({}, gate.world.state.of("rooms").away)
    end)

    it("is not told of who has come back meanwhile", function()
      gate:close(bob, "lost")
      bob = gate:connect "bob"
      assert.same({ "ann", "bob" }, ask(bob, "join", "tea").members)
      assert.same({}, heard(ann))
      assert.same({}, gate.world.state.of("rooms").away)
      ask(bob, "leave", "tea")
      assert.equal("left", types(heard(ann)))
    end)

    it("is told at once of who has left", function()
      ask(bob, "leave", "tea")
      assert.equal("left", types(heard(ann)))
      gate:close(bob)
      offline "bob"
      assert.same({}, heard(ann))
    end)

    it("is told once when that says so before the connection is taken out", function()
      local phone = gate:connect "bob"
      ask(phone, "join", "tea")
      offline "bob" -- in its own hook of the connection, say
      assert.equal("left", types(heard(ann)))
      gate:close(bob)
      gate:close(phone)
      assert.same({}, heard(ann))
      assert.same({}, gate.world.state.of("rooms").away)
    end)

    it("keeps the place of who is away in a full room", function()
      ask(ann, "create", "den", { options = { max_members = 2 } })
      ask(ann, "join", "den")
      ask(bob, "join", "den")
      gate:close(bob, "lost")
      assert.equal("too_many_members", house:refused(gate:connect "carl", "join", "den"))
      assert.is_truthy(ask(gate:connect "bob", "join", "den"))
    end)

    it("survives a reload and a new name of the room", function()
      ask(ann, "create", "den")
      ask(ann, "join", "den")
      ask(bob, "join", "den")
      gate:close(bob, "lost")
      assert(gate:reload())
      ask(ann, "rename", "den", { name = "cave" })
      heard(ann)
      assert.equal(2, ask(ann, "describe", "cave").count)
      offline "bob"
      local told = heard(ann)
      table.sort(told, function(a, b) return a.room < b.room end)
      assert.same({ "cave", "tea" }, { told[1].room, told[2].room })
    end)

    it("forgets who was taken out meanwhile", function()
      ask(ann, "create", "den", { kind = "private" })
      ask(ann, "role", "den", { user = "bob", role = "member" })
      ask(ann, "join", "den")
      ask(bob, "join", "den")
      ask(bob, "leave", "tea")
      gate:close(bob, "lost")
      heard(ann)
      ask(ann, "role", "den", { user = "bob", role = "guest" })
      assert.equal("role_changed left", types(heard(ann)))
      assert.same({}, gate.world.state.of("rooms").away)
    end)

    it("is that of connections again without it", function()
      gate:close(bob, "lost")
      assert(gate:reload({}, { rooms = { presence = false } }))
      assert.same({ "ann" }, ask(ann, "members", "tea").members)
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

  --- Eight connections of four users join, leave and break as the dice say.
  local function play(roll, steps)
    local conns = {}
    for _ = 1, steps do
      local place, what = roll(8), roll(6)
      local conn = conns[place]
      if not conn then
        conns[place] = gate:connect("u" .. math.ceil(place / 2))
      elseif what <= 3 then
        ask(conn, "join", "tea")
      elseif what == 4 then
        gate:deliver(conn, { type = "leave", room = "tea" })
      elseif what == 5 then
        gate:close(conn, "lost")
        conns[place] = nil
      else
        gate:later(500)
      end
    end
    return conns
  end

  for seed = 1, 8 do
    local with_presence = seed % 2 == 0
    it(("agrees with who is in, whatever has happened: seed %d"):format(seed), function()
      load({ large_room = 2 + seed % 3, presence = with_presence },
        { presence = "return function() end" })
      local watcher, seen = gate:connect "watcher", { watcher = true }
      ask(watcher, "join", "tea")
      local conns = play(dice(seed), 500)
      for n = 1, 4 do
        if with_presence and not gate.world.user.find("u" .. n) then
          gate.world.request.tell("offline", "u" .. n)
        end
      end
      gate:later(1000)
      follow(seen, heard(watcher))
      local truth = { watcher = true }
      for _, conn in pairs(conns) do
        local is_in = gate.world.room.find("tea"):has(conn)
        -- With that plugin who has been in stays until they are offline.
        if is_in or (with_presence and seen[conn.user]) then truth[conn.user] = true end
      end
      local answer = ask(watcher, "members", "tea")
      assert.same(truth, set(answer.members))
      assert.same(truth, seen)
      assert.equal(#answer.members, answer.count)
    end)
  end
end)
