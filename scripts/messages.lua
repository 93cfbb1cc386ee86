--- Messages: what the members of a room say, edit, delete and react to, who is typing there, and
--- how far each has read.
--
-- Which rooms there are, who is in, and who may do what, the plugin "rooms" knows. Of what was said
-- last it is remembered who has said it, in gate.state: docs/protocol.md has the requests, API at
-- the end what other plugins may ask for.

local deliveries = require "messages.delivery"
local fields = require "messages.fields"
local mentions_of = require "messages.mentions"
local recents = require "messages.recent"
local signs = require "messages.signs"
local slow_mode = require "messages.slow"

local SWEEP_MS = 60000

-- Who need not wait in slow mode.
local IS_ABOVE = { moderator = true, owner = true, admin = true }

--- What is wrong with what could not be published.
local function refusal(reason)
  if reason == "too_big" then return nil, "too_big", "data: too long once it is encoded" end
  if reason == "bad_utf8" then
    return nil, "bad_request", "data: has bytes that members who speak JSON cannot be told"
  end
  if reason == "full" then return nil, "unavailable", "the server is too busy", true end
  return nil, "internal", reason, true
end

local function limits_of(gate)
  local room = gate:option("remembered", { default = 200, min = 1, max = 10000,
    about = "messages of a room that can be edited, deleted and reacted to: the last ones" })
  local all = gate:option("remembered_in_all", { default = 20000, min = 1, max = 1000000,
    about = "the same of all rooms; those that are silent for longest are forgotten first" })
  return { room = room, all = math.max(room, all),
    emoji = gate:option("max_reactions", { default = 20, min = 1, max = 1000,
      about = "different reactions to a message" }),
    reactions_of_one = gate:option("reactions_of_one", { default = 1000, min = 1, max = 100000,
      about = "reactions of all users to a message" }),
    reactions_of_all = gate:option("reactions_of_all", { default = 100000, min = 1,
      max = 10000000, about = "reactions that are remembered, to all messages" }) }
end

---@param gate moongate.Gate
return function(gate)
  gate:needs "rooms"
  local rooms = gate:use("rooms", "1.0")

  local max_text_bytes = gate:option("max_text_bytes", { default = 4096, min = 1, max = 262144,
    about = "length of what is said, when that is a string, or has one in its field text" })
  local max_data_bytes = gate:option("max_data_bytes", { default = 16384, min = 1, max = 262144,
    about = "length of what is said, when that is no string, about as it is encoded" })
  local max_mentions = gate:option("max_mentions", { default = 20, min = 0, max = 1000,
    about = "users that a message may mention" })
  local edit_ms = gate:option("edit_ms", { default = 3600000, min = 0, max = 366 * 86400000,
    about = "how long a message may be edited" })

  local state = gate.state
  state.recent, state.slow = state.recent or {}, state.slow or {}
  local recent = recents.over(state.recent, limits_of(gate))
  local slow = slow_mode.over(state.slow)

  local refused = gate:counter("refused_total", { labels = { "code" },
    about = "Requests that a limit of the messages has refused" })
  local sign = signs.open(gate, rooms, recent, refused)
  local delivery = deliveries.open(gate, rooms)
  local mentions = mentions_of.open(gate, rooms)

  local function is_utf8(text) return gate:is_utf8(text) end

  --- Absent and null are the same.
  local function given(value)
    if value ~= gate.json.null then return value end
  end

  local function refuse(code, text, temporary, retry_after_ms)
    refused:add(1, code)
    return nil, code, text, temporary, retry_after_ms
  end

  --- Neither is a list of nobody, which JSON could not tell from an object.
  local function mentioned(message)
    local names = given(message.mentions)
    if names ~= nil and next(names) ~= nil then return names end
  end

  --- Queues it for all; or only for those connections of the sender that would hear it, as if it
  --- were for all. `pushes`, by user, are what somebody is told in place of what all are.
  local function tell(room, record, push, conn, only_sender, pushes)
    if only_sender then return delivery:tell_sender(room, record, push, conn) end
    return delivery:tell(room, record, push, pushes)
  end

  -- ---- say ----

  --- The room that a message names, and its record (of a kind it has none), if the sender may speak
  --- there now.
  local function may_say(conn, message)
    local room, record, text = rooms.in_room(conn, message)
    if not room then return nil, record, text end
    if not record then return room end -- its plugin decides
    local granted, code, why = rooms.may(conn, record, "say")
    if not granted then return nil, code, why end
    local slow_mode_ms = record.options.slow_mode_ms
    if slow_mode_ms == 0 then return room, record end
    local wait_ms = slow:wait_ms(room.name, conn.user, slow_mode_ms, gate:now_ms())
    if not wait_ms or IS_ABOVE[rooms.role(conn, record)] then return room, record end
    return refuse("slow_mode", ("wait %d s"):format(math.ceil(wait_ms / 1000)), true, wait_ms)
  end

  --- A filter, so that no slash command gets past it.
  gate:before("say", may_say)

  local function problem_of(message)
    local code, text = fields.problem_of_data(message.data, max_text_bytes, max_data_bytes)
    if not code and given(message.reply_to) ~= nil then
      code, text = fields.problem_of_reply(message.reply_to)
    end
    if not code and given(message.mentions) ~= nil then
      code, text = fields.problem_of_mentions(message.mentions, max_mentions, is_utf8)
    end
    if code == "too_big" then refused:add(1, code) end
    return code, text
  end

  local function say(room, record, conn, message)
    local name, now_ms = room.name, gate:now_ms()
    local only_sender = message.only_sender == true
    local said = { type = "said", room = name, id = recent:next_id(name, now_ms), at = now_ms,
      from = conn.user, data = message.data, reply_to = given(message.reply_to),
      mentions = mentioned(message) }
    local sent, reason = tell(room, record, said, conn, only_sender)
    if not sent then return refusal(reason) end
    recent:add(name, said.id, conn.user, only_sender)
    if said.mentions and not only_sender then mentions:tell(room, record, said, conn) end
    return { id = said.id, at = now_ms }
  end

  gate:on("say", function(conn, message)
    -- Other filters may have waited, or named another room.
    local room, record, text, temporary, retry_after_ms = may_say(conn, message)
    if not room then return nil, record, text, temporary, retry_after_ms end
    if not record then return room:say(conn, message.data) end
    local code, problem = problem_of(message)
    if code then return nil, code, problem end
    local told, why, reason, later = say(room, record, conn, message)
    if not told then return nil, why, reason, later end
    sign:said(room.name, conn.user, message.only_sender == true)
    if record.options.slow_mode_ms > 0 then slow:said(room.name, conn.user, told.at) end
    return told
  end)

  -- ---- what was said ----

  --- The room and its record, who has said the message that is named, and whether only they know
  --- of it; else nil and the error.
  local function find(conn, message)
    local room, record, text = rooms.in_room(conn, message)
    if not room then return nil, record, text end
    if not record then return nil, "not_allowed", "in this room its plugin decides" end
    local code, problem = fields.problem_of_id(message.message_id)
    if code then return nil, code, problem end
    local author, is_hidden = recent:author(room.name, message.message_id)
    if not author or (is_hidden and author ~= conn.user) then
      return nil, "too_old", "there is no such message, or it is not remembered any more"
    end
    return room, record, author, is_hidden
  end

  --- Whether it may be edited, now and so. Else it could be said anew where nothing may be said.
  local function may_edit(conn, message, record, author)
    if author ~= conn.user then return nil, "not_allowed", "only your own messages" end
    local granted, code, text = rooms.may(conn, record, "edit_own")
    if not granted then return nil, code, text end
    local room, why, problem, temporary, retry_after_ms = may_say(conn, message)
    if not room then return nil, why, problem, temporary, retry_after_ms end
    code, text = problem_of { data = message.data }
    if code then return nil, code, text end
    if gate:now_ms() - recent:at_ms(message.message_id) > edit_ms then
      return nil, "too_old", ("only for %d s"):format(edit_ms / 1000)
    end
    return true
  end

  gate:on("edit", function(conn, message)
    local room, record, author, is_hidden = find(conn, message)
    if not room then return nil, record, author end
    local granted, code, text, temporary, retry_after_ms = may_edit(conn, message, record, author)
    if not granted then return nil, code, text, temporary, retry_after_ms end
    local id, at = message.message_id, gate:now_ms()
    local sent, reason = tell(room, record, { type = "edited", room = room.name, id = id, at = at,
      by = conn.user, data = message.data }, conn, is_hidden or message.only_sender == true)
    if not sent then return refusal(reason) end
    if record.options.slow_mode_ms > 0 then slow:said(room.name, conn.user, at) end
    return { id = id, at = at }
  end)

  gate:on("delete", function(conn, message)
    local room, record, author, is_hidden = find(conn, message)
    if not room then return nil, record, author end
    local action = author == conn.user and "delete_own" or "delete_any"
    local granted, code, text = rooms.may(conn, record, action)
    if not granted then return nil, code, text end
    local id, at = message.message_id, gate:now_ms()
    local sent, reason = tell(room, record, { type = "deleted", room = room.name, id = id, at = at,
      by = conn.user }, conn, is_hidden)
    if not sent then return refusal(reason) end
    recent:delete(room.name, id)
    return { id = id, at = at }
  end)

  --- Whether one may react so: who may say nothing neither says it by a reaction.
  local function may_react(conn, record, emoji, is_on)
    local granted, code, text = rooms.may(conn, record, "react")
    if not granted then return nil, code, text end
    if not is_on or fields.is_picture(emoji) or rooms.may(conn, record, "say") then return true end
    return nil, "not_allowed", "emoji: only emoji, of who may say nothing in the room"
  end

  --- What those are told who see another count of it than all: a user whom nobody else hears has
  --- reacted so, too.
  local function own_pushes(room, reacted)
    local pushes = {}
    for user, count in pairs(recent:own_counts(room.name, reacted.id, reacted.emoji)) do
      local own = { count = count }
      for field, value in pairs(reacted) do own[field] = own[field] or value end
      pushes[user] = own
    end
    return pushes
  end

  local function react(conn, message, is_on)
    local room, record, author, is_hidden = find(conn, message)
    if not room then return nil, record, author end
    local granted, code, text = may_react(conn, record, message.emoji, is_on)
    if not granted then return nil, code, text end
    local id, emoji, only_sender = message.message_id, message.emoji, message.only_sender == true
    local has_changed, count =
      recent:react(room.name, id, conn.user, emoji, is_on, only_sender)
    if has_changed == nil then return refuse("too_many_reactions", count) end
    if has_changed then
      local reacted = { type = "reacted", room = room.name, id = id, user = conn.user,
        emoji = emoji, on = is_on, count = count, at = gate:now_ms() }
      local is_alone = is_hidden or only_sender
      local sent, reason = tell(room, record, reacted, conn, is_alone,
        not is_alone and own_pushes(room, reacted) or nil)
      if not sent then
        recent:react(room.name, id, conn.user, emoji, not is_on, only_sender)
        return refusal(reason)
      end
    end
    return { id = id, emoji = emoji, on = is_on, count = count }
  end

  gate:on("react", function(conn, message)
    local code, text = fields.problem_of_emoji(message.emoji, is_utf8)
    if code then return nil, code, text end
    local is_on, problem = signs.is_on(gate, message)
    if is_on == nil then return nil, "bad_request", problem end
    return react(conn, message, is_on)
  end)

  -- ---- rooms ----

  --- Who comes in is told where the room is, and how far they have read.
  local function add_positions(conn, message, data)
    local name = data.room or message.room
    data.last, data.read = recent:last(name, conn.user), sign:marker(name, conn.user)
  end

  gate:after("join", add_positions)
  gate:after("direct", add_positions)

  gate:after("room_renamed", function(old, name)
    recent:rename(old, name)
    slow:rename(old, name)
    sign:rename(old, name)
  end)

  gate:after("room_deleted", function(name)
    recent:forget(name)
    slow:forget(name)
    sign:forget(name)
  end)

  gate:every(SWEEP_MS, function()
    slow:sweep(gate:now_ms(), function(name)
      local record = rooms.find(name)
      return record and record.options.slow_mode_ms or 0
    end)
  end, "slow_mode")

  -- ---- API ----

  local API = {}

  --- What is wrong with data that is to be said; nil: nothing.
  ---@param data any
  ---@return string? code
  ---@return string? text
  function API.problem(data) return problem_of { data = data } end

  --- Says something in a room in the name of whom the caller likes, who may be no member.
  ---@param name string of a room that is no other plugin's
  ---@param from string
  ---@param data any
  ---@return { id: integer, at: integer }? said nil: refused
  ---@return string? code
  ---@return string? text
  ---@return boolean? temporary
  function API.publish(name, from, data)
    local room, now_ms = gate:room(name), gate:now_ms()
    if room.kind then return nil, "not_allowed", "in this room its plugin decides" end
    local record = rooms.find(name)
    if not record then return nil, "no_such_room", "there is no room of this name" end
    local code, text = problem_of { data = data }
    if code then return nil, code, text end
    local id = recent:next_id(name, now_ms)
    local sent, reason = delivery:tell(room, record, { type = "said", room = name, id = id,
      at = now_ms, from = from, data = data })
    if not sent then return refusal(reason) end
    recent:add(name, id, from)
    return { id = id, at = now_ms }
  end

  --- Who has said a message; nil: it is not remembered, or was deleted.
  ---@param name string of the room
  ---@param id integer
  ---@param of_deleted? boolean also of what was deleted
  ---@return string? user
  ---@return boolean? is_hidden others have not heard it
  function API.author(name, id, of_deleted) return recent:author(name, id, of_deleted) end

  --- Deletes a message, whoever has said it.
  ---@param name string of the room
  ---@param id integer
  ---@param by string
  ---@return true? deleted nil: it is not remembered
  ---@return string? code
  ---@return string? text
  ---@return boolean? temporary
  function API.delete(name, id, by)
    if not recent:author(name, id) then return nil, "too_old", "it is not remembered" end
    local sent, reason = delivery:tell(gate:room(name), rooms.find(name), { type = "deleted",
      room = name, id = id, at = gate:now_ms(), by = by })
    if not sent then return refusal(reason) end
    recent:delete(name, id)
    return true
  end

  --- The last message of a room that a user has read.
  ---@param name string of the room
  ---@param user string
  ---@return integer? id
  function API.marker(name, user) return sign:marker(name, user) end

  gate:provide("1.0", API)
end
