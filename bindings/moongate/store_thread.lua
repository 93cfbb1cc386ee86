--- The store of --store, as the core has it on a thread of its own: asks, and hands the answers
--- on. store_memory.lua has the same interface.
local core = require "moongate.ffi"
local status = require "moongate.status"

local C = core.C

local thread = {}

local waiting = {} -- ticket -> { operation, done }
local last_ticket = 0

local query = core.new "struct moon_query" -- reused for every question

---@class moongate.Asked what an operation is about; all texts are bytes
---@field space string whose entries
---@field key string for a scan: the prefix
---@field value? string for a scan: the key to begin after
---@field expected? string for a swap; nil: nothing is there
---@field expires_ms? integer since 1970 UTC
---@field limit? integer for a scan

--- Calls done, perhaps later: with an enum moon_store_outcome, the value or a scan's list of
--- { key, value }, and whether a scan has left entries out. Or with nil and why it was refused.
---@param operation integer enum moon_store_operation
---@param asked moongate.Asked
---@param done fun(outcome: integer?, found: any, has_more: boolean?)
function thread.ask(operation, asked, done)
  local value, expected = asked.value or "", asked.expected or ""
  local bytes = asked.space .. asked.key .. value .. expected
  query.expires_ms = asked.expires_ms or 0
  query.space_bytes, query.key_bytes = #asked.space, #asked.key
  query.value_bytes, query.expected_bytes = #value, #expected
  query.must_be_new = asked.expected == nil and 1 or 0
  query.limit = asked.limit or 0
  last_ticket = last_ticket + 1
  local result = C.moon_store(last_ticket, operation, query, bytes, #bytes)
  if result ~= C.MOON_OK then return done(nil, status.code[result]) end
  waiting[last_ticket] = { operation = operation, done = done }
end

local function length_at(bytes, at)
  local a, b, c, d = bytes:byte(at, at + 3)
  return a + b * 256 + c * 65536 + d * 16777216
end

local function entries_of(bytes)
  local entries, at = {}, 1
  while at < #bytes do
    local key_end = at + 8 + length_at(bytes, at)
    local value_end = key_end + length_at(bytes, at + 4)
    entries[#entries + 1] = {
      key = bytes:sub(at + 8, key_end - 1), value = bytes:sub(key_end, value_end - 1),
    }
    at = value_end
  end
  return entries
end

--- For loop.lua.
---@param ticket integer
---@param outcome integer
---@param has_more boolean
---@param bytes string
function thread.answer(ticket, outcome, has_more, bytes)
  local entry = waiting[ticket]
  waiting[ticket] = nil
  local is_scan = entry.operation == C.MOON_STORE_SCAN and outcome == C.MOON_STORE_DONE
  entry.done(outcome, is_scan and entries_of(bytes) or bytes, has_more)
end

return thread
