--- Who may do what: for each action and kind of room, the least role that may.
--
-- Knows no gate and no connections: a role is a word, a room is its record.

local permissions = {}

permissions.KINDS = { "public", "unlisted", "private", "direct", "announcement", "ephemeral" }
permissions.ROLES = { "guest", "member", "moderator", "owner", "admin" } -- the least first

local RANK = { guest = 1, member = 2, moderator = 3, owner = 4, admin = 5, nobody = 6 }

-- In the order of KINDS. A private room is joined by its members; whoever brings an invite or the
-- password becomes one. Of a direct or an ephemeral room nobody is owner or moderator.
local LEAST = {
  join         = { "guest", "guest", "member", "member", "guest", "member" },
  see          = { "guest", "guest", "member", "member", "guest", "member" },
  read_members = { "guest", "guest", "member", "member", "guest", "member" },
  say          = { "guest", "guest", "member", "member", "moderator", "member" },
  edit_own     = { "guest", "guest", "member", "member", "moderator", "member" },
  delete_own   = { "guest", "guest", "member", "member", "guest", "member" },
  react        = { "guest", "guest", "member", "member", "guest", "member" },
  delete_any   = { "moderator", "moderator", "moderator", "admin", "moderator", "admin" },
  kick         = { "moderator", "moderator", "moderator", "admin", "moderator", "admin" },
  mute         = { "moderator", "moderator", "moderator", "admin", "moderator", "admin" },
  ban          = { "moderator", "moderator", "moderator", "admin", "moderator", "admin" },
  read_reports = { "moderator", "moderator", "moderator", "admin", "moderator", "admin" },
  invite       = { "moderator", "moderator", "moderator", "nobody", "moderator", "nobody" },
  set_topic    = { "moderator", "moderator", "moderator", "nobody", "moderator", "nobody" },
  set_role     = { "moderator", "moderator", "moderator", "nobody", "moderator", "nobody" },
  set_options  = { "owner", "owner", "owner", "nobody", "owner", "nobody" },
  rename       = { "owner", "owner", "owner", "nobody", "owner", "nobody" },
  archive      = { "owner", "owner", "owner", "admin", "owner", "nobody" },
  delete       = { "owner", "owner", "owner", "admin", "owner", "nobody" },
}

-- All else would change an archived room. To archive is also to take that back.
local IN_ARCHIVED = { join = true, see = true, read_members = true, read_reports = true,
  archive = true, delete = true }

-- What the option who_may_say means.
local SAYERS = { everyone = 1, members = 2, moderators = 3, owner = 4 }

-- Who has no role of their own in a room.
local DEFAULT = { ephemeral = "member" }

permissions.ACTIONS = {}
local least = {} -- kind -> action -> rank
for place, kind in ipairs(permissions.KINDS) do
  least[kind] = {}
  for action, words in pairs(LEAST) do least[kind][action] = RANK[words[place]] end
end
for action in pairs(LEAST) do table.insert(permissions.ACTIONS, action) end
table.sort(permissions.ACTIONS)

--- A user's role in a room, as its record has it.
---@param user? string
---@param record table
---@return string role
function permissions.role(user, record)
  if user and record.owner == user then return "owner" end
  return record.roles[user] or DEFAULT[record.kind] or "guest"
end

--- Whether the first role is above the second.
---@param role string
---@param other string
---@return boolean
function permissions.is_above(role, other) return RANK[role] > RANK[other] end

--- Whether the role is at least the other.
---@param role string
---@param other string
---@return boolean
function permissions.is_at_least(role, other) return RANK[role] >= RANK[other] end

--- Whether the role has a right in a room, whether or not it is archived.
---@param role string
---@param record table
---@param action string
---@return boolean
function permissions.has_right(role, record, action)
  return RANK[role] >= least[record.kind][action]
end

--- Whether this role may do this in a room. Allocates nothing when it may.
---@param role string
---@param record table
---@param action string
---@return true? granted
---@return string? code
---@return string? text
function permissions.may(role, record, action)
  local needed = least[record.kind][action]
  if not needed then error(("no such action: %s"):format(tostring(action)), 2) end
  if action == "say" then needed = math.max(needed, SAYERS[record.options.who_may_say]) end
  if RANK[role] < needed then
    return nil, "not_allowed", ("%s: not as %s in this room"):format(action, role)
  end
  if record.archived and not IN_ARCHIVED[action] then
    return nil, "archived", "the room is archived"
  end
  return true
end

return permissions
