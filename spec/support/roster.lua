--- One roster with its pool, for specs: made anew by open().
local assert = require "luassert"
local ffi = require "ffi"
local core = require "spec.support.core"
core.load "core/conn.h"
local C = core.load "core/roster.h"

--- The id that slot has in its nth generation, as conn.h makes them.
local function id_of(slot, generation) return generation * 2 ^ 28 + slot * 256 + 1 end

local roster, pool
local share = ffi.new "struct moon_share"

local function join(room, conn) return C.moon_roster_join(roster, room, conn) end
local function leave(room, conn) return C.moon_roster_leave(roster, room, conn) end
local function drop(conn) C.moon_roster_drop(roster, conn) end
local function size(room) return C.moon_roster_size(roster, room) end

local function publish(room, text, except, class, key)
  local letter = ffi.new("struct moon_letter", core.exact(text), #text, class or C.MOON_RELIABLE,
    key or 0)
  return C.moon_roster_publish(roster, room, except or 0, letter)
end

--- The labels of the share just taken: { bytes, class, key } of each message. Checks that
--- its tally and its length are their sums.
local function labels_taken()
  local labels, total = {}, 0
  local messages, bytes = { 0, 0, 0, 0 }, { 0, 0, 0, 0 }
  for i = 0, share.messages - 1 do
    local label = share.labels[i]
    labels[i + 1] = { label.bytes, label.class, tonumber(label.key) }
    messages[label.class + 1] = messages[label.class + 1] + 1
    bytes[label.class + 1] = bytes[label.class + 1] + label.bytes
    total = total + label.bytes
  end
  assert(total == share.bytes, "the labels are those of other frames")
  for class = 0, C.MOON_CLASSES - 1 do
    assert(messages[class + 1] == share.tally.messages[class], "tally of messages")
    assert(bytes[class + 1] == share.tally.bytes[class], "tally of bytes")
  end
  return labels
end

--- The share just taken, as a table.
local function share_taken()
  labels_taken()
  return {
    conn = tonumber(share.conn),
    frames = ffi.string(share.frames, share.bytes),
    messages = share.messages,
    is_only_room = share.is_only_room,
  }
end

--- All that the connection is owed so far, in a list of shares.
local function catch_up(conn)
  local shares = {}
  while C.moon_roster_catch_up(roster, conn, share) do shares[#shares + 1] = share_taken() end
  return shares
end

--- Ends the tick; the shares of each connection in a list.
local function end_tick(on_each)
  local shares = {}
  while C.moon_roster_next(roster, share) do
    local taken = share_taken()
    shares[taken.conn] = shares[taken.conn] or {}
    table.insert(shares[taken.conn], taken)
    if on_each ~= nil then on_each(taken) end
  end
  return shares
end

--- The same with each one's frames only, joined.
local function heard()
  local texts = {}
  for conn, shares in pairs(end_tick()) do
    assert.equal(1, #shares)
    texts[conn] = shares[1].frames
  end
  return texts
end

local function open()
  pool = core.keep(C.moon_pool_create(1048576), C.moon_pool_destroy)
  roster = core.keep(C.moon_roster_create(pool), C.moon_roster_destroy)
  return roster, pool
end

return {
  C = C, open = open, share = share, id_of = id_of, join = join, leave = leave, drop = drop,
  size = size, publish = publish, labels_taken = labels_taken, share_taken = share_taken,
  catch_up = catch_up, end_tick = end_tick, heard = heard,
}
