--- Requests that make a room, and change one: each is called with the house, the connection, the
--- message and its data, and returns as a handler does.

local audience = require "router.audience"
local names = require "auth.names"
local joining = require "rooms.joining"
local options = require "rooms.options"
local permissions = require "rooms.permissions"
local resigning = require "rooms.resigning"

local CREATED = { public = true, unlisted = true, private = true, announcement = true }
local ROLES = { guest = true, member = true, moderator = true }

local changes = {}

local function is_user(house, name)
  return names.is_user(name) and house.is_utf8(name)
end

--- Tells a user, if they are there to hear it, that a room is open to them; returns whether.
local function invite_user(house, user, record, by, code)
  local found = house.gate:user(user)
  if not found then return false end
  return audience.tell(found, { type = "invited", room = record.name, kind = record.kind,
    by = by.user, code = code, at = house.gate:now_ms() })
end

-- ---- making ----

--- Whether somebody but this user is in a room of this name.
local function has_others(house, conn, name)
  local room = house.gate:room(name)
  if room.kind then return true end
  for user in pairs((house.attendance:users(room))) do
    if user ~= conn.user then return true end
  end
  return false
end

--- nil when a room of this name may be made, else the code and the text.
local function problem_of_new(house, conn, name)
  if name:byte() == 64 then return "bad_room", 'names with "@" are for rooms of two' end
  if house.book.all[name] or has_others(house, conn, name) then
    return "room_exists", "there is a room of this name"
  end
end

local function is_guest(conn)
  local auth = conn.state.auth
  return type(auth) == "table" and auth.guest or nil
end

--- Whose a room is that is made: nobody's, where another plugin says so.
local function owner_of(conn)
  local owns = conn.state.owns -- see office.lua
  if owns == nil then return conn.user end
  return owns or nil
end

--- nil when this connection may make one more, else the error.
local function problem_of_maker(house, conn, kind)
  if is_guest(conn) and not house.guests_create then
    return "not_allowed", "guests make no rooms here"
  end
  local code, text = house.book:problem_of_one_more(owner_of(conn), kind)
  if code then house.refused:add(1, code) end
  return code, text
end

--- What is asked for, checked, but not its password: the record; or nil and the error.
local function read_new(house, conn, message, data)
  local kind = data.kind == nil and "public" or data.kind
  if not CREATED[kind] then
    return nil, "bad_request", "data.kind: expected public, unlisted, private or announcement"
  end
  local problem = options.problem_of_texts(data, house.is_utf8)
  if problem then return nil, "bad_request", problem end
  local complete, wrong = options.read(data.options)
  if not complete then return nil, "bad_options", wrong end
  if data.password ~= nil and kind ~= "private" then
    return nil, "bad_request", "data.password: only a private room has one"
  end
  local code, text = problem_of_new(house, conn, message.room)
  if not code then code, text = problem_of_maker(house, conn, kind) end
  if code then return nil, code, text end
  local record = { name = message.room, kind = kind, owner = owner_of(conn), options = complete,
    by_guest = is_guest(conn) }
  options.set_texts(record, data)
  return record
end

function changes.create(house, conn, message, data)
  local code, text = house:problem_of_name(message)
  if code then return nil, code, text end
  local ready, why, problem, temporary = house.book:wait()
  if not ready then return nil, why, problem, temporary end
  local record, refusal, reason = read_new(house, conn, message, data)
  if record and data.password ~= nil then
    local hash, no_hash, no_text, later = house.entry:hash(data.password)
    if not hash then return nil, no_hash, no_text, later end
    record, refusal, reason = read_new(house, conn, message, data) -- that took a while
    if record then record.password = hash end
  end
  if not record then return nil, refusal, reason end
  house.gate:room(record.name).state.record = nil
  return house:view(conn, house.book:add(record))
end

--- The record of the room of these two; made when there is none.
---@return table? record
---@return string? code
---@return string? text
local function direct_record(house, conn, other)
  local name = options.direct_name(conn.user, other)
  local record = house.book.all[name]
  if record then
    if record.roles[conn.user] then return record end
    record.made_by = record.made_by or conn.user -- older code has let it count as nobody's
    local done, why, problem = house.entry:set_role(record, conn.user, "member")
    return done and record, why, problem
  end
  if not options.is_name(name, house.is_utf8) then
    return nil, "bad_room", "data.user: the names of you two are too long for one of a room"
  end
  local code, text = problem_of_maker(house, conn, "direct")
  if code then return nil, code, text end
  return house.book:add { name = name, kind = "direct", made_by = conn.user,
    by_guest = is_guest(conn), roles = { [conn.user] = "member", [other] = "member" } }
end

--- The other one is told of the room when they are there for the first time, and not when they have
--- been in, or have resigned.
local function invite_once(house, room, record, other, by)
  if record.is_told or not record.roles[other] then return end
  record.is_told = house.attendance:users(room)[other] ~= nil
    or invite_user(house, other, record, by)
  if record.is_told then house.book:save(record) end
end

function changes.direct(house, conn, _, data)
  local other = data.user
  if not is_user(house, other) or other == conn.user then
    return nil, "bad_request", "data.user: expected the name of another user"
  end
  local ready, why, problem, temporary = house.book:wait()
  if not ready then return nil, why, problem, temporary end
  local record, code, text = direct_record(house, conn, other)
  if not record then return nil, code, text end
  local room = house.gate:room(record.name)
  local entered, refusal, reason, later = joining.enter(house, conn, room, record)
  if not entered then return nil, refusal, reason, later end
  invite_once(house, room, record, other, conn)
  return house:full_view(conn, room, record)
end

-- ---- showing ----

local function copy_of(set)
  local copy = {}
  for key, value in pairs(set) do
    copy[key] = type(value) == "table" and copy_of(value) or value
  end
  return copy
end

function changes.describe(house, conn, message)
  local record, code, text, temporary = house:record_for(conn, message, "see")
  if not record then return nil, code, text, temporary end
  local view = house:view(conn, record)
  view.owner, view.created_at = record.owner, record.created_at
  if house:may(conn, record, "set_role") then view.roles = copy_of(record.roles) end
  if house:may(conn, record, "invite") then
    house.entry:sweep_invites(record)
    view.invites = copy_of(record.invites)
  end
  return view
end

-- ---- changing ----

--- Takes all that are in the old room to the new one.
local function move(house, from, to)
  local members, state = {}, from.state
  for _, conn in pairs(from.members) do members[#members + 1] = conn end
  for _, conn in ipairs(members) do from:remove(conn) end
  for key, value in pairs(state) do to.state[key] = value end
  local added = 0
  for _, conn in ipairs(members) do
    if to:add(conn) then added = added + 1 end
  end
  -- Who could not be taken along (too much waits for the I/O threads) is out, and told so.
  if added < #members then
    for _, conn in ipairs(members) do
      if not to:has(conn) then
        conn:send { type = "left", room = to.name, user = conn.user, at = house.gate:now_ms() }
      end
    end
    house.attendance:recount_room(to)
  end
end

function changes.rename(house, conn, message, data)
  local record, code, text, temporary = house:record_for(conn, message, "rename")
  if not record then return nil, code, text, temporary end
  local name = data.name
  if type(name) ~= "string" or not options.is_name(name, house.is_utf8) then
    return nil, "bad_room", "data.name: " .. options.NAME_RULE
  end
  code, text = problem_of_new(house, conn, name)
  if not code and house.gate:room(name):size() > 0 then
    code, text = "room_exists", "there is a room of this name"
  end
  if code then return nil, code, text end
  local old = record.name
  house:tell(record, { type = "room_renamed", room = old, name = name, by = conn.user })
  house.book:rename(record, name)
  move(house, house.gate:room(old), house.gate:room(name))
  house:renamed(old, name)
  return { room = name, at = house.gate:now_ms() }
end

--- What `set` asks for may be set by different roles.
local function may_set(house, conn, message, data)
  local wants_options = data.options ~= nil or data.password ~= nil
  local action = wants_options and "set_options" or "set_topic"
  return house:record_for(conn, message, action)
end

local function problem_of_set(house, record, data)
  local problem = options.problem_of_texts(data, house.is_utf8)
  if problem then return nil, "bad_request", problem end
  local complete, wrong = options.read(data.options, record.options)
  if not complete then return nil, "bad_options", wrong end
  if data.password ~= nil and record.kind ~= "private" then
    return nil, "bad_request", "data.password: only a private room has one"
  end
  return complete
end

--- The hash of a password that the connection may still set when it is made. Waits.
local function hash_for(house, conn, record, password)
  local hash, code, text, temporary = house.entry:hash(password)
  if not hash then return nil, code, text, temporary end
  if house.book.all[record.name] ~= record then
    return nil, "no_such_room", "the room has gone meanwhile"
  end
  local granted, why, reason = house:may(conn, record, "set_options")
  if not granted then return nil, why, reason end
  return hash
end

function changes.set(house, conn, message, data)
  local record, code, text, temporary = may_set(house, conn, message, data)
  if not record then return nil, code, text, temporary end
  local complete, why, problem = problem_of_set(house, record, data)
  if not complete then return nil, why, problem end
  if data.password == "" then
    record.password = nil
  elseif data.password ~= nil then
    local hash, refusal, reason, later = hash_for(house, conn, record, data.password)
    if not hash then return nil, refusal, reason, later end
    record.password = hash
    complete = options.read(data.options, record.options)
  end
  record.options = complete
  options.set_texts(record, data)
  house.book:save(record)
  house:tell(record, { type = "room_changed", room = record.name, title = record.title,
    topic = record.topic, options = record.options, by = conn.user })
  return house:view(conn, record)
end

local function set_archived(house, conn, message, archived)
  local record, code, text, temporary = house:record_for(conn, message, "archive")
  if not record then return nil, code, text, temporary end
  if (record.archived or false) ~= archived then
    record.archived = archived or nil
    house.book:save(record)
    house:tell(record, { type = "room_archived", room = record.name, archived = archived,
      by = conn.user })
  end
  return { room = record.name, archived = archived, at = house.gate:now_ms() }
end

function changes.archive(house, conn, message) return set_archived(house, conn, message, true) end

function changes.unarchive(house, conn, message)
  return set_archived(house, conn, message, false)
end

function changes.delete_room(house, conn, message)
  local record, code, text, temporary = house:record_for(conn, message, "delete")
  if not record then return nil, code, text, temporary end
  if not record.archived then return nil, "not_archived", "archive the room first" end
  house:tell(record, { type = "room_deleted", room = record.name, by = conn.user })
  house:delete(record)
  return { room = record.name, at = house.gate:now_ms() }
end

-- ---- members ----

function changes.invite(house, conn, message, data)
  local record, code, text, temporary = house:record_for(conn, message, "invite")
  if not record then return nil, code, text, temporary end
  if data.revoke ~= nil then
    if not house.entry:revoke(record, data.revoke) then
      return nil, "bad_invite", "there is no such invite"
    end
    return { room = record.name, revoked = data.revoke }
  end
  if data.user ~= nil and not is_user(house, data.user) then
    return nil, "bad_request", "data.user: expected the name of a user"
  end
  if data.user then code, text = house:problem_of_ban(record, data.user) end
  if code then return nil, code, text end
  local invite, why, problem = house.entry:invite(record, conn.user, data)
  if not invite then return nil, why, problem end
  if data.user then invite_user(house, data.user, record, conn, invite.code) end
  invite.room = record.name
  return invite
end

--- nil when this connection may give the user this role, else the code and the text.
local function problem_of_role(house, conn, record, data)
  if not is_user(house, data.user) then
    return "bad_request", "data.user: expected the name of a user"
  elseif not ROLES[data.role] then
    return "bad_request", "data.role: expected guest, member, moderator or owner"
  end
  local mine, before = house:role(conn, record), house:role(data.user, record)
  if not permissions.is_above(mine, before) or not permissions.is_above(mine, data.role) then
    return "not_allowed", "only of those below you, and only roles below yours"
  elseif data.role ~= "guest" then
    return house:problem_of_ban(record, data.user)
  end
end

function changes.role(house, conn, message, data)
  local record, code, text, temporary = house:record_for(conn, message, "set_role")
  if not record then return nil, code, text, temporary end
  if data.role == "owner" and is_user(house, data.user) then
    return resigning.hand_over(house, conn, record, data.user)
  end
  code, text = problem_of_role(house, conn, record, data)
  if code then return nil, code, text end
  local reply = { room = record.name, user = data.user, role = data.role, at = house.gate:now_ms() }
  local before = house:role(data.user, record)
  if before == data.role then return reply end
  local done, why, problem = house.entry:set_role(record, data.user, data.role)
  if not done then return nil, why, problem end
  resigning.tell(house, record, data.user, { role = data.role, before = before, by = conn.user })
  return reply
end

changes.resign = resigning.resign

return changes
