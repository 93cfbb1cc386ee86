local calls = require "server_api.calls"
local operations = require "server_api.operations"

describe("calls of the server API", function()
  local desk

  before_each(function()
    desk = { is_utf8 = function() return true end, max_users = 2, gate = {} }
    desk.presence = {
      state_of = function(user) return user == "nobody" and "offline" or "away" end,
      view = function() return { state = "offline" } end }
  end)

  it("are there for each operation, and for nothing else", function()
    local wanted, there = {}, {}
    for _, operation in ipairs(operations) do wanted[operation.name] = true end
    for name in pairs(calls) do there[name] = true end
    assert.same(wanted, there)
  end)

  it("ask as a request does, in the name of the caller, and say fields as the caller did",
    function()
      local asked
      desk.rooms = { act = function(...)
        asked = { ... }
        return nil, "bad_request", "data.title: expected less", false
      end }
      assert.same({ nil, "bad_request", "title: expected less", false },
        { calls.change_room(desk, "api:ops", { room = "tea", title = "x" }) })
      assert.same({ "set", "api:ops", "tea", { title = "x" } }, asked)
      desk.moderation = { ban = function(...)
        asked = { ... }
        return nil, "unavailable", "later", true, 250
      end }
      assert.same({ nil, "unavailable", "later", true, 250 },
        { calls.ban(desk, "api:ops", { user = "bob" }) })
      assert.same({ "api:ops", nil, { user = "bob" } }, { asked[1], asked[2], asked[3] })
    end)

  it("show a room without what is a moderator's secret", function()
    desk.rooms = { act = function() return { room = "tea", role = "admin", invites = {} } end }
    assert.same({ room = "tea" }, (calls.describe_room(desk, "api:ops", { room = "tea" })))
  end)

  it("show at most 100 connections of a user, and only devices that are text", function()
    local conns = {}
    for id = 1, 150 do
      conns[id] = { id = id, address = "::1", protocol = "", state = {}, rooms = {} }
    end
    desk.gate.user = function()
      return { conns = conns, size = function() return #conns end }
    end
    desk.auth = { info = function() return { device = "\255", method = "guest" } end }
    desk.is_utf8 = function(text) return not text:find "\255" end
    local user = calls.user(desk, "", { user = "ann" })
    assert.same({ 150, 100 }, { user.count, #user.connections })
    assert.is_nil(user.connections[1].device)
    assert.is_false(user.connections[1].admin)
  end)

  it("know nobody who is not here, and not away", function()
    desk.gate.user = function() end
    assert.equal("no_such_user", (select(2, calls.user(desk, "", { user = "nobody" }))))
    assert.equal("away", calls.user(desk, "", { user = "ann" }).presence.state)
  end)
end)
