--- Metrics of plugins: counters, gauges, histograms, printed at /metrics.
--
-- A value belongs to the plugin's name, not to its code: a reload does not set it back.
local core = require "moongate.ffi"
local fields = require "moongate.fields"
local log = require "moongate.log"
local membrane = require "moongate.membrane"
local names = require "moongate.metric_name"
local texts = require "moongate.metric_text"
local timer = require "moongate.timer"

local MAX_METRICS = 100      -- of a plugin
local MAX_SERIES = 1000      -- of a metric: combinations of label values
local MAX_LABELS = 8
local MAX_ABOUT_BYTES = 1024
local MAX_NAME_BYTES = 128   -- of a metric, or of a label
local PUBLISH_MS = 1000      -- changes of so long go out together
local TOUCHED_MS = 4000      -- and those of what is counted for each call

-- Seconds, from 1 ms to 10 s: what most people measure.
local BUCKETS = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 }

local RUNTIME = "" -- no plugin has this name
local of_plugin = {} -- plugin name -> metric name -> metric
local is_due = false

local SPEC = { about = true, labels = true, buckets = true }

local escaped, number, clean = texts.escaped, texts.number, texts.clean
local MAX_VALUE_BYTES = texts.MAX_VALUE_BYTES

local metric = {}

---@class moongate.MetricSpec
---@field about? string one line for people, at most 1,024 bytes
---@field labels? string[] names
---@field buckets? number[] of a histogram: upper bounds, ascending and finite

local function braces(self, series, more)
  local parts = {}
  for i, label in ipairs(self.labels) do
    parts[i] = ('%s="%s"'):format(label, escaped(series.values[i]))
  end
  parts[#parts + 1] = more
  return parts[1] and "{" .. table.concat(parts, ",") .. "}" or ""
end

local function print_histogram(self, series, lines)
  local sum = 0
  for i, bound in ipairs(self.buckets) do
    sum = sum + series[i]
    lines[#lines + 1] = ("%s_bucket%s %s"):format(self.name,
      braces(self, series, ('le="%s"'):format(number(bound))), number(sum))
  end
  lines[#lines + 1] = ("%s_bucket%s %s"):format(self.name, braces(self, series, 'le="+Inf"'),
    number(series.count))
  lines[#lines + 1] = ("%s_sum%s %s"):format(self.name, braces(self, series), number(series.sum))
  lines[#lines + 1] = ("%s_count%s %s"):format(self.name, braces(self, series),
    number(series.count))
end

local function sorted(set)
  local keys = {}
  for key in pairs(set) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function print_metric(self, lines)
  if self.count == 0 then return end
  lines[#lines + 1] = ("# HELP %s %s"):format(self.name, texts.escaped_help(self.about))
  lines[#lines + 1] = ("# TYPE %s %s"):format(self.name, self.kind)
  for _, key in ipairs(sorted(self.series)) do
    local series = self.series[key]
    if self.kind == "histogram" then
      print_histogram(self, series, lines)
    else
      lines[#lines + 1] = ("%s%s %s"):format(self.name, braces(self, series), number(series.value))
    end
  end
end

--- All that plugins and the gateway have declared, as Prometheus reads it.
---@return string
function metric.text()
  local lines = {}
  for _, plugin in ipairs(sorted(of_plugin)) do
    for _, name in ipairs(sorted(of_plugin[plugin])) do
      print_metric(of_plugin[plugin][name], lines)
    end
  end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

--- If all is too long, the plugins' own come first.
local function publish()
  is_due = false
  local text, more = metric.text(), texts.collected()
  if #text + #more <= core.C.MOON_MAX_FRAME_BYTES then text = text .. more end
  if core.C.moon_report(text, #text) ~= 0 then
    log.error("metric", "the metrics of the plugins are too long to be printed: %d bytes", #text)
  end
end

local function change()
  if is_due then return end
  is_due = true
  timer.start(PUBLISH_MS, publish)
end

local is_touched = false

local function change_touched()
  is_touched = false
  change()
end

--- What collectors print has changed: it goes out with the next change, or some time later. On the
--- way of each message: no closure, which would keep it from being compiled.
function metric.touch()
  if is_touched or is_due then return end
  is_touched = true
  timer.start(TOUCHED_MS, change_touched)
end

-- ---- what scripts hold ----

---@class moongate.Metric
local Metric = {}
local metric_mt = { __index = Metric }

membrane.seal(metric_mt, { name = "metric", methods = Metric, fields = {},
  takes = { add = "raw", set = "raw", observe = "raw" } })

local function new_series(self, values)
  local series = { values = values, value = 0 }
  if self.kind == "histogram" then
    series.sum, series.count = 0, 0
    for i = 1, #self.buckets do series[i] = 0 end
  end
  return series
end

--- The key of a series is its values as they are printed: without a NUL in them it stands for
--- no other, and only those that are new, or not fit to print, are looked at closely.
local function find_or_make(self, values)
  for i, value in ipairs(values) do values[i] = clean(value, MAX_VALUE_BYTES) end
  local key = table.concat(values, "\0")
  local series = self.series[key]
  if not series and self.count < MAX_SERIES then
    series = new_series(self, values)
    self.series[key], self.count = series, self.count + 1
  end
  return series
end

--- The series of these label values; nil when there are too many of them.
local function series_of(self, what, ...)
  local count = select("#", ...)
  if count ~= #self.labels then
    error(("%s: expected %d label values (%s), got %d"):format(what, #self.labels,
      table.concat(self.labels, ", "), count), 3)
  end
  local values = { ... }
  for i = 1, count do values[i] = tostring(values[i]) end
  return self.series[table.concat(values, "\0")] or find_or_make(self, values)
end

local function check(self, what, value, ...)
  for _, kind in ipairs { ... } do
    if self.kind == kind then
      if type(value) == "number" and value - value == 0 then return end
      error(("%s: expected a number, got %s"):format(what, tostring(value)), 3)
    end
  end
  error(("%s: not for a %s"):format(what, self.kind), 3)
end

local function settle(series)
  if not series then return nil, "full" end
  change()
  return true
end

--- Counts up; a gauge also down. Values of labels may be anything: they are printed as tostring
--- gives them, the first 128 bytes in whole characters, with U+FFFD for what is no UTF-8 and for
--- NUL. Values that look alike then are counted together.
---@param amount? number 1
---@param ... any values of the labels, in their order
---@return true? counted
---@return "full"? reason more than 1,000 combinations of label values
function Metric:add(amount, ...)
  amount = amount == nil and 1 or amount
  check(self, "add", amount, "counter", "gauge")
  if amount < 0 and self.kind == "counter" then error("add: a counter does not go down", 2) end
  local series = series_of(self, "add", ...)
  if series then series.value = series.value + amount end
  return settle(series)
end

--- Sets a gauge.
---@param value number
---@param ... any values of the labels: as in Metric:add
---@return true? set
---@return "full"? reason
function Metric:set(value, ...)
  check(self, "set", value, "gauge")
  local series = series_of(self, "set", ...)
  if series then series.value = value end
  return settle(series)
end

--- Counts a value in a histogram.
---@param value number
---@param ... any values of the labels: as in Metric:add
---@return true? counted
---@return "full"? reason
function Metric:observe(value, ...)
  check(self, "observe", value, "histogram")
  local series = series_of(self, "observe", ...)
  if series then
    series.sum, series.count = series.sum + value, series.count + 1
    for i, bound in ipairs(self.buckets) do
      if value <= bound then
        series[i] = series[i] + 1
        break
      end
    end
  end
  return settle(series)
end

-- ---- declarations ----

local function is_name(text)
  return type(text) == "string" and #text <= MAX_NAME_BYTES and text:find "^%l[%l%d_]*$" ~= nil
end

local function is_label(text) return is_name(text) and text ~= "le" end

local function problem_of_labels(labels)
  local problem = fields.not_list("labels", labels, is_label,
    'lower-case letters, digits and _, and not "le"')
  if problem then return problem end
  if #labels > MAX_LABELS then return ("at most %d labels"):format(MAX_LABELS) end
  local seen = {}
  for _, label in ipairs(labels) do
    if seen[label] then return ('labels: "%s" is there twice'):format(label) end
    seen[label] = true
  end
end

local function is_ascending(list)
  local last, others = -math.huge, 0
  for _ in pairs(list) do others = others + 1 end
  for _, bound in ipairs(list) do
    if type(bound) ~= "number" or not (bound > last and bound < math.huge) then return false end
    last, others = bound, others - 1
  end
  return others == 0
end

local function problem_of_buckets(kind, buckets)
  if kind ~= "histogram" then return "only a histogram has buckets" end
  if type(buckets) ~= "table" or not is_ascending(buckets) then
    return "buckets: expected a list of ascending, finite numbers"
  end
end

local function problem_of(kind, name, spec)
  if not is_name(name) then
    return ("a name has lower-case letters, digits and _, at most %d"):format(MAX_NAME_BYTES)
  end
  if type(spec) ~= "table" then
    return "expected a table like { about =, labels = }, got a " .. type(spec)
  end
  if spec.about ~= nil and type(spec.about) ~= "string" then
    return "about: expected a string, got a " .. type(spec.about)
  end
  return fields.unknown(spec, SPEC) or problem_of_labels(spec.labels or {})
    or (spec.buckets and problem_of_buckets(kind, spec.buckets))
end

local function new(plugin, kind, name, spec)
  local made = setmetatable({
    plugin = plugin, own = name,
    name = ("plugin_%s_%s"):format(plugin:gsub("%W", "_"), name), kind = kind,
    about = clean(spec.about or name, MAX_ABOUT_BYTES), labels = { unpack(spec.labels or {}) },
    buckets = kind == "histogram" and { unpack(spec.buckets or BUCKETS) } or {},
    series = {}, count = 0,
  }, metric_mt)
  if #made.labels == 0 then made.series[""], made.count = new_series(made, {}), 1 end
  return made
end

local function is_same(one, other)
  return one.kind == other.kind
    and table.concat(one.labels, ",") == table.concat(other.labels, ",")
    and table.concat(one.buckets, ",") == table.concat(other.buckets, ",")
end

local function find(plugin, name)
  local declared, in_force = plugin.metrics[name], of_plugin[plugin.name]
  return declared and declared.metric or in_force and in_force[name]
end

--- The metric of this name, with the values it has if it is declared as it was. It is printed once
--- the plugin has come into force.
---@param plugin moongate.Plugin
---@param kind "counter"|"gauge"|"histogram"
---@param name string
---@param spec? moongate.MetricSpec
---@return moongate.Metric? metric
---@return string? problem
function metric.declare(plugin, kind, name, spec)
  spec = spec or {}
  local problem = problem_of(kind, name, spec)
  if problem then return nil, problem end
  local declared, made = plugin.metrics, new(plugin.name, kind, name, spec)
  problem = names.problem_of(made, declared)
  if problem then return nil, problem end
  if not declared[name] and #sorted(declared) >= MAX_METRICS then
    return nil, ("at most %d metrics"):format(MAX_METRICS)
  end
  local known = find(plugin, name)
  local about = made.about
  if known and is_same(known, made) then made = known end
  declared[name] = { metric = made, about = about }
  return made
end

--- One of the gateway itself, printed as moongate_<name>.
---@param kind "counter"|"gauge"|"histogram"
---@param name string
---@param spec moongate.MetricSpec
---@return moongate.Metric
function metric.runtime(kind, name, spec)
  local made = new("", kind, name, spec)
  made.name = "moongate_" .. name
  of_plugin[RUNTIME] = of_plugin[RUNTIME] or {}
  of_plugin[RUNTIME][name] = made
  return made
end

--- The plugin has come into force: these are its metrics, and no others.
---@param plugin moongate.Plugin
function metric.enter(plugin)
  metric.forget(plugin.name)
  if not next(plugin.metrics) then return end
  local all = {}
  for name, declared in pairs(plugin.metrics) do
    declared.metric.about = declared.about
    all[name] = declared.metric
    names.enter(declared.metric)
  end
  of_plugin[plugin.name] = all
  change()
end

--- The plugin is in the list no longer.
---@param plugin string
function metric.forget(plugin)
  if not of_plugin[plugin] then return end
  for _, made in pairs(of_plugin[plugin]) do names.leave(made) end
  of_plugin[plugin] = nil
  change()
end

return metric
