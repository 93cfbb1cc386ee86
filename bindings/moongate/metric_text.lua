--- How Prometheus reads metrics, and those that the gateway counts of its plugins.
-- https://prometheus.io/docs/instrumenting/exposition_formats/
local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local metric_text = {}

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
