--- The five fields of a crontab, in UTC: when is the next time?

local FIELDS = {
  { name = "minute", first = 0, last = 59 },
  { name = "hour", first = 0, last = 23 },
  { name = "day of the month", first = 1, last = 31 },
  { name = "month", first = 1, last = 12 },
  { name = "day of the week", first = 0, last = 7 }, -- 0 and 7 are Sunday
}
local DAY_MS = 86400000
local MAX_DAYS = 366 * 8 -- 29 February comes back within them

local cron = {}

local function bounds_of(range, field, is_stepped)
  if range == "*" then return field.first, field.last end
  local first, last = range:match "^(%d+)%-(%d+)$"
  first = tonumber(first or range:match "^%d+$")
  return first, tonumber(last) or (is_stepped and field.last or first)
end

--- first, last, step; nil when it is none.
local function read_range(part, field)
  local range, step = part:match "^([^/]+)/(%d+)$"
  local first, last = bounds_of(range or part, field, step)
  step = tonumber(step or 1)
  local is_right = first and step > 0 and first >= field.first and last <= field.last
  if is_right and first <= last then return first, last, step end
end

local function read_field(text, field)
  local set = {}
  for part in (text .. ","):gmatch "([^,]*)," do
    local first, last, step = read_range(part, field)
    if not first then
      return nil, ('%s: expected *, a number from %d to %d, a range or a list, got "%s"'):format(
        field.name, field.first, field.last, text)
    end
    for value = first, last, step do set[value] = true end
  end
  return set
end

--- nil and what is wrong when it is none.
---@param text string "*/15 8-18 * * 1-5"
---@return table? times
---@return string? problem
function cron.parse(text)
  local words, sets = {}, {}
  for word in text:gmatch "%S+" do words[#words + 1] = word end
  if #words ~= #FIELDS then
    return nil, ('expected five fields, minute hour day month weekday, got "%s"'):format(text)
  end
  for i, field in ipairs(FIELDS) do
    local problem
    sets[i], problem = read_field(words[i], field)
    if not sets[i] then return nil, problem end
  end
  sets[5][0] = sets[5][0] or sets[5][7]
  local times = { minutes = sets[1], hours = sets[2], days = sets[3], months = sets[4],
    weekdays = sets[5], is_either = words[3]:sub(1, 1) ~= "*" and words[5]:sub(1, 1) ~= "*" }
  if not cron.next_ms(times, 0) then return nil, ('"%s": there is no such day'):format(text) end
  return times
end

--- As in every crontab: with both a day of the month and a weekday, either will do.
local function is_day(times, date)
  if not times.months[date.month] then return false end
  local day, weekday = times.days[date.day], times.weekdays[date.wday - 1]
  if times.is_either then return day or weekday or false end
  return (day and weekday) or false
end

--- The first moment after this one, to the minute.
---@param times table
---@param now_ms number milliseconds since 1970 UTC
---@return number? ms
function cron.next_ms(times, now_ms)
  local day_ms = math.floor(now_ms / DAY_MS) * DAY_MS
  for _ = 1, MAX_DAYS do
    if is_day(times, os.date("!*t", day_ms / 1000)) then
      for minute = 0, 1439 do
        local at_ms = day_ms + minute * 60000
        local is_minute = times.hours[math.floor(minute / 60)] and times.minutes[minute % 60]
        if is_minute and at_ms > now_ms then return at_ms end
      end
    end
    day_ms = day_ms + DAY_MS
  end
end

return cron
