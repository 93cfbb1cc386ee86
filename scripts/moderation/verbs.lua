--- What moderators do: each is called with the court, who acts, the name of a room (nil:
--- everywhere) and data, and returns as a handler does.

local fields = require "moderation.fields"
local sanctions = require "moderation.sanctions"

local verbs = {}

local function place_of(case) return case.user and "users" or "addresses" end

local function needs_user(data)
  if data.user == nil then return "bad_request", "data.user: expected the name of a user" end
end

-- ---- kick ----

function verbs.kick(court, actor, name, data)
  local wrong, why = needs_user(data)
  if wrong then return nil, wrong, why end
  local case, code, text = court:case(actor, name, "kick", data)
  if not case then return nil, code, text end
  if case.record then
    if not court.rooms.evict(case.record, case.user, "kicked") then
      return nil, "not_a_member", "this user is not in the room"
    end
    court:tell(case, "kick", actor)
  else
    local found = court.gate:user(case.user)
    if not found then return nil, "gone", "this user is not connected" end
    court:tell(case, "kick", actor)
    court:send_away(found)
  end
  court:note(actor, "kick", case)
  return court:answer(case)
end

-- ---- bans ----

local function ban_in_room(court, actor, case)
  local record = case.record
  local done, code, text = court:impose(record, place_of(case), case.user or case.address,
    court:sanction(case, actor))
  if not done then return nil, code, text end
  for user in pairs(court:users_of(case)) do court.rooms.evict(record, user, "banned") end
  if case.user then
    court.rooms.dismiss(record, case.user, actor.user)
    court:tell(case, "ban", actor)
  end
  return true
end

local function ban_everywhere(court, actor, case)
  if not court.everywhere:add(place_of(case), case.user or case.address,
      court:sanction(case, actor)) then
    return nil, "too_many_bans", "no more bans can be kept"
  end
  if case.user then court:tell(case, "ban", actor) end
  court:apply_bans()
  if case.user then court.gate:tell("banned_everywhere", case.user) end
  return true
end

function verbs.ban(court, actor, name, data)
  local case, code, text = court:case(actor, name, "ban", data)
  if not case then return nil, code, text end
  local impose = case.record and ban_in_room or ban_everywhere
  local done, why, problem = impose(court, actor, case)
  if not done then return nil, why, problem end
  court:note(actor, "ban", case)
  return court:answer(case)
end

function verbs.unban(court, actor, name, data)
  local case, code, text = court:case(actor, name, "ban", data)
  if not case then return nil, code, text end
  local place, target = place_of(case), case.user or case.address
  local was_there
  if case.record then
    was_there = sanctions.lift(court:open_book(case.record), place, target, case.at)
  else
    was_there = court.everywhere:lift(place, target)
    court:apply_bans()
  end
  if not was_there then return nil, "not_banned", "there is no such ban" end
  court:note(actor, "unban", case)
  return court:answer(case)
end

-- ---- mutes ----

local function mute(court, actor, name, data, action)
  local wrong, why = needs_user(data)
  if wrong then return nil, wrong, why end
  if name == nil then return nil, "bad_request", "room: expected a string" end
  local case, code, text = court:case(actor, name, "mute", data)
  if not case then return nil, code, text end
  local sanction = court:sanction(case, actor)
  if action == "shadow_mute" then sanction.is_shadow, sanction.is_known = true, nil end
  local done, refusal, problem = court:impose(case.record, "mutes", case.user, sanction)
  if not done then return nil, refusal, problem end
  if not sanction.is_shadow then court:tell(case, action, actor) end
  court:note(actor, action, case)
  return court:answer(case)
end

function verbs.mute(court, actor, name, data) return mute(court, actor, name, data, "mute") end

function verbs.shadow_mute(court, actor, name, data)
  return mute(court, actor, name, data, "shadow_mute")
end

function verbs.unmute(court, actor, name, data)
  local wrong, why = needs_user(data)
  if wrong then return nil, wrong, why end
  if name == nil then return nil, "bad_request", "room: expected a string" end
  local case, code, text = court:case(actor, name, "mute", data)
  if not case then return nil, code, text end
  local its = sanctions.lift(court:open_book(case.record), "mutes", case.user, case.at)
  if not its then return nil, "not_muted", "this user is not muted" end
  if not its.is_shadow then court:tell(case, "unmute", actor) end
  case.is_shadow = its.is_shadow
  court:note(actor, "unmute", case)
  return court:answer(case)
end

-- ---- the room ----

function verbs.slow_mode(court, actor, name, data)
  local slow_mode_ms, problem = fields.slow_mode(data)
  if not slow_mode_ms then return nil, "bad_request", problem end
  local record, code, text = court:record_for(actor, name, "mute")
  if not record then return nil, code, text end
  local at = court.gate:now_ms()
  record.options.slow_mode_ms = slow_mode_ms
  court.gate:room(name):publish { type = "room_changed", room = name, title = record.title,
    topic = record.topic, options = record.options, by = actor.user, at = at }
  court:note(actor, "slow_mode", { record = record, room = name, at = at },
    ("to %.0f ms"):format(slow_mode_ms))
  return { room = name, slow_mode_ms = slow_mode_ms, at = at }
end

-- ---- lists ----

--- The record of the room whose list is asked for, also of an archived one; true: everywhere.
local function list_for(court, actor, name)
  if name ~= nil then return court:record_for(actor, name, "read_reports") end
  if actor.state.admin then return true end
  return nil, "not_allowed", "without a room: for admins"
end

function verbs.bans(court, actor, name, data)
  local limit, problem = fields.limit(data, "string")
  if not limit then return nil, "bad_request", problem end
  local record, code, text = list_for(court, actor, name)
  if not record then return nil, code, text end
  local book = record == true and court.everywhere.book or court:book_of(record)
    or sanctions.book()
  local page, next_after = sanctions.page(book, court.gate:now_ms(), data.after, limit,
    { user = actor.user, is_admin = actor.state.admin })
  return { room = name, list = page, next = next_after }
end

local function read(court, actor, name, data, from)
  local limit, problem = fields.limit(data, "number")
  if not limit then return nil, "bad_request", problem end
  local record, code, text = list_for(court, actor, name)
  if not record then return nil, code, text end
  local log = court:log_of(record ~= true and record or nil)
  if not log then return { room = name, list = {} } end
  local list, next_after = from:read(log, data.after, limit)
  if not list then return nil, "unavailable", tostring(next_after), true end
  return { room = name, list = list, next = next_after }
end

--- Addresses are for admins; nobody else is shown their own shadow mutes.
local function shown_to(actor, list)
  local shown, is_admin = {}, actor.state.admin
  for _, entry in ipairs(list) do
    local is_shadow = entry.is_shadow or entry.action == "shadow_mute"
    if is_admin or not is_shadow or entry.user ~= actor.user then
      local copy = {}
      for field, value in pairs(entry) do copy[field] = value end
      copy.is_shadow = nil
      if not is_admin then copy.address = nil end
      shown[#shown + 1] = copy
    end
  end
  return shown
end

function verbs.audit(court, actor, name, data)
  local answer, code, text, temporary = read(court, actor, name, data, court.audit)
  if answer then answer.list = shown_to(actor, answer.list) end
  return answer, code, text, temporary
end

function verbs.reports(court, actor, name, data)
  return read(court, actor, name, data, name == nil and court.all_reports or court.reports)
end

return verbs
