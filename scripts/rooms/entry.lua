--- How a guest of a room becomes a member: by an invite, or by the password.
--
-- Looking at a password waits, and much may change meanwhile. So it is done first, by `prove`; what
-- was proved is asked for by `problem_of` at the moment when the guest comes in, and `admit`
-- follows at once.

local key_of = require("auth.addresses").key_of
local new_attempts = require "auth.attempts"
local permissions = require "rooms.permissions"

local MAX_ROLES = 1000    -- of one room, which is one entry of the store
local MAX_INVITES = 50    -- of one room
local MAX_USES = 1000
local MIN_TTL_MS, TTL_MS, MAX_TTL_MS = 60000, 7 * 86400000, 30 * 86400000
local MAX_PASSWORD = 128  -- bytes
local MAX_OF_USER = 5     -- wrong ones at a room's password in WINDOW_MS
local MAX_OF_NETWORK = 20 -- the same of all users behind an address
local WINDOW_MS = 60000
local MAX_KEYS = 10000    -- users and networks whose attempts are counted, twice

local WRONG = "that is not the password"

---@class rooms.Entry
---@field private attempts table see auth/attempts.lua
---@field private checks integer begun since the plugin was loaded
---@field private proved table<table, string> message -> the hash that its password fits
local Entry = {}
local entry_mt = { __index = Entry }

-- ---- roles ----

--- nil when the user may have this role, else the code and the text.
---@param record table
---@param user string
---@param role string
---@return string? code
---@return string? text
function Entry:problem_of_role(record, user, role)
  local before, count = record.roles[user], 0
  for _ in pairs(record.roles) do count = count + 1 end
  if not before and count >= MAX_ROLES then
    return "too_many_members", ("at most %d users with a role"):format(MAX_ROLES)
  end
  local more_bytes = before and #role - #before or #self.gate.json.encode(user) + #role + 4
  if more_bytes > 0 and not self.book:fits(record, "roles", more_bytes) then
    return "too_many_members", "no more users with a role: their names fill what is kept"
  end
end

--- Makes the user a member, or what else the role says; "guest" takes the role away. With the right
--- to invite go the invites.
---@param record table
---@param user string
---@param role string
---@return true? changed
---@return string? code
---@return string? text
function Entry:set_role(record, user, role)
  if role ~= "guest" then
    local code, text = self:problem_of_role(record, user, role)
    if code then return nil, code, text end
  end
  local could_invite = permissions.has_right(permissions.role(user, record), record, "invite")
  record.roles[user] = role ~= "guest" and role or nil
  if could_invite and not permissions.has_right(role, record, "invite") then
    self.forget_invites(record, user)
  end
  self.book:save(record)
  return true
end

-- ---- invites ----

local function is_whole(value, min, max)
  return type(value) == "number" and value % 1 == 0 and value >= min and value <= max
end

local function problem_of_invite(data)
  if data.uses ~= nil and not is_whole(data.uses, 1, MAX_USES) then
    return "data.uses: expected a whole number from 1 to 1000"
  elseif data.ttl_ms ~= nil and not is_whole(data.ttl_ms, MIN_TTL_MS, MAX_TTL_MS) then
    return "data.ttl_ms: expected a whole number from 60000 to 2592000000"
  end
end

--- Takes away those that are over; returns how many are left.
function Entry:sweep_invites(record)
  local count, now_ms = 0, self.gate:now_ms()
  for code, invite in pairs(record.invites) do
    if invite.expires_at <= now_ms or invite.uses < 1 then
      record.invites[code] = nil
    else
      count = count + 1
    end
  end
  return count
end

--- A new invite, for one user or for whoever has the code.
---@param record table
---@param by string
---@param data table user, uses, ttl_ms
---@return table? invite with its code; nil: refused
---@return string? code
---@return string? text
function Entry:invite(record, by, data)
  local problem = problem_of_invite(data)
  if problem then return nil, "bad_request", problem end
  if self:sweep_invites(record) >= MAX_INVITES then
    return nil, "too_many_invites", ("at most %d that are not used up"):format(MAX_INVITES)
  end
  local code = self.gate.crypto:token(16)
  local invite = { by = by, user = data.user, uses = data.uses or 1,
    expires_at = self.gate:now_ms() + (data.ttl_ms or TTL_MS) }
  record.invites[code] = invite
  self.book:save(record)
  return { code = code, user = invite.user, uses = invite.uses, expires_at = invite.expires_at }
end

--- Nobody comes in by an invite of this user any more; who changes the record saves it.
---@param record table
---@param user string
function Entry.forget_invites(record, user)
  for code, invite in pairs(record.invites) do
    if invite.by == user then record.invites[code] = nil end
  end
end

---@param record table
---@param code any
---@return boolean was_there
function Entry:revoke(record, code)
  local was_there = type(code) == "string" and record.invites[code] ~= nil
  if was_there then
    record.invites[code] = nil
    self.book:save(record)
  end
  return was_there
end

local function is_good(invite, user, now_ms)
  return invite and invite.expires_at > now_ms and invite.uses > 0
    and (invite.user == nil or invite.user == user)
end

-- ---- the password ----

--- The password's hash, for the record. Waits.
---@param password any
---@return string? hash
---@return string? code
---@return string? text
---@return boolean? temporary
function Entry:hash(password)
  if type(password) ~= "string" or password == "" or #password > MAX_PASSWORD then
    return nil, "bad_request", "data.password: expected a string of 1 to 128 bytes"
  end
  local hash = self.gate.crypto:hash_password(password)
  if not hash then return nil, "unavailable", "too many passwords are being checked", true end
  return hash
end

--- nil when there may be one more attempt, else when.
function Entry:wait_before_attempt(keys)
  local longest_ms
  for key, most in pairs(keys) do
    local wait_ms = self.attempts.wait_ms(key, most)
    if wait_ms then longest_ms = math.max(longest_ms or 0, wait_ms) end
  end
  return longest_ms
end

--- Counts an attempt; those under way count, too. What is returned is to be told whether it was
--- right, or nil when nobody knows: only wrong ones stay counted.
function Entry:attempt(conn, record)
  local of_user = ("u%s\n%s"):format(conn.user, record.name)
  local of_network = ("a%s\n%s"):format(key_of(conn.address), record.name)
  local keys = { [of_user] = MAX_OF_USER, [of_network] = MAX_OF_NETWORK }
  local wait_ms = self:wait_before_attempt(keys)
  if wait_ms then
    self.refused:add(1, "too_many_attempts")
    return nil, "too_many_attempts", "too many passwords were tried", true, wait_ms
  end
  for key in pairs(keys) do self.attempts.count(key) end
  return function(was_right)
    if was_right == false then return end
    self.attempts.forgive(of_user, was_right)
    self.attempts.forgive(of_network)
  end
end

--- What a password is checked against where a room has none: it takes as long.
function Entry:decoy_hash()
  self.decoy = self.decoy or self.gate:share("decoy", function()
    return self.gate.crypto:hash_password(self.gate.crypto:token(32))
  end)
  return self.decoy
end

--- nil when there is no time for it.
function Entry:compare(password, hash)
  if not hash then return nil, "too many passwords are being checked" end
  return self.gate.crypto:check_password(password, hash)
end

--- As compare(), in a task of its own, which goes on when who has asked is gone: what was right is
--- not counted, also when nobody waits for it any more.
function Entry:check(password, hash, forgive)
  self.checks = self.checks + 1
  return self.gate:share("check " .. self.checks, function()
    local is_right, problem = self:compare(password, hash)
    forgive(is_right)
    return is_right, problem
  end)
end

--- Looks whether the password of a message is the room's, if it was not looked at. Waits.
---@param conn moongate.Conn
---@param record table
---@param message table
---@param password any
---@return true? proved
---@return string? code
---@return string? text
---@return boolean? temporary
---@return integer? retry_after_ms
function Entry:prove(conn, record, message, password)
  if record.password and self.proved[message] == record.password then return true end
  if type(password) ~= "string" or #password > MAX_PASSWORD or record.kind ~= "private" then
    return nil, "bad_password", WRONG
  end
  local forgive, code, text, temporary, wait_ms = self:attempt(conn, record)
  if not forgive then return nil, code, text, temporary, wait_ms end
  local hash = record.password or self:decoy_hash()
  local is_right, problem = self:check(password, hash, forgive)
  if is_right == nil then return nil, "unavailable", tostring(problem), true end
  if not is_right then return nil, "bad_password", WRONG end
  self.proved[message] = hash
  return true
end

-- ---- coming in ----

--- nil when what a guest brings makes a member of them now, else the code and the text.
---@param user string
---@param record table
---@param message table whose password was proved
---@param data table invite or password
---@return string? code
---@return string? text
function Entry:problem_of(user, record, message, data)
  if data.invite ~= nil then
    local invite = type(data.invite) == "string" and record.invites[data.invite]
    if not is_good(invite, user, self.gate:now_ms()) then
      return "bad_invite", "the invite is used up, expired, revoked or somebody else's"
    end
  elseif data.password == nil then
    return "not_allowed", "this room wants an invite or the password"
  elseif not record.password or self.proved[message] ~= record.password then
    return "bad_password", WRONG
  end
  return self:problem_of_role(record, user, "member")
end

--- Makes a member of a guest of whom there is no `problem_of`.
---@param user string
---@param record table
---@param data table
function Entry:admit(user, record, data)
  local code = data.invite
  local invite = code ~= nil and record.invites[code]
  if invite then
    invite.uses = invite.uses - 1
    if invite.uses == 0 then record.invites[code] = nil end
  end
  self:set_role(record, user, "member") -- the last: it saves the record as it is then
end

local entry = {}

---@param gate moongate.Gate
---@param book rooms.Book
---@param refused moongate.Metric
---@return rooms.Entry
function entry.open(gate, book, refused)
  local attempts = new_attempts(function() return gate:now_ms() end,
    { window_ms = WINDOW_MS, max_keys = MAX_KEYS })
  return setmetatable({ gate = gate, book = book, refused = refused, attempts = attempts,
    checks = 0, proved = setmetatable({}, { __mode = "k" }) }, entry_mt)
end

return entry
