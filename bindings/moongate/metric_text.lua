--- How Prometheus reads metrics, and those that the gateway counts of its plugins.
-- https://prometheus.io/docs/instrumenting/exposition_formats/
local core = require "moongate.ffi"

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local REPLACEMENT = "\239\191\189" -- U+FFFD

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
function metric_text.escaped(text) return (text:gsub('[\\"\n]', ESCAPES)) end

---@param about string
function metric_text.escaped_help(about) return (about:gsub("[\\\n]", ESCAPES)) end

---@param value number
---@return string that reads as the same number
function metric_text.number(value)
  local short = ("%.15g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

local collectors = {}

--- Has fn called each time that metrics are printed: head(name, kind, about) begins one,
--- print(name, value, label, its value, ...) is a line of it; names without "moongate_".
---@param fn fun(head: fun(name: string, kind: string, about: string), print: function)
function metric_text.collect(fn) collectors[#collectors + 1] = fn end

local function braces(...)
  local labels = {}
  for i = 1, select("#", ...), 2 do
    local label, its = select(i, ...)
    if type(its) == "number" then its = metric_text.number(its) end
    labels[#labels + 1] = ('%s="%s"'):format(label, metric_text.escaped(its))
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
    lines[#lines + 1] = ("moongate_%s%s %s"):format(name, braces(...), metric_text.number(value))
  end
  for _, fn in ipairs(collectors) do fn(head, print) end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

return metric_text
