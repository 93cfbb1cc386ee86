--- Tables of results, in Markdown.
local peer = require "spec.bench.peer"
local process = require "spec.bench.process"

local ERRORS = { "lost", "duplicated", "reordered", "corrupt", "closed", "refused" }

local function median(values)
  table.sort(values)
  local middle = math.floor(#values / 2)
  if #values % 2 == 1 then return values[middle + 1] end
  return (values[middle] + values[middle + 1]) / 2
end

--- What went wrong in any of the runs; nil if all was well.
local function problem_of(runs)
  for _, run in ipairs(runs) do
    if run.problem then return run.problem end
    local found = {}
    for _, key in ipairs(ERRORS) do
      local count = run.errors[key] or 0
      if count > 0 then found[#found + 1] = ("%s %d"):format(key, count) end
    end
    if #found > 0 then return table.concat(found, ", ") end
  end
end

--- The median of what `pick` finds in the runs; nil without a run, or when one was not well.
local function value_of(runs, pick)
  if not runs or #runs == 0 or problem_of(runs) then return nil end
  local values = {}
  for _, run in ipairs(runs) do values[#values + 1] = pick(run) end
  if #values == #runs then return median(values) end
end

--- 3 significant digits are what a shared machine is good for.
local function three_digits(value)
  if value >= 100 then return ("%.0f"):format(value) end
  return (value >= 10 and "%.1f" or "%.2f"):format(value)
end

local function thousands(key) return function(run) return run[key] and run[key] / 1000 end end

local function milliseconds(key)
  return function(run) return run.latency_us[key] and run.latency_us[key] / 1000 end
end

local MEASURES = {
  throughput = { thousands "deliveries_per_cpu_second" },
  upgrades = { thousands "upgrades_per_cpu_second" },
  latency = { milliseconds "p50", milliseconds "p99" },
  memory = { function(run)
    return run.rss_per_connection_bytes and run.rss_per_connection_bytes / 1024
  end },
}

local function cell(runs, measure)
  if not runs or #runs == 0 then return "" end
  local problem = problem_of(runs)
  if problem then return problem end
  local texts = {}
  for i, pick in ipairs(MEASURES[measure]) do
    local value = value_of(runs, pick)
    texts[i] = value and three_digits(value) or "?"
  end
  return table.concat(texts, " / ")
end

local function ratio(results, measure, other)
  local pick = MEASURES[measure][1]
  local ours, theirs = value_of(results.moongate, pick), value_of(results[other], pick)
  return ours and theirs and theirs > 0 and ("%.2f"):format(ours / theirs) or ""
end

local function row(cells) return "| " .. table.concat(cells, " | ") .. " |" end

local function rule(columns) return "| --- |" .. (" ---: |"):rep(columns - 1) end

--- One table of the scenarios with these measures.
---@param what { heading: string, measures: table<string, true>, has_ratios: boolean? }
---@param scenarios table[]
---@param peers table[]
---@param results table id of a scenario -> name of a peer -> runs
local function tabulate(what, scenarios, peers, results)
  local head = { "" }
  for _, one in ipairs(peers) do head[#head + 1] = one.name end
  if what.has_ratios then
    head[#head + 1] = "moongate/bun"
    head[#head + 1] = "moongate/floor"
  end
  local lines = { what.heading, "", row(head), rule(#head) }
  local count = #lines
  for _, scenario in ipairs(scenarios) do
    if what.measures[scenario.measure] then
      local found = results[scenario.id] or {}
      local cells = { scenario.title }
      for _, one in ipairs(peers) do
        cells[#cells + 1] = cell(found[one.name], scenario.measure)
      end
      if what.has_ratios then
        cells[#cells + 1] = ratio(found, scenario.measure, "bun")
        cells[#cells + 1] = ratio(found, scenario.measure, "floor")
      end
      lines[#lines + 1] = row(cells)
    end
  end
  return #lines > count and table.concat(lines, "\n") .. "\n" or nil
end

local function load_average() return process.read("/proc/loadavg"):match "^%S+ %S+ %S+" end

--- The machine and the versions, as lines of a list.
local function facts(peers, load_before)
  local cpu = process.read("/proc/cpuinfo"):match "model name%s*: ([^\n]+)"
  local lines = {
    ("- %s, %s cores, Linux %s"):format(cpu or "unknown CPU", peer.output "nproc",
      peer.output "uname -r"),
    ("- load average %s before, %s after"):format(load_before, load_average()),
  }
  for _, one in ipairs(peers) do
    lines[#lines + 1] = ("- %s: %s"):format(one.name, one.version())
  end
  return table.concat(lines, "\n") .. "\n"
end

return { tabulate = tabulate, facts = facts, load_average = load_average, row = row,
  rule = rule, cell = cell }
