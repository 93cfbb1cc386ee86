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
local MAX_BYTES = 131072     -- of all that a plugin prints
local MAX_LABELS = 8
local MAX_BUCKETS = 64
local MAX_ABOUT_BYTES = 1024
local MAX_NAME_BYTES = 128   -- of a metric, or of a label
local PUBLISH_MS = 1000      -- changes of so long go out together
local TOUCHED_MS = 4000      -- and those of what is counted for each call

-- Seconds, from 1 ms to 10 s: what most people measure.
local BUCKETS = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 }

local RUNTIME = "" -- no plugin has this name
local of_plugin = {} -- plugin name -> metric name -> metric
-- plugin -> what its metrics have: { bytes, most }
local share_of = setmetatable({}, { __mode = "k" })
local is_due = false

local SPEC = { about = true, labels = true, buckets = true }

local clean, MAX_VALUE_BYTES = texts.clean, texts.MAX_VALUE_BYTES

local metric = {}

---@class moongate.MetricSpec
---@field about? string one line for people, at most 1,024 bytes
---@field labels? string[] names
---@field buckets? number[] of a histogram: at most 64 upper bounds, ascending and finite

local function sorted(set)
  local keys = {}
  for key in pairs(set) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function text_of(plugin)
  local lines = {}
  for _, name in ipairs(sorted(of_plugin[plugin])) do
    texts.print(of_plugin[plugin][name], lines)
  end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

--- The gateway's own first, then those of the plugins with the least to say.
local function in_turn(a, b)
  if a.plugin == RUNTIME or b.plugin == RUNTIME then return a.plugin == RUNTIME end
  if #a.text ~= #b.text then return #a.text < #b.text end
  return a.plugin < b.plugin
end

--- All that plugins and the gateway have declared, as Prometheus reads it.
---@return string text
---@return string[] left_out plugins whose metrics have no room beside those of the others
function metric.text()
  local all, parts, left_out, bytes = {}, {}, {}, 0
  for plugin in pairs(of_plugin) do all[#all + 1] = { plugin = plugin, text = text_of(plugin) } end
  table.sort(all, in_turn)
  for _, its in ipairs(all) do
    local has_room = bytes + #its.text <= core.C.MOON_MAX_FRAME_BYTES
    if has_room then bytes = bytes + #its.text end
    table.insert(has_room and parts or left_out, has_room and its.text or its.plugin)
  end
  return table.concat(parts), left_out
end

local told = "" -- who has been left out so far

--- If all is too long, the plugins' own come first.
local function publish()
  is_due = false
  local text, left_out = metric.text()
  local more, whose = texts.collected(), table.concat(left_out, ", ")
  if #text + #more <= core.C.MOON_MAX_FRAME_BYTES then text = text .. more end
  core.C.moon_report(text, #text)
  if whose ~= told and whose ~= "" then
    log.error("metric", "left out, the page would be over %d bytes: the metrics of %s",
      core.C.MOON_MAX_FRAME_BYTES, whose)
  end
  told = whose
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

local function new_series(self, labels)
  local series = { labels = labels, value = 0 }
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
  local series, share = self.series[key], self.share
  if series or self.count >= MAX_SERIES then return series end
  local labels = texts.labels(self, values)
  local bytes = texts.bytes_of(self, labels)
  if share.bytes + bytes > share.most then return end
  series = new_series(self, labels)
  self.series[key], self.count = series, self.count + 1
  self.bytes, share.bytes = self.bytes + bytes, share.bytes + bytes
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

local refused -- counts what has no room

local function settle(self, series)
  if series then
    change()
    return true
  end
  refused:add(1, self.plugin)
  if not self.is_told then
    log.warn("metric", "%s has no room for a combination of label values: it has %d, at most %d; "
      .. "its plugin's metrics have %d bytes, at most %d", self.name, self.count, MAX_SERIES,
      self.share.bytes, MAX_BYTES)
  end
  self.is_told = true
  return nil, "full"
end

--- Counts up; a gauge also down. Values of labels may be anything: they are printed as tostring
--- gives them, the first 128 bytes in whole characters, with U+FFFD for what is no UTF-8 and for
--- NUL. Values that look alike then are counted together.
---@param amount? number 1
---@param ... any values of the labels, in their order
---@return true? counted
---@return "full"? reason more than 1,000 combinations of label values, or
--- over 128 KB of the plugin's metrics
function Metric:add(amount, ...)
  amount = amount == nil and 1 or amount
  check(self, "add", amount, "counter", "gauge")
  if amount < 0 and self.kind == "counter" then error("add: a counter does not go down", 2) end
  local series = series_of(self, "add", ...)
  if series then series.value = series.value + amount end
  return settle(self, series)
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
  return settle(self, series)
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
  return settle(self, series)
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
  if #buckets > MAX_BUCKETS then return ("at most %d buckets"):format(MAX_BUCKETS) end
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
    series = {}, count = 0, bytes = 0, -- of those with labels
  }, metric_mt)
  if #made.labels == 0 then made.series[""], made.count = new_series(made, ""), 1 end
  return made
end

--- Of what it prints whatever is counted.
local function fixed_bytes(made)
  return texts.head_bytes(made) + (#made.labels == 0 and texts.bytes_of(made, "") or 0)
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
  local share, bytes = share_of[plugin] or { bytes = 0, most = MAX_BYTES }, fixed_bytes(made)
  if share.bytes + bytes > share.most then
    return nil, ("the metrics of a plugin have at most %d bytes, as they are printed"):format(
      share.most)
  end
  share.bytes, share_of[plugin] = share.bytes + bytes, share
  local known = find(plugin, name)
  local about = made.about
  if known and is_same(known, made) then made = known else made.share = share end
  declared[name] = { metric = made, about = about, bytes = bytes }
  return made
end

--- One of the gateway itself, printed as moongate_<name>.
---@param kind "counter"|"gauge"|"histogram"
---@param name string
---@param spec moongate.MetricSpec
---@return moongate.Metric
function metric.runtime(kind, name, spec)
  local made = new("", kind, name, spec)
  made.name, made.share = "moongate_" .. name, { bytes = 0, most = math.huge }
  of_plugin[RUNTIME] = of_plugin[RUNTIME] or {}
  of_plugin[RUNTIME][name] = made
  return made
end

refused = metric.runtime("counter", "script_series_refused_total",
  { about = "Values that plugins' metrics had no room for.", labels = { "plugin" } })

--- The plugin has come into force: these are its metrics, and no others.
---@param plugin moongate.Plugin
function metric.enter(plugin)
  metric.forget(plugin.name)
  if not next(plugin.metrics) then return end
  local all, share = {}, { bytes = 0, most = MAX_BYTES }
  for name, declared in pairs(plugin.metrics) do
    local made = declared.metric
    made.about, made.share, made.is_told = declared.about, share, nil
    share.bytes = share.bytes + declared.bytes + made.bytes
    all[name] = made
    names.enter(made)
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
