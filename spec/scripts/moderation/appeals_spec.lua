local courtrooms = require "spec.support.courtroom"

-- Of what happens in a room: moderation_spec.lua.
describe("an appeal of who is banned everywhere", function()
  local courtroom, gate

  local function ask(...) return courtroom:ask(...) end
  local function refused(...) return courtroom:refused(...) end
  local function heard(who) return courtroom:heard(who) end
  local function now() return courtroom:now() end

  local function load(options)
    courtroom = courtrooms.open(options)
    gate = courtroom.gate
  end

  before_each(function() load() end)

  local function ban(data)
    data.user = data.user or not data.address and "dora" or nil
    assert.is_truthy(ask("root", "ban", data, false))
  end

  --- A connection that a plugin gives the name of the banned user.
  local function enter(address)
    local conn = gate:connect(nil, { address = address })
    courtroom.dora = conn
    gate.world.task.run(function() conn:admit "dora" end)
    gate.core:settle()
    return conn
  end

  --- How the script has closed it.
  local function closed(conn)
    for _, command in ipairs(gate.core:issued "close") do
      if command.conn == conn.id then return { command.code, command.reason } end
    end
  end

  local function bans() return ask("root", "bans", nil, false).list end

  it("is told of the ban, and that is all that one may do", function()
    ban { reason = "spam", duration_ms = 60000 }
    local at = now()
    local conn = enter()
    assert.same({ { type = "moderated", action = "ban", reason = "spam", at = at,
      expires_at = at + 60000 } }, heard "dora")
    for _, name in ipairs { "join", "say", "rooms", "ping", "ban" } do
      local _, code, text, temporary = ask("dora", name, { user = "bob" })
      assert.same({ "banned", true }, { code, temporary })
      assert.matches("^banned until .*: spam$", text)
    end
    assert.equal("banned", refused("dora", "appeal", { text = "sorry" })) -- of a room
    assert.is_true(conn.is_open)
    gate:later(10000)
    assert.same({ 4504, "banned" }, closed(conn))
  end)

  it("is one, which admins see and the store keeps, and then the connection is closed", function()
    ban {}
    local conn = enter()
    local answer = gate:ask(conn, { type = "appeal", data = { text = "sorry" } })
    assert.is_nil(closed(conn))
    assert.same({ at = now() }, answer.data)
    local at = now()
    assert.equal("banned", refused("dora", "appeal", { text = "really" }, false))
    gate:later(1)
    assert.same({ 4504, "banned" }, closed(conn))
    assert.same({ by = "dora", at = at, text = "sorry" }, bans()[1].appeal)
    gate:later(100)
    local entry
    gate.world.task.run(function()
      entry = gate.world.store.new(gate.world.plugin.current().plugins.moderation)
        :get "ban:users:dora"
    end)
    gate:later(10)
    assert.equal("sorry", entry.appeal.text)
  end)

  it("is not made twice, by whichever connection", function()
    ban {}
    enter()
    ask("dora", "appeal", { text = "sorry" }, false)
    local conn = enter()
    assert.equal("already_appealed", refused("dora", "appeal", { text = "please" }, false))
    gate:later(1)
    assert.same({ 4504, "banned" }, closed(conn))
    assert.equal("sorry", bans()[1].appeal.text)
    ban {} -- another one
    enter()
    assert.is_truthy(ask("dora", "appeal", { text = "please" }, false))
  end)

  it("has its fields looked at, and may be made again by another connection", function()
    ban {}
    local conn = enter()
    assert.equal("bad_request", refused("dora", "appeal", { text = "" }, false))
    gate:later(1)
    assert.same({ 4504, "banned" }, closed(conn))
    enter()
    assert.is_truthy(ask("dora", "appeal", { text = "sorry" }, false))
  end)

  it("is of nobody who is not banned", function()
    assert.equal("nothing_to_appeal", refused("bob", "appeal", { text = "why?" }, false))
    assert.is_true(courtroom.bob.is_open)
  end)

  it("is of no address, which is closed at once", function()
    local early = gate:connect(nil, { address = "10.9.9.9" })
    ban { address = "10.9.9.9" }
    assert.same({ 4504, "banned" }, closed(early))
    ban {}
    ask("root", "unban", { address = "10.9.9.9" }, false)
    assert.is_true(enter("10.9.9.9").is_open)
    ban { address = "10.9.9.8" }
    assert.is_false(gate:connect(nil, { address = "10.9.9.8" }).is_open)
  end)

  it("is not cut off when somebody else is banned", function()
    ban {}
    local conn = enter()
    ban { user = "carl" }
    assert.is_false(courtroom.carl.is_open)
    assert.is_true(conn.is_open)
  end)

  it("need not be made when the ban is lifted meanwhile", function()
    ban {}
    local conn = enter()
    ask("root", "unban", { user = "dora" }, false)
    assert.is_truthy(ask("dora", "join"))
    gate:later(60000)
    assert.is_true(conn.is_open)
    ban {}
    assert.is_false(conn.is_open)
  end)

  describe("has no place when the ban is over: the connection", function()
    --- Whether it hears what is said outside of rooms.
    local function hears()
      heard "dora"
      ask("ann", "invite", { user = "dora" })
      return #heard "dora" == 1
    end

    --- Tells presence, which has said that the end of these is meant.
    local function mark(conn) conn.state.is_banned = true end

    for name, pardon in pairs {
      ["after `unban`"] = function() ask("root", "unban", { user = "dora" }, false) end,
      ["when its time has come"] = function() gate:later(2500) end,
      ["when a shorter one has taken its place"] = function()
        ban { duration_ms = 1000 }
        gate:later(2000)
      end,
      ["when only a reload comes between"] = function()
        assert(gate:reload())
        gate:later(1)
      end,
    } do
      it("goes on as any other " .. name, function()
        ban { duration_ms = 2500 }
        local conn = enter()
        mark(conn)
        assert.is_false(hears())
        if name:find "reload" then -- older code has left it as it was
          ask("root", "unban", { user = "dora" }, false)
          conn.state.appeal = "open"
        end
        pardon()
        assert.is_true(hears())
        assert.is_nil(conn.state.is_banned)
        gate:later(60000)
        assert.is_true(conn.is_open)
      end)
    end

    it("is closed in its time when a longer one has taken its place", function()
      ban { duration_ms = 2500 }
      local conn = enter()
      ban {}
      gate:later(9999)
      assert.is_nil(closed(conn))
      assert.is_false(hears())
      gate:later(1)
      assert.same({ 4504, "banned" }, closed(conn))
    end)
  end)

  it("is closed when there is a place for that", function()
    ban {}
    local conn = enter()
    gate.core.answers.moon_close = gate.core.C.MOON_EFULL
    gate:later(10000)
    assert.is_true(conn.is_open)
    gate.core.answers.moon_close = nil
    gate:later(100)
    assert.is_false(conn.is_open)
  end)

  it("has no time on a route of a plugin, which would go on with it", function()
    ban {}
    local conn = gate:connect(nil)
    courtroom.dora, conn.route, conn.protocol = conn, "/game", "dice"
    gate.world.task.run(function() conn:admit "dora" end)
    gate.core:settle()
    assert.same({ 4504, "banned" }, closed(conn))
    assert.same({}, heard "dora")
  end)

  it("has no time after a reload, which would not know when it ends", function()
    ban {}
    local conn = enter()
    assert(gate:reload())
    gate:later(1)
    assert.same({ 4504, "banned" }, closed(conn))
  end)

  it("is not heard without appeal_ms", function()
    load { appeal_ms = 0 }
    ban {}
    assert.same({ 4504, "banned" }, closed(enter()))
    assert.same({}, heard "dora")
  end)
end)
