local permissions = require "rooms.permissions"
local options = require "rooms.options"

-- The rules again, in other words than the table's: what holds for whole groups of its cells.
local KINDS = { "public", "unlisted", "private", "direct", "announcement", "ephemeral" }
local ROLES = { "guest", "member", "moderator", "owner", "admin" }
local READS = { "join", "see", "read_members" }
local TALKS = { "say", "edit_own", "delete_own", "react" }
local MODERATES = { "delete_any", "kick", "mute", "ban", "read_reports" }
local LOOKS_AFTER = { "invite", "set_topic", "set_role" }
local OWNS = { "set_options", "rename", "archive", "delete" }
local MADE = { "public", "unlisted", "private", "announcement" } -- by create

local function set(...)
  local found = {}
  for _, list in ipairs { ... } do
    for _, word in ipairs(list) do found[word] = true end
  end
  return found
end

local function room(kind, more)
  local record = { kind = kind, options = options.read(), roles = {} }
  for name, value in pairs(more or {}) do record[name] = value end
  return record
end

local function may(role, action, kind, more)
  return (permissions.may(role, room(kind, more), action)) or false
end

--- Calls fn for each cell of the groups.
local function each(roles, actions, kinds, fn)
  for _, role in ipairs(roles) do
    for _, action in ipairs(actions) do
      for _, kind in ipairs(kinds) do
        fn(role, action, kind, ("%s %s %s"):format(role, action, kind))
      end
    end
  end
end

local function all_are(wanted, roles, actions, kinds)
  each(roles, actions, kinds, function(role, action, kind, cell)
    assert.equal(wanted, may(role, action, kind), cell)
  end)
end

local ACTIONS = {}
for action in pairs(set(READS, TALKS, MODERATES, LOOKS_AFTER, OWNS)) do
  ACTIONS[#ACTIONS + 1] = action
end
table.sort(ACTIONS)

describe("permissions", function()
  it("decide each of the cells, and know no other role, action or kind", function()
    assert.same(KINDS, permissions.KINDS)
    assert.same(ROLES, permissions.ROLES)
    assert.same(ACTIONS, permissions.ACTIONS)
    local count = 0
    each(ROLES, ACTIONS, KINDS, function(role, action, kind, cell)
      count = count + 1
      local granted, code, text = permissions.may(role, room(kind), action)
      if granted ~= true then
        assert.same({ nil, "not_allowed", ("%s: not as %s in this room"):format(action, role) },
          { granted, code, text }, cell)
      end
    end)
    assert.equal(570, count)
    for _, cell in ipairs { { "guest", "fly", "public" }, { "guest", "say", "cave" },
      { "king", "say", "public" } } do
      assert.has_error(function() may(unpack(cell)) end)
    end
  end)

  it("give each role all that the one below it may", function()
    each(ROLES, ACTIONS, KINDS, function(_, action, kind, cell)
      for i = 2, #ROLES do
        assert.is_true(not may(ROLES[i - 1], action, kind) or may(ROLES[i], action, kind), cell)
      end
    end)
  end)

  it("let everybody read and talk in public and unlisted rooms", function()
    all_are(true, ROLES, READS, { "public", "unlisted", "announcement" })
    all_are(true, ROLES, TALKS, { "public", "unlisted" })
  end)

  it("let a guest do nothing in a private or direct room, and a member read and talk", function()
    all_are(false, { "guest" }, ACTIONS, { "private", "direct" })
    all_are(true, { "member" }, READS, { "private", "direct", "ephemeral" })
    all_are(true, { "member" }, TALKS, { "private", "direct", "ephemeral" })
  end)

  it("let only those who look after an announcement room say something there", function()
    all_are(false, { "guest", "member" }, { "say", "edit_own" }, { "announcement" })
    all_are(true, { "moderator", "owner", "admin" }, TALKS, { "announcement" })
    all_are(true, ROLES, { "react" }, { "announcement" })
  end)

  it("let moderators moderate and look after rooms that were made, and nobody else", function()
    all_are(true, { "moderator", "owner", "admin" }, MODERATES, MADE)
    all_are(true, { "moderator", "owner", "admin" }, LOOKS_AFTER, MADE)
    each({ "guest", "member" }, ACTIONS, KINDS, function(role, action, kind, cell)
      if set(MODERATES, LOOKS_AFTER, OWNS)[action] then
        assert.is_false(may(role, action, kind), cell)
      end
    end)
  end)

  it("leave to the owner what a room is", function()
    all_are(true, { "owner", "admin" }, ACTIONS, MADE)
    all_are(false, { "moderator" }, OWNS, KINDS)
  end)

  it("leave direct and ephemeral rooms as they are, whoever asks but an admin", function()
    each({ "guest", "member", "moderator", "owner" }, ACTIONS, { "direct", "ephemeral" },
      function(role, action, kind, cell)
        if set(MODERATES, LOOKS_AFTER, OWNS)[action] then
          assert.is_false(may(role, action, kind), cell)
        end
      end)
    all_are(false, { "admin" }, { "rename", "set_options" }, { "direct", "ephemeral" })
    all_are(false, { "admin" }, LOOKS_AFTER, { "direct", "ephemeral" })
    all_are(true, { "admin" }, { "archive", "delete" }, { "direct" })
    all_are(true, { "admin" }, MODERATES, { "direct", "ephemeral" })
    all_are(false, { "admin" }, { "archive", "delete" }, { "ephemeral" })
  end)

  it("let see and join whoever may do anything else", function()
    each(ROLES, ACTIONS, KINDS, function(role, action, kind, cell)
      if may(role, action, kind) then
        assert.is_true(may(role, "see", kind) and may(role, "join", kind), cell)
      end
    end)
  end)

  it("refuse all that would change an archived room", function()
    local stays = set(READS, { "archive", "delete", "read_reports" })
    each(ROLES, ACTIONS, KINDS, function(role, action, kind, cell)
      local record = room(kind, { archived = true })
      local granted, code = permissions.may(role, record, action)
      if not may(role, action, kind) then
        assert.equal("not_allowed", code, cell)
      elseif stays[action] then
        assert.is_true(granted, cell)
      else
        assert.same({ nil, "archived" }, { granted, code }, cell)
      end
    end)
  end)

  it("let fewer say something when the option wants it, and never more", function()
    local least = { everyone = 1, members = 2, moderators = 3, owner = 4 }
    for who_may_say, place in pairs(least) do
      each(ROLES, { "say" }, KINDS, function(role, action, kind, cell)
        local rank = 0
        for i, each_role in ipairs(ROLES) do rank = each_role == role and i or rank end
        local wanted = may(role, action, kind) and rank >= place
        assert.equal(wanted, may(role, action, kind,
          { options = options.read { who_may_say = who_may_say } }), cell)
      end)
    end
  end)

  it("know a user's role in a room", function()
    local record = room("public", { owner = "ann", roles = { bob = "moderator", carl = "member" } })
    for user, role in pairs { ann = "owner", bob = "moderator", carl = "member", dan = "guest" } do
      assert.equal(role, permissions.role(user, record))
    end
    assert.equal("member", permissions.role("dan", room "ephemeral"))
    assert.equal("guest", permissions.role("dan", room "direct"))
    assert.equal("guest", permissions.role(nil, room "public"))
    assert.is_true(permissions.is_above("owner", "moderator"))
    assert.is_false(permissions.is_above("owner", "owner"))
    assert.is_true(permissions.is_at_least("owner", "owner"))
    assert.is_false(permissions.is_at_least("guest", "member"))
  end)
end)
