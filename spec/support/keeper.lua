--- A gate with nothing but a store, a clock and tasks, for specs of modules that keep something.
local json = require "cjson"

local Keeper = {}
local keeper_mt = { __index = Keeper }

--- Runs a function as a task until it first waits.
function Keeper:spawn(fn, ...)
  local task = coroutine.create(fn)
  local function go(...)
    assert(coroutine.resume(task, ...))
    if coroutine.status(task) == "suspended" then table.insert(self.waiting, go) end
  end
  go(...)
end

function Keeper.sleep() coroutine.yield() end

--- All that wait go on.
function Keeper:later()
  local waiting = self.waiting
  self.waiting = {}
  for _, go in ipairs(waiting) do go() end
end

function Keeper:now_ms() return self.at end
function Keeper:warn(form, ...) table.insert(self.warnings, form:format(...)) end
function Keeper.option(_, _, spec) return spec.default end

--- A store of which each call waits, and which refuses what `refuse` says.
local function store_of(keeper)
  local store = {}

  local function write(key, text, options)
    coroutine.yield()
    if keeper.refuse then return nil, keeper.refuse end
    keeper.entries[key], keeper.ttls[key] = text, options and options.ttl_ms
    return true
  end

  function store:put(key, value, options) return write(key, json.encode { value }, options) end
  function store:delete(key) return write(key, nil) end

  function store:get(key)
    coroutine.yield()
    if keeper.refuse then return nil, keeper.refuse end
    return keeper.entries[key] and json.decode(keeper.entries[key])[1]
  end

  function store:scan(prefix, options)
    coroutine.yield()
    if keeper.refuse then return nil, keeper.refuse end
    local keys, list = {}, {}
    for key in pairs(keeper.entries) do
      local fits = key:sub(1, #prefix) == prefix and (not options.after or key > options.after)
      if fits then keys[#keys + 1] = key end
    end
    table.sort(keys)
    for i = 1, math.min(#keys, keeper.page) do
      list[i] = { key = keys[i], value = json.decode(keeper.entries[keys[i]])[1] }
    end
    return list, #keys > keeper.page and keys[keeper.page] or nil
  end

  return store
end

--- Another process with the same store, or the first.
---@param before? table
---@return table keeper
local function new(before)
  local keeper = setmetatable({ state = {}, at = 1000, waiting = {}, warnings = {}, page = 3,
    entries = before and before.entries or {}, ttls = {}, facts = { has_store = true } },
    keeper_mt)
  keeper.store = store_of(keeper)
  keeper.failures = { count = 0, add = function(self, n) self.count = self.count + n end }
  return keeper
end

return { new = new }
