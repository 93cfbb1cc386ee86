--- How Prometheus reads metrics, and those that the gateway counts of its plugins.
-- https://prometheus.io/docs/instrumenting/exposition_formats/
local core = require "moongate.ffi"

-- As functions: what they are given is the gateway's, whatever the methods of strings refuse.
local gsub = string.gsub

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local REPLACEMENT = "\239\191\189" -- U+FFFD

-- As a rule: of a line but for name and labels, of its le; and of the two lines of a head.
local VALUE_BYTES, LE_BYTES, HEAD_BYTES = 20, 12, 32

local metric_text = { MAX_VALUE_BYTES = 128 } -- of a label's value

local function length_of(lead)
  return lead < 0xC2 and 1 or lead < 0xE0 and 2 or lead < 0xF0 and 3 or 4
end

--- As Prometheus takes it: UTF-8, with U+FFFD for each byte that is none (it refuses the whole
--- page otherwise) and for NUL (which ends a text for many a reader), cut between characters.
---@param text string
---@param max_bytes integer
---@return string
function metric_text.clean(text, max_bytes)
  local parts, bytes, at = {}, 0, 1
  while at <= #text do
    local char = text:sub(at, at + length_of(text:byte(at)) - 1)
    local is_right = char ~= "\0" and core.C.moon_is_utf8(char, #char) ~= 0
    at = at + (is_right and #char or 1)
    char = is_right and char or REPLACEMENT
    bytes = bytes + #char
    if bytes > max_bytes then break end
    parts[#parts + 1] = char
  end
  return table.concat(parts)
end

---@param text string value of a label
function metric_text.escaped(text) return (gsub(text, '[\\"\n]', ESCAPES)) end

---@param about string
function metric_text.escaped_help(about) return (gsub(about, "[\\\n]", ESCAPES)) end

---@param value number
---@return string that reads as the same number
function metric_text.number(value)
  local short = ("%.15g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

local escaped, escaped_help, number = metric_text.escaped, metric_text.escaped_help,
  metric_text.number

-- ---- metrics ----

--- What is between the braces of a series.
---@param made moongate.Metric
---@param values string[] of its labels
---@return string
function metric_text.labels(made, values)
  local parts = {}
  for i, label in ipairs(made.labels) do
    parts[i] = ('%s="%s"'):format(label, escaped(values[i]))
  end
  return table.concat(parts, ",")
end

--- How long the lines of a series become, but for numbers of more digits than most.
---@param made moongate.Metric
---@param labels string
---@return integer
function metric_text.bytes_of(made, labels)
  local line = #made.name + #labels + VALUE_BYTES
  if made.kind ~= "histogram" then return line end
  return line * (#made.buckets + 3) + LE_BYTES * (#made.buckets + 1)
end

---@param made moongate.Metric
---@return integer
function metric_text.head_bytes(made)
  return 2 * #made.name + #escaped_help(made.about) + HEAD_BYTES
end

local function print_histogram(made, series, lines)
  local sum, labels = 0, series.labels
  local before = labels == "" and "" or labels .. ","
  for i, bound in ipairs(made.buckets) do
    sum = sum + series[i]
    lines[#lines + 1] = ('%s_bucket{%sle="%s"} %s'):format(made.name, before, number(bound),
      number(sum))
  end
  lines[#lines + 1] = ('%s_bucket{%sle="+Inf"} %s'):format(made.name, before, number(series.count))
  local its = labels == "" and "" or "{" .. labels .. "}"
  lines[#lines + 1] = ("%s_sum%s %s"):format(made.name, its, number(series.sum))
  lines[#lines + 1] = ("%s_count%s %s"):format(made.name, its, number(series.count))
end

--- Adds the lines of a metric, if there is something to say.
---@param made moongate.Metric
---@param lines string[]
function metric_text.print(made, lines)
  if made.count == 0 then return end
  lines[#lines + 1] = ("# HELP %s %s"):format(made.name, escaped_help(made.about))
  lines[#lines + 1] = ("# TYPE %s %s"):format(made.name, made.kind)
  local keys = {}
  for key in pairs(made.series) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local series = made.series[key]
    if made.kind == "histogram" then
      print_histogram(made, series, lines)
    else
      local its = series.labels == "" and "" or "{" .. series.labels .. "}"
      lines[#lines + 1] = ("%s%s %s"):format(made.name, its, number(series.value))
    end
  end
end

-- ---- what others collect ----

local collectors = {}

--- Has fn called each time that metrics are printed: head(name, kind, about) begins one,
--- print(name, value, label, its value, ...) is a line of it; names without "moongate_".
---@param fn fun(head: fun(name: string, kind: string, about: string), print: function)
function metric_text.collect(fn) collectors[#collectors + 1] = fn end

local function braces(...)
  local labels = {}
  for i = 1, select("#", ...), 2 do
    local label, its = select(i, ...)
    if type(its) == "number" then its = number(its) end
    labels[#labels + 1] = ('%s="%s"'):format(label, escaped(its))
  end
  return labels[1] and "{" .. table.concat(labels, ",") .. "}" or ""
end

--- What they print.
---@return string
function metric_text.collected()
  local lines = {}
  local function head(name, kind, about)
    lines[#lines + 1] = ("# HELP moongate_%s %s"):format(name, about)
    lines[#lines + 1] = ("# TYPE moongate_%s %s"):format(name, kind)
  end
  local function print(name, value, ...)
    lines[#lines + 1] = ("moongate_%s%s %s"):format(name, braces(...), number(value))
  end
  for _, fn in ipairs(collectors) do fn(head, print) end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

return metric_text
