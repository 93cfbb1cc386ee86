--- What the API can do: each operation with its route and its fields.
--
-- Data only; docs/openapi.json says the same in full, and a spec compares the two. Fields are of
-- the query where the method is GET or DELETE, else of the body; "!" marks those that are needed.
-- The values of fields are checked by whoever carries the operation out, as for requests.

---@class server_api.Operation
---@field name string the operationId
---@field method moongate.Method
---@field path string one word behind /api/v1/: names of rooms and users are never in a path
---@field group string that a key may be allowed
---@field fields table<string, string> name -> type
---@field is_reading? boolean it changes nothing
---@field is_once? boolean its message_key keeps it from being carried out twice
---@field lists? string[] fields of the answer that are lists, also when they are empty

local TARGET = { room = "string", user = "string", address = "string", reason = "string" }
local SANCTION = { room = "string", user = "string", address = "string", reason = "string",
  duration_ms = "integer" }
local MUTE = { room = "string!", user = "string!", reason = "string", duration_ms = "integer" }
local TEXTS = { room = "string!", title = "string", topic = "string", options = "object",
  password = "string" }
local PAGE = { room = "string", after = "integer", limit = "integer" }

local function with(fields, more)
  local all = {}
  for name, type_name in pairs(fields) do all[name] = type_name end
  for name, type_name in pairs(more) do all[name] = type_name end
  return all
end

---@type server_api.Operation[]
return {
  { name = "publish", method = "POST", path = "publish", group = "messages", is_once = true,
    fields = { room = "string!", data = "any!", from = "string", message_key = "string" } },
  { name = "broadcast", method = "POST", path = "broadcast", group = "messages", is_once = true,
    fields = { rooms = "strings", everybody = "boolean", data = "any!", from = "string",
      message_key = "string" } },

  { name = "list_rooms", method = "GET", path = "rooms", group = "rooms", is_reading = true,
    lists = { "list" },
    fields = { kind = "string", prefix = "string", text = "string", archived = "boolean",
      after = "string", limit = "integer" } },
  { name = "create_room", method = "POST", path = "rooms", group = "rooms",
    fields = with(TEXTS, { kind = "string", owner = "string" }) },
  { name = "describe_room", method = "GET", path = "room", group = "rooms", is_reading = true,
    fields = { room = "string!" } },
  { name = "change_room", method = "PATCH", path = "room", group = "rooms", fields = TEXTS },
  { name = "delete_room", method = "DELETE", path = "room", group = "rooms",
    fields = { room = "string!" } },
  { name = "archive_room", method = "POST", path = "archive_room", group = "rooms",
    fields = { room = "string!" } },
  { name = "unarchive_room", method = "POST", path = "unarchive_room", group = "rooms",
    fields = { room = "string!" } },
  { name = "list_members", method = "GET", path = "members", group = "rooms", is_reading = true,
    lists = { "members" },
    fields = { room = "string!", after = "string", limit = "integer" } },

  { name = "kick", method = "POST", path = "kick", group = "moderation",
    fields = { room = "string", user = "string!", reason = "string" } },
  { name = "ban", method = "POST", path = "ban", group = "moderation", fields = SANCTION },
  { name = "unban", method = "POST", path = "unban", group = "moderation", fields = TARGET },
  { name = "bans", method = "GET", path = "bans", group = "moderation", is_reading = true,
    lists = { "list" }, fields = with(PAGE, { after = "string" }) },
  { name = "mute", method = "POST", path = "mute", group = "moderation", fields = MUTE },
  { name = "shadow_mute", method = "POST", path = "shadow_mute", group = "moderation",
    fields = MUTE },
  { name = "unmute", method = "POST", path = "unmute", group = "moderation",
    fields = { room = "string!", user = "string!", reason = "string" } },
  { name = "slow_mode", method = "POST", path = "slow_mode", group = "moderation",
    fields = { room = "string!", slow_mode_ms = "integer!" } },
  { name = "reports", method = "GET", path = "reports", group = "moderation", is_reading = true,
    lists = { "list" }, fields = PAGE },
  { name = "audit", method = "GET", path = "audit", group = "moderation", is_reading = true,
    lists = { "list" }, fields = PAGE },

  { name = "user", method = "GET", path = "user", group = "users", is_reading = true,
    lists = { "rooms", "connections" }, fields = { user = "string!" } },
  { name = "presence", method = "POST", path = "presence", group = "users", is_reading = true,
    lists = { "list" }, fields = { users = "strings!" } },
  { name = "logout", method = "POST", path = "logout", group = "users",
    fields = { user = "string!", reason = "string" } },
}
