--- gate.store: what a plugin keeps beyond the life of the process, by key. In the file of
--- --store, or without it in memory. Every call waits: only in tasks.
local core = require "moongate.ffi"
local fields = require "moongate.fields"
local log = require "moongate.log"
local membrane = require "moongate.membrane"
local memory = require "moongate.store_memory"
local storable = require "moongate.storable"
local task = require "moongate.task"
local thread = require "moongate.store_thread"

local C = core.C

local LIMIT = 100             -- entries of a scan that does not say
local MAX_TTL_MS = 3155760000000 -- a hundred years

local PUT, SCAN = { ttl_ms = true }, { limit = true, after = true }

---@class moongate.Store
---@field private plugin moongate.Plugin
local Store = {}
local store_mt = { __index = Store }

membrane.seal(store_mt, { name = "gate.store", methods = Store, fields = {} })

---@alias moongate.StoreReason "bad_key"|"too_big"|"full"|"store_failed"|"changed"

local facts = C.moon_facts()
local warned = {} -- set of plugin names

local function backend(plugin)
  if facts.has_store == 1 then return thread end
  if not warned[plugin.name] then
    warned[plugin.name] = true
    log.warn(plugin.label, "gate.store: the server runs without --store, so that nothing of it "
      .. "survives the end of the process")
  end
  return memory
end

-- ---- what is asked for: a moongate.Asked, or nil and a reason; misuse raises ----

local function complain(format, ...) error(format:format(...), 0) end

--- Whether it is short enough.
local function check_text(value, what)
  if type(value) ~= "string" then complain("%s: expected a string, got a %s", what, type(value)) end
  return #value <= C.MOON_STORE_MAX_KEY_BYTES
end

local function check_whole(value, max, what)
  if type(value) ~= "number" or value % 1 ~= 0 or value < 1 or value > max then
    complain("%s: expected a whole number from 1 to %.0f, got %s", what, max, tostring(value))
  end
end

local function check_options(options, known, what)
  if options == nil then return {} end
  if type(options) ~= "table" then
    complain("%s: expected a table of options, got a %s", what, type(options))
  end
  local problem = fields.unknown(options, known)
  if problem then complain("%s: %s", what, problem) end
  return options
end

--- The bytes; nil when there are too many.
local function encode(value, what)
  local text, problem = storable.encode(value)
  if not text then complain("%s: %s", what, problem) end
  return #text <= C.MOON_STORE_MAX_VALUE_BYTES and text or nil
end

local function naming(what, key)
  if not check_text(key, what .. ", key") or key == "" then return nil, "bad_key" end
  return { key = key }
end

local function writing(what, key, value, options)
  if value == nil then complain("%s: a value is missing; to delete, gate.store:delete", what) end
  local ttl_ms = check_options(options, PUT, what).ttl_ms
  if ttl_ms ~= nil then check_whole(ttl_ms, MAX_TTL_MS, what .. ", ttl_ms") end
  local bytes = encode(value, what)
  local asked, reason = naming(what, key)
  if not asked then return nil, reason end
  if not bytes then return nil, "too_big" end
  asked.value, asked.expires_ms = bytes, ttl_ms and C.moon_time_ms() + ttl_ms or 0
  return asked
end

local function swapping(what, key, expected, value, options)
  local asked, reason = writing(what, key, value, options)
  local bytes = expected ~= nil and encode(expected, what .. ", expected")
  if not asked then return nil, reason end
  if bytes == nil then return nil, "changed" end -- nothing that is there is so long
  asked.expected = bytes or nil
  return asked
end

local function scanning(what, prefix, options)
  options = check_options(options, SCAN, what)
  local limit, after = options.limit or LIMIT, options.after or ""
  check_whole(limit, C.MOON_STORE_MAX_ENTRIES, what .. ", limit")
  local is_short = check_text(prefix, what .. ", prefix")
  if not check_text(after, what .. ", after") or not is_short then return nil, "bad_key" end
  return { key = prefix, value = after, limit = limit }
end

--- For the methods: what `build` returns. Its complaints are raised where the method was called.
local function plan(build, what, ...)
  task.current(what)
  local ok, asked, reason = pcall(build, what, ...)
  if not ok then error(asked, 3) end
  return asked, reason
end

-- ---- asking ----

local REASON = {
  [C.MOON_STORE_CHANGED] = "changed",
  [C.MOON_STORE_FAILED] = "store_failed",
}

--- Waits for the answer: found, has_more. Or nil, reason.
local function ask(self, what, operation, asked)
  asked.space = self.plugin.name
  local from = backend(self.plugin)
  local outcome, found, has_more = task.wait(what, function(done)
    from.ask(operation, asked, done)
  end)
  if outcome == nil then return nil, found end
  if outcome == C.MOON_STORE_ABSENT then return nil end
  if outcome ~= C.MOON_STORE_DONE then return nil, REASON[outcome] end
  return found or "", has_more
end

--- nil and a problem when it is no value of ours: somebody else has written into the file.
local function decode(self, key, bytes)
  local value, problem = storable.decode(bytes)
  if value ~= nil then return value end
  log.error(self.plugin.label, 'gate.store: "%s" is not what was put there: %s', key, problem)
  return nil, problem
end

--- The value of this key.
---@param key string 1 to 512 bytes
---@return any value nil when there is none
---@return moongate.StoreReason? reason why it is not known; nil: there is no such entry
function Store:get(key)
  local what = "gate.store:get"
  local asked, reason = plan(naming, what, key)
  if not asked then return nil, reason end
  local bytes
  bytes, reason = ask(self, what, C.MOON_STORE_GET, asked)
  if bytes == nil then return nil, reason end
  local value = decode(self, key, bytes)
  if value == nil then return nil, "store_failed" end
  return value
end

--- Asks for what has no answer but that it is done.
local function order(self, what, operation, asked, reason)
  if not asked then return nil, reason end
  local is_done, problem = ask(self, what, operation, asked)
  if is_done then return true end
  return nil, problem
end

--- Sets the value of this key, whatever it was.
---@param key string
---@param value any data of at most 256 KiB as JSON, 10,000 items a table, 100,000 values in all
---@param options? { ttl_ms: integer } after that time the entry is gone
---@return true? stored it outlives the process, as --store-sync says
---@return moongate.StoreReason? reason
function Store:put(key, value, options)
  local what = "gate.store:put"
  return order(self, what, C.MOON_STORE_PUT, plan(writing, what, key, value, options))
end

--- Takes the entry away; fine when there is none.
---@param key string
---@return true? deleted
---@return moongate.StoreReason? reason
function Store:delete(key)
  local what = "gate.store:delete"
  return order(self, what, C.MOON_STORE_DELETE, plan(naming, what, key))
end

--- Sets the value of this key if it is the one that is expected, else "changed".
---@param key string
---@param expected any nil: there must be no such entry
---@param value any
---@param options? { ttl_ms: integer }
---@return true? swapped
---@return moongate.StoreReason? reason
function Store:swap(key, expected, value, options)
  local what = "gate.store:swap"
  return order(self, what, C.MOON_STORE_SWAP, plan(swapping, what, key, expected, value, options))
end

--- The entries whose keys begin with the prefix, ordered by the bytes of their keys: at most
--- `limit`, and 256 KiB unless it is one.
---@param prefix string "" for all
---@param options? { limit: integer, after: string } limit 1 to 1000, else 100; after: the key to
--- begin behind, as the last call has returned it
---@return { key: string, value: any, problem?: string }[]? entries problem: why there is no value,
--- as somebody else has written into the file
---@return string? cursor for `after`, when there are more; without entries, the reason
function Store:scan(prefix, options)
  local what = "gate.store:scan"
  local asked, reason = plan(scanning, what, prefix, options)
  if not asked then return nil, reason end
  local entries, has_more = ask(self, what, C.MOON_STORE_SCAN, asked)
  if not entries then return nil, has_more end
  for _, entry in ipairs(entries) do
    entry.value, entry.problem = decode(self, entry.key, entry.value)
  end
  return entries, has_more and entries[#entries].key or nil
end

local store = {}

---@param plugin moongate.Plugin
---@return moongate.Store
function store.new(plugin) return setmetatable({ plugin = plugin }, store_mt) end

return store
