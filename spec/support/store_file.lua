--- A store file in a folder of its own, for the specs of core/store_sqlite.h.
local ffi = require "ffi"
local core = require "spec.support.core"
local file = require "spec.support.file"
local C = core.load_apart("core/store_sqlite.h", "sqlite")

local OFF = 2 -- of enum moon_sync

---@class store_file
---@field folder string
---@field path string of the store, which is not there yet
---@field now_ms integer
local File = {}
local file_mt = { __index = File }

local function new()
  local folder = file.folder()
  return setmetatable({ folder = folder, path = folder .. "/house.store",
    now_ms = 1760000000000 }, file_mt)
end

--- For after_each(): stores that were kept are closed, the folder is removed.
function File:remove()
  core.tidy()
  file.run("rm -rf " .. self.folder)
end

--- The store; or nil and why not.
---@param sync? integer enum moon_sync
---@param path? string
function File:open(sync, path)
  local problem = ffi.cast("char *", core.keep(C.moon_alloc(C.MOON_SQLITE_PROBLEM_BYTES),
    C.moon_free))
  local store = C.moon_sqlite_open(path or self.path, sync or OFF, problem)
  if store == nil then return nil, ffi.string(problem) end
  return store
end

--- The same, closed at the end of the example.
function File:kept(sync) return core.keep(assert(self:open(sync)), C.moon_sqlite_close) end

---@param asked table space, key, value, expected, expires_ms, limit
---@return integer outcome
---@return string bytes
---@return boolean has_more
function File:ask(store, operation, asked)
  local space, key = asked.space or "rooms", asked.key or ""
  local value, expected = asked.value or "", asked.expected or ""
  local order, answer = ffi.new "struct moon_sqlite_order", ffi.new "struct moon_sqlite_answer"
  local bytes = core.exact(space .. key .. value .. expected)
  order.operation, order.bytes, order.now_ms = operation, bytes, self.now_ms
  order.query = { expires_ms = asked.expires_ms or 0, space_bytes = #space, key_bytes = #key,
    value_bytes = #value, expected_bytes = #expected, must_be_new = asked.expected and 0 or 1,
    limit = asked.limit or 1000 }
  C.moon_sqlite_obey(store, order, answer)
  return answer.outcome, ffi.string(answer.bytes, answer.length), answer.has_more == 1
end

function File:put(store, key, value, more)
  more = more or {}
  more.key, more.value = key, value
  return (self:ask(store, C.MOON_STORE_PUT, more))
end

function File:get(store, key, space)
  local outcome, bytes = self:ask(store, C.MOON_STORE_GET, { key = key, space = space })
  if outcome == C.MOON_STORE_DONE then return bytes end
  assert(outcome == C.MOON_STORE_ABSENT)
end

--- "a=1 b=2", and whether there is more.
function File:scan(store, prefix, more)
  more = more or {}
  more.key, more.value = prefix, more.after
  local outcome, bytes, has_more = self:ask(store, C.MOON_STORE_SCAN, more)
  assert(outcome == C.MOON_STORE_DONE)
  local words, at = {}, 0
  local lengths = ffi.new "uint32_t[2]"
  while at < #bytes do
    ffi.copy(lengths, bytes:sub(at + 1, at + 8), 8)
    local key_end = at + 8 + lengths[0]
    words[#words + 1] = bytes:sub(at + 9, key_end) .. "="
      .. bytes:sub(key_end + 1, key_end + lengths[1])
    at = key_end + lengths[1]
  end
  return table.concat(words, " "), has_more
end

return { new = new, run = file.output, C = C }
