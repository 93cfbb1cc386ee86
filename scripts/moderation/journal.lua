--- Journals: the last entries of each room, in the store, where a new one takes the place of the
--- oldest. They are numbered from 1 in each room, and gone by themselves after a while.

local MAX_KNOWN = 10000 -- rooms whose last number is remembered
local PAGE = 1000       -- entries of one scan

---@class moderation.Journal
---@field private last table<string, integer> room's key -> number of its last entry
local Journal = {}
local journal_mt = { __index = Journal }

function Journal:key(log, n) return ("%s:%s:%04d"):format(self.prefix, log, n % self.size) end

--- The number of the last entry, looked up in the store; nil, and the reason.
function Journal:find_last(log)
  local prefix, last, after = ("%s:%s:"):format(self.prefix, log), 0, nil
  repeat
    local entries, cursor = self.gate.store:scan(prefix, { limit = PAGE, after = after })
    if not entries then return nil, cursor end
    for _, entry in ipairs(entries) do
      local is_own = entry.key:sub(#prefix + 1):find "^%d%d%d%d$" and type(entry.value) == "table"
      if is_own then last = math.max(last, tonumber(entry.value.id) or 0) end
    end
    after = cursor
  until not after
  return last
end

--- The number of the last entry; waits when it is not known. Meanwhile others may have appended.
function Journal:last_of(log)
  if self.last[log] then return self.last[log] end
  local found, reason = self:find_last(log)
  if not found then return nil, reason end
  if not self.last[log] then
    if self.known >= MAX_KNOWN then
      for name in pairs(self.last) do self.last[name] = nil end
      self.known = 0
    end
    self.last[log], self.known = found, self.known + 1
  end
  return self.last[log]
end

--- Appends an entry, which is counted and logged when it cannot be kept. Waits.
---@param log string the room's key
---@param entry table data; gets its number as id
---@return integer? id
---@return string? reason
function Journal:append(log, entry)
  local last, reason = self:last_of(log)
  local done
  if last then
    entry.id = last + 1
    self.last[log] = entry.id
    done, reason = self.gate.store:put(self:key(log, entry.id), entry, { ttl_ms = self.keep_ms })
  end
  if done then return entry.id end
  self.failures:add(1, "write")
  self.gate:warn("%s: an entry of %s is not kept: %s", self.prefix, log, tostring(reason))
  return nil, reason
end

--- Those before `after`, the newest first; and the number to go on behind, if there are more.
--- Waits.
---@param log string
---@param after? integer
---@param limit integer
---@return table[]? entries
---@return integer|string|nil next_after or the reason
function Journal:read(log, after, limit)
  local last, reason = self:last_of(log)
  if not last then return nil, reason end
  local entries, n = {}, math.min((after or math.huge) - 1, last)
  local oldest = math.max(1, last - self.size + 1)
  while n >= oldest and #entries < limit do
    local entry, problem = self.gate.store:get(self:key(log, n))
    if problem then return nil, problem end
    if entry and entry.id == n then entries[#entries + 1] = entry end
    n = n - 1
  end
  return entries, n >= oldest and n + 1 or nil
end

local journal = {}

---@param gate moongate.Gate
---@param given { prefix: string, size: integer, keep_ms: integer, failures: moongate.Metric }
---@return moderation.Journal
function journal.open(gate, given)
  local state = gate.state.journals or {}
  gate.state.journals = state
  state[given.prefix] = state[given.prefix] or {}
  local self = setmetatable({ gate = gate, last = state[given.prefix], known = 0,
    prefix = given.prefix, size = given.size, keep_ms = given.keep_ms,
    failures = given.failures }, journal_mt)
  for _ in pairs(self.last) do self.known = self.known + 1 end
  return self
end

return journal
