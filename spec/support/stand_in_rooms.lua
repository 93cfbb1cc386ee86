--- The least plugin "rooms" that the plugin "messages" can work with: the API, and requests to come
-- in and to have a room as a spec wants it.

local SAYERS = { everyone = "guest", members = "member", moderators = "moderator", owner = "owner" }
local RANK = { guest = 1, member = 2, moderator = 3, owner = 4, admin = 5 }
local LEAST = { delete_any = "moderator" }

---@param gate moongate.Gate
return function(gate)
  gate:tells "room_renamed"
  local records = gate.state
  gate:option("max_per_connection", 50) -- which scripts/init.lua sets

  local function find(name)
    local room = gate:room(name)
    if not records[name] and not room.kind and room:size() > 0 then
      records[name] = { name = name, kind = "public", roles = {},
        options = { slow_mode_ms = 0, who_may_say = "everyone" } }
    end
    return records[name]
  end

  local function role(who, record)
    if type(who) ~= "string" and who.state.admin then return "admin" end
    return record.roles[type(who) == "string" and who or who.user] or "guest"
  end

  local function may(conn, record, action)
    local least = LEAST[action] or record.kind == "private" and "member" or "guest"
    if action == "say" then least = SAYERS[record.options.who_may_say] end
    if RANK[role(conn, record)] < RANK[least] then return nil, "not_allowed", action end
    if record.archived and action ~= "see" then return nil, "archived", "it is archived" end
    return true
  end

  local function in_room(conn, message)
    if type(message.room) ~= "string" then
      return nil, "bad_request", "room: expected a string"
    end
    local room = gate:room(message.room)
    if not room:has(conn) then return nil, "not_a_member", "join the room first" end
    if room.kind then return room end
    return room, find(message.room)
  end

  local function is_banned(record, conn)
    local ban = record.moderation and record.moderation.users[conn.user]
    return ban ~= nil and (not ban.expires_at or ban.expires_at > gate:now_ms())
  end

  gate:on("join", function(conn, message) gate:room(message.room):add(conn) return true end)

  --- The room has this in its record from now on.
  gate:on("make", function(_, message)
    local record = find(message.room)
    for key, value in pairs(message.data) do record[key] = value end
    return true
  end)

  gate:on("rename", function(_, message)
    local old, new = gate:room(message.room), gate:room(message.data.name)
    records[new.name], records[old.name] = records[old.name], nil
    records[new.name].name = new.name
    for _, conn in pairs(old.members) do new:add(conn) end
    for _, conn in pairs(new.members) do old:remove(conn) end
    gate:tell("room_renamed", old.name, new.name)
    return { room = new.name }
  end)

  gate:provide("1.0", { find = find, role = role, may = may, in_room = in_room,
    is_banned = is_banned })
end
