--- The store without --store: the same entries in the same order, until the process ends. It
--- answers at once. What may be asked stands in store_thread.lua.
local core = require "moongate.ffi"
local log = require "moongate.log"
local timer = require "moongate.timer"

local C = core.C

local MAX_BYTES = 64 * 1024 * 1024 -- of all plugins
local ENTRY_BYTES = 128            -- beside key and value, about
local SWEEP_MS = 1000
local SWEEP_ENTRIES = 256          -- looked at in one step

local memory = {}

local spaces = {}   -- name -> { keys = sorted list, entries = { key -> entry } }
local expiring = {} -- list of the entries that have a time, in no order
local held_bytes = 0
local is_full = false
local next_look = 1 -- in the list
local is_sweeping = false

--- The place of the first key that is not less.
local function place_of(keys, key)
  local low, high = 1, #keys + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if keys[middle] < key then low = middle + 1 else high = middle end
  end
  return low
end

local function is_over(entry, now_ms)
  return entry.expires_ms ~= 0 and entry.expires_ms <= now_ms
end

--- The entry that can be seen.
local function find(asked)
  local space = spaces[asked.space]
  local entry = space and space.entries[asked.key]
  if entry and not is_over(entry, C.moon_time_ms()) then return entry end
end

-- ---- entries come and go ----

local function stop_expiring(entry)
  local last = table.remove(expiring)
  if last ~= entry then
    expiring[entry.place], last.place = last, entry.place
  end
end

local function remove(space, entry)
  table.remove(space.keys, place_of(space.keys, entry.key))
  space.entries[entry.key] = nil
  held_bytes = held_bytes - #entry.key - #entry.value - ENTRY_BYTES
  is_full = is_full and held_bytes > MAX_BYTES / 2
  if entry.expires_ms ~= 0 then stop_expiring(entry) end
end

local function sweep()
  local now_ms = C.moon_time_ms()
  for _ = 1, math.min(SWEEP_ENTRIES, #expiring) do
    if next_look > #expiring then next_look = 1 end
    local entry = expiring[next_look]
    if is_over(entry, now_ms) then
      remove(spaces[entry.space], entry)
    else
      next_look = next_look + 1
    end
  end
  is_sweeping = #expiring > 0
  if is_sweeping then timer.start(SWEEP_MS, sweep) end
end

local function begin_expiring(entry)
  expiring[#expiring + 1] = entry
  entry.place = #expiring
  if not is_sweeping then
    is_sweeping = true
    timer.start(SWEEP_MS, sweep)
  end
end

local function has_room(bytes)
  if held_bytes + bytes <= MAX_BYTES then return true end
  if not is_full then
    is_full = true
    log.error("store", "without --store there is room for %d MiB, and that is used up; scripts "
      .. "are told store_failed", MAX_BYTES / 1048576)
  end
  return false
end

local function put(asked)
  local space = spaces[asked.space] or { keys = {}, entries = {} }
  local old, bytes = space.entries[asked.key], #asked.key + #asked.value + ENTRY_BYTES
  if not has_room(bytes - (old and #old.key + #old.value + ENTRY_BYTES or 0)) then
    return C.MOON_STORE_FAILED
  end
  spaces[asked.space] = space
  if old then remove(space, old) end
  local entry = { space = asked.space, key = asked.key, value = asked.value,
    expires_ms = asked.expires_ms or 0 }
  table.insert(space.keys, place_of(space.keys, entry.key), entry.key)
  space.entries[entry.key] = entry
  held_bytes = held_bytes + bytes
  if entry.expires_ms ~= 0 then begin_expiring(entry) end
  return C.MOON_STORE_DONE
end

-- ---- what may be asked ----

local on = {}

on[C.MOON_STORE_GET] = function(asked)
  local entry = find(asked)
  if not entry then return C.MOON_STORE_ABSENT, "" end
  return C.MOON_STORE_DONE, entry.value
end

on[C.MOON_STORE_PUT] = put

on[C.MOON_STORE_DELETE] = function(asked)
  local space = spaces[asked.space]
  local entry = space and space.entries[asked.key]
  if entry then remove(space, entry) end
  return C.MOON_STORE_DONE
end

on[C.MOON_STORE_SWAP] = function(asked)
  local entry = find(asked)
  if (entry and entry.value) ~= asked.expected then return C.MOON_STORE_CHANGED end
  return put(asked)
end

--- The entries that a scan may see, in order.
local function visible(space, prefix, after)
  local start = after ~= "" and after .. "\0" or prefix
  local i, now_ms = place_of(space.keys, start < prefix and prefix or start), C.moon_time_ms()
  return function()
    repeat
      local entry = space.entries[space.keys[i]]
      if not entry or entry.key:sub(1, #prefix) ~= prefix then return end
      i = i + 1
      if not is_over(entry, now_ms) then return entry end
    until false
  end
end

on[C.MOON_STORE_SCAN] = function(asked)
  local space, found, bytes = spaces[asked.space], {}, 0
  if not space then return C.MOON_STORE_DONE, found, false end
  for entry in visible(space, asked.key, asked.value or "") do
    bytes = bytes + 8 + #entry.key + #entry.value -- as the core counts them
    local is_too_much = #found == asked.limit or bytes > C.MOON_STORE_MAX_SCAN_BYTES
    if found[1] and is_too_much then return C.MOON_STORE_DONE, found, true end
    found[#found + 1] = { key = entry.key, value = entry.value }
  end
  return C.MOON_STORE_DONE, found, false
end

---@param operation integer enum moon_store_operation
---@param asked moongate.Asked
---@param done fun(outcome: integer?, found: any, has_more: boolean?)
function memory.ask(operation, asked, done) done(on[operation](asked)) end

return memory
