--- Token buckets: so many at once, and so many in a time. Time is given.
--
-- A shelf has one for each key. Whoever has not been asked for in a period is forgotten: the
-- period is long enough for any of its buckets to be full by then, so that nobody gains by it, and
-- nothing has to be swept.

---@class limits.Rate
---@field per_ms number tokens that come back in a millisecond
---@field burst number tokens of a full bucket
---@field text string for people: "5 per second"

---@class limits.Bucket
---@field tokens number
---@field at_ms integer when it held so many

---@class limits.Shelf
---@field private young table<string, limits.Bucket> those asked for in this period
---@field private old table<string, limits.Bucket> those asked for in the one before
---@field private count integer of the young
---@field private period integer which one it is
---@field private max integer buckets of a period; all others have one together
---@field private spare limits.Bucket that one
local Shelf = {}
local shelf_mt = { __index = Shelf }

local ENOUGH = 1 - 1e-9 -- of a token: parts of it do not add up exactly
local SPANS = { per_second = 1000, per_minute = 60000 }
local FIELDS = { per_second = true, per_minute = true, burst = true }

local bucket = {}

-- ---- rates ----

local function is_positive(value)
  return type(value) == "number" and value > 0 and value < math.huge
end

local function unknown_field(spec)
  for name in pairs(spec) do
    if not FIELDS[name] then return name end
  end
end

--- nil, or what is wrong with what an operator has written.
local function problem_of(spec)
  if type(spec) ~= "table" then
    return "expected { per_second = 5, burst = 10 }, got a " .. type(spec)
  end
  local unknown = unknown_field(spec)
  if unknown then
    return ('has no field "%s", but per_second, per_minute and burst'):format(tostring(unknown))
  end
  if (spec.per_second == nil) == (spec.per_minute == nil) then
    return "expected either per_second or per_minute"
  end
  local name = spec.per_second and "per_second" or "per_minute"
  if not is_positive(spec[name]) then return name .. ": expected a number greater than 0" end
  if not is_positive(spec.burst) or spec.burst < 1 then
    return "burst: expected a number of at least 1"
  end
end

---@param spec { per_second: number?, per_minute: number?, burst: number }
---@return limits.Rate?
---@return string? problem
function bucket.rate(spec)
  local problem = problem_of(spec)
  if problem then return nil, problem end
  local name = spec.per_second and "per_second" or "per_minute"
  return { per_ms = spec[name] / SPANS[name], burst = spec.burst,
    text = ("%g %s"):format(spec[name], (name:gsub("_", " "))) }
end

--- How long an empty bucket takes until it is full.
---@param rate limits.Rate
---@return number
function bucket.fill_ms(rate) return rate.burst / rate.per_ms end

-- ---- one bucket ----

---@param rate limits.Rate
---@param now_ms integer
---@return limits.Bucket full
function bucket.new(rate, now_ms) return { tokens = rate.burst, at_ms = now_ms } end

--- Takes a token, if there is one.
---@param held limits.Bucket
---@param rate limits.Rate
---@param now_ms integer
---@return integer wait_ms 0: taken; else when there will be one
function bucket.take(held, rate, now_ms)
  local tokens, passed_ms = held.tokens, now_ms - held.at_ms
  held.at_ms = now_ms
  if passed_ms > 0 then -- else the clock has been set back
    tokens = tokens + passed_ms * rate.per_ms
    if tokens > rate.burst then tokens = rate.burst end
  end
  if tokens >= ENOUGH then
    held.tokens = tokens - 1
    return 0
  end
  held.tokens = tokens
  return math.ceil((ENOUGH - tokens) / rate.per_ms)
end

-- ---- many ----

function Shelf:turn(period)
  self.old = period == self.period + 1 and self.young or {}
  self.young, self.count, self.period = {}, 0, period
end

--- The bucket of this key; when there are too many, one that they share.
---@param key string
---@param rate limits.Rate
---@param now_ms integer
---@param period integer now_ms by the length of a period, rounded down
---@return limits.Bucket
function Shelf:find(key, rate, now_ms, period)
  if period ~= self.period then self:turn(period) end
  local held = self.young[key]
  if held then return held end
  if self.count >= self.max then return self:shared(rate, now_ms) end
  held = self.old[key] or bucket.new(rate, now_ms)
  self.young[key], self.count = held, self.count + 1
  return held
end

---@param rate limits.Rate
---@param now_ms integer
---@return limits.Bucket
function Shelf:shared(rate, now_ms)
  self.spare = self.spare or bucket.new(rate, now_ms)
  return self.spare
end

---@param max integer
---@return limits.Shelf
function bucket.shelf(max)
  return setmetatable({ young = {}, old = {}, count = 0, period = 0, max = max }, shelf_mt)
end

return bucket
