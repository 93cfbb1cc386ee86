--- Guests: whoever comes chooses a name. A name belongs to the key it was taken with for as
--- long as somebody is connected under it.
--
-- Reload: who holds a name is in gate.state, one table for all generations, because a task of
-- the old code may still be about to take or free one.

local MAX_NAME = 32 -- characters
local MAX_KEY = 64  -- bytes

--- The number of characters of valid UTF-8.
local function characters(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

local function is_name(name)
  return name ~= "" and characters(name) <= MAX_NAME
    and not name:find "%c" and not name:find "\194[\128-\159]" -- control characters
    and not name:find "^%s" and not name:find "%s$"
end

local function is_key(key)
  return key == nil or (type(key) == "string" and key ~= "" and #key <= MAX_KEY)
end

--- nil when name and key will do, else the code and what is wrong.
local function problem_of(gate, data)
  if type(data.name) ~= "string" then
    return "bad_request", "data.name: expected a string"
  end
  if not is_key(data.key) then
    return "bad_request", "data.key: expected a string of 1 to 64 bytes"
  end
  if not gate:is_utf8(data.name) or not is_name(data.name) then
    return "bad_name", "1 to 32 characters of UTF-8, no control characters, no space at the ends"
  end
end

---@param gate moongate.Gate
return function(gate)
  gate.state.holders = gate.state.holders or {} -- name -> { key, connections }
  local holders = gate.state.holders

  local function hold(name, key)
    local holder = holders[name] or { key = key, connections = 0 }
    holders[name] = holder
    holder.connections = holder.connections + 1
  end

  -- Counted anew: this plugin may have been away for a while.
  for name in pairs(holders) do holders[name] = nil end
  for _, conn in gate:conns() do
    if conn.state.holds_name then hold(conn.user, conn.state.key) end
  end

  gate:before("*", function(conn, message)
    if conn.user or message.type == "auth" or message.type == "ping" then return true end
    return nil, "not_authenticated", "take a name first"
  end)

  gate:on("auth", function(conn, message)
    local data = type(message.data) == "table" and message.data or {}
    if data.key == gate.json.null then data.key = nil end
    if conn.user then return nil, "already_authenticated", "you are " .. conn.user end
    local code, text = problem_of(gate, data)
    if code then return nil, code, text end
    local holder = holders[data.name]
    if holder and (holder.key == nil or holder.key ~= data.key) then
      return nil, "name_taken", "somebody else is here under this name", true
    end
    local admitted, reason = conn:admit(data.name)
    if not admitted then return nil, "internal", reason, true end
    hold(data.name, data.key)
    conn.state.key, conn.state.holds_name = data.key, true
    return { user = data.name }
  end)

  gate:after("closed", function(conn)
    local holder = conn.state.holds_name and holders[conn.user]
    conn.state.holds_name = nil
    if not holder then return end
    holder.connections = holder.connections - 1
    if holder.connections == 0 then holders[conn.user] = nil end
  end)
end
