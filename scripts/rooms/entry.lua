--- How a guest of a room becomes a member: by an invite, or by the password.

local MAX_ROLES = 1000    -- of one room, which is one entry of the store
local MAX_INVITES = 50    -- of one room
local MAX_USES = 1000
local MIN_TTL_MS, TTL_MS, MAX_TTL_MS = 60000, 7 * 86400000, 30 * 86400000
local MAX_PASSWORD = 128  -- bytes
local MAX_ATTEMPTS = 5    -- at a room's password, from one address in WINDOW_MS
local WINDOW_MS = 60000

---@class rooms.Entry
---@field private attempts table<string, { count: integer, until_ms: integer }>
local Entry = {}
local entry_mt = { __index = Entry }

-- ---- roles ----

--- nil when the user may have a role of their own, else the code and the text.
local function problem_of_one_more(record, user)
  if record.roles[user] then return end
  local count = 0
  for _ in pairs(record.roles) do count = count + 1 end
  if count >= MAX_ROLES then
    return "too_many_members", ("at most %d users with a role"):format(MAX_ROLES)
  end
end

--- Makes the user a member, or what else the role says; "guest" takes the role away.
---@param record table
---@param user string
---@param role string
---@return true? changed
---@return string? code
---@return string? text
function Entry:set_role(record, user, role)
  if role ~= "guest" then
    local code, text = problem_of_one_more(record, user)
    if code then return nil, code, text end
  end
  record.roles[user] = role ~= "guest" and role or nil
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

function Entry:admit_by_invite(record, user, code)
  local invite = type(code) == "string" and record.invites[code]
  if not is_good(invite, user, self.gate:now_ms()) then
    return nil, "bad_invite", "the invite is used up, expired, revoked or somebody else's"
  end
  local why, text = problem_of_one_more(record, user)
  if why then return nil, why, text end
  invite.uses = invite.uses - 1
  if invite.uses == 0 then record.invites[code] = nil end
  return self:set_role(record, user, "member") -- it is saved as it is now: the last
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

--- nil when this address may try, and has now; else when it may.
function Entry:wait_before_attempt(conn, record)
  local key, now_ms = conn.address .. " " .. record.name, self.gate:now_ms()
  local made = self.attempts[key]
  if not made or made.until_ms <= now_ms then
    made = { count = 0, until_ms = now_ms + WINDOW_MS }
    self.attempts[key] = made
  end
  if made.count >= MAX_ATTEMPTS then return made.until_ms - now_ms end
  made.count = made.count + 1
end

function Entry:sweep_attempts()
  local now_ms = self.gate:now_ms()
  for key, made in pairs(self.attempts) do
    if made.until_ms <= now_ms then self.attempts[key] = nil end
  end
end

function Entry:admit_by_password(record, conn, password)
  if type(password) ~= "string" or #password > MAX_PASSWORD or not record.password then
    return nil, "bad_password", "that is not the password"
  end
  local wait_ms = self:wait_before_attempt(conn, record)
  if wait_ms then
    self.refused:add(1, "too_many_attempts")
    return nil, "too_many_attempts", "too many passwords were tried", true, wait_ms
  end
  local is_right, problem = self.gate.crypto:check_password(password, record.password)
  if is_right == nil then return nil, "unavailable", tostring(problem), true end
  if not is_right then return nil, "bad_password", "that is not the password" end
  if self.book.all[record.name] ~= record then
    return nil, "no_such_room", "the room has gone meanwhile"
  end
  return self:set_role(record, conn.user, "member")
end

--- Makes a guest who brings an invite or the password a member. May wait.
---@param conn moongate.Conn
---@param record table
---@param data table invite or password
---@return true? admitted
---@return string? code
---@return string? text
---@return boolean? temporary
---@return integer? retry_after_ms
function Entry:admit(conn, record, data)
  if data.invite ~= nil then return self:admit_by_invite(record, conn.user, data.invite) end
  if data.password ~= nil then return self:admit_by_password(record, conn, data.password) end
  return nil, "not_allowed", "this room wants an invite or the password"
end

local entry = {}

---@param gate moongate.Gate
---@param book rooms.Book
---@param refused moongate.Metric
---@return rooms.Entry
function entry.open(gate, book, refused)
  local self = setmetatable({ gate = gate, book = book, refused = refused, attempts = {} },
    entry_mt)
  gate:every(WINDOW_MS, function() self:sweep_attempts() end, "attempts")
  return self
end

return entry
