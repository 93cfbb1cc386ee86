--- The write queue of a client that does not read, as core/outbox.h bounds it. The kernel takes
--- nothing here, so that what is sent waits from the first byte on.
local outbox = {}

local LATEST, VOLATILE, CONTROL = 1, 2, 3 -- enum moon_class; what is left is reliable
local RESERVE_BYTES, RESERVE_MESSAGES = 65536, 1024 -- for MOON_CONTROL

-- Those of the command line.
local DEFAULTS = { outbox_bytes = 1048576, outbox_messages = 1024, outbox_age_ms = 15000 }

local function limit(conn, name) return conn.limits[name] or DEFAULTS[name] end

local function count(books, field, class, number)
  books[field][class] = tonumber(books[field][class]) + number
end

--- The client has read it.
function outbox.deliver(core, id, opcode, class, bytes)
  local conn = core.conns[id]
  table.insert(conn.heard, bytes)
  count(conn.books, "delivered", class, 1)
  core.on_delivery(id, bytes, opcode)
end

local function take(conn, place)
  local letter = table.remove(conn.outbox, place)
  conn.outbox.bytes = conn.outbox.bytes - #letter.bytes
  count(conn.books, "queued", letter.class, -1)
  conn.books.queued_bytes = conn.outbox.bytes
  return letter
end

local function drop(conn, place)
  count(conn.books, "dropped", take(conn, place).class, 1)
end

local function has_room(conn, letter)
  local is_control = letter.class == CONTROL
  local bytes = limit(conn, "outbox_bytes") + (is_control and RESERVE_BYTES or 0)
  local messages = limit(conn, "outbox_messages") + (is_control and RESERVE_MESSAGES or 0)
  return conn.outbox.bytes + #letter.bytes <= bytes and #conn.outbox + 1 <= messages
end

local function close(core, id)
  core.conns[id].outbox = nil
  core:close(id, "slow", 4008)
end

--- Closes it when the oldest message has waited for too long; volatile ones are dropped.
local function expire(core, id)
  local conn = core.conns[id]
  local age_ms = limit(conn, "outbox_age_ms")
  for place = conn.outbox and #conn.outbox or 0, 1, -1 do
    local letter = conn.outbox[place]
    if core.now_ms - letter.at_ms >= age_ms then
      if letter.class ~= VOLATILE then return close(core, id) end
      drop(conn, place)
    end
  end
end

--- A newer one takes the place of the one that waits, and is as old.
local function replace(conn, letter)
  for place, other in ipairs(letter.class == LATEST and conn.outbox or {}) do
    if other.class == LATEST and other.key == letter.key then
      drop(conn, place)
      letter.at_ms = other.at_ms
      return place
    end
  end
end

local function make_room(conn, letter)
  for place = #conn.outbox, 1, -1 do
    local is_more = letter.class ~= VOLATILE and not has_room(conn, letter)
    if is_more and conn.outbox[place].class == VOLATILE then drop(conn, place) end
  end
  return has_room(conn, letter)
end

local function share(conn)
  return math.max(conn.outbox.bytes / limit(conn, "outbox_bytes"),
    #conn.outbox / limit(conn, "outbox_messages"))
end

---@param core moongate.test.Core
---@param id integer of a connection that was paused
---@param letter table { opcode, class, key, bytes }
function outbox.push(core, id, letter)
  local conn = core.conns[id]
  letter.at_ms = core.now_ms
  local place = replace(conn, letter) or #conn.outbox + 1
  if not make_room(conn, letter) then
    count(conn.books, "dropped", letter.class, 1)
    if letter.class ~= VOLATILE then close(core, id) end
    return
  end
  table.insert(conn.outbox, math.min(place, #conn.outbox + 1), letter)
  conn.outbox.bytes = conn.outbox.bytes + #letter.bytes
  count(conn.books, "queued", letter.class, 1)
  conn.books.queued_bytes = conn.outbox.bytes
  core.last_token = core.last_token + 1
  table.insert(core.timers, { token = core.last_token, fn = function() expire(core, id) end,
    due_ms = core.now_ms + limit(conn, "outbox_age_ms") })
  if not conn.is_slow and share(conn) >= 1 / 2 then
    conn.is_slow = true
    core:slow(id)
  end
end

---@param core moongate.test.Core
---@param id integer
function outbox.open(core, id)
  local conn = core.conns[id]
  if conn.is_open then conn.outbox = conn.outbox or { bytes = 0 } end
end

---@param core moongate.test.Core
---@param id integer
function outbox.drain(core, id)
  local conn = core.conns[id]
  if not conn.outbox then return end
  while conn.outbox[1] do
    local letter = take(conn, 1)
    outbox.deliver(core, id, letter.opcode, letter.class, letter.bytes)
  end
  conn.outbox = nil
  if conn.is_slow then core:drained(id) end
  conn.is_slow = nil
end

return outbox
