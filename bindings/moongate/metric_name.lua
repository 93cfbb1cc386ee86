--- The names that lines at /metrics begin with: Prometheus reads no page on which two metrics share
--- one.

local SUFFIXES = { counter = { "" }, gauge = { "" },
  histogram = { "", "_bucket", "_sum", "_count" } }

local printed = {} -- name -> moongate.Metric, of those in force

local metric_name = {}

--- Calls fn(name) with each name of a metric, until that returns something.
local function each(made, fn)
  for _, suffix in ipairs(SUFFIXES[made.kind]) do
    local found = fn(made.name .. suffix)
    if found then return found end
  end
end

--- Takes its names. nil, or which of them is another's.
---@param taken table<string, moongate.Metric>
local function take(taken, made)
  return each(made, function(name)
    local other = taken[name]
    taken[name] = made
    return other and ('%s is printed for "%s" of %s already'):format(name, other.own, other.plugin)
  end)
end

--- nil, or why it cannot be beside the others of its plugin; one that it is to replace is none.
---@param made moongate.Metric
---@param declared table<string, { metric: moongate.Metric }>
---@return string? problem
function metric_name.problem_of(made, declared)
  local taken = {}
  for name, other in pairs(declared) do
    if name ~= made.own then take(taken, other.metric) end
  end
  return take(taken, made)
end

--- nil, or which metric of the plugins that are loaded cannot be beside those of others. What is in
--- force has been looked at when it came.
---@param plugins table<string, moongate.Plugin> by name, all that will be in force
---@param loaded string[] names of those that are new
---@return string? problem
function metric_name.clash(plugins, loaded)
  local is_new, taken = {}, {}
  for _, name in ipairs(loaded) do is_new[name] = true end
  local function keep(name) -- what stays has its names
    local other = printed[name]
    if other and plugins[other.plugin] and not is_new[other.plugin] then taken[name] = other end
  end
  for _, name in ipairs(loaded) do
    for own, declared in pairs(plugins[name].metrics) do
      each(declared.metric, keep)
      local problem = take(taken, declared.metric)
      if problem then return ('%s: metric "%s": %s'):format(plugins[name].file, own, problem) end
    end
  end
end

---@param made moongate.Metric that has come into force
function metric_name.enter(made)
  each(made, function(name) printed[name] = made end)
end

--- Its names are free, unless somebody else has them by now.
---@param made moongate.Metric
function metric_name.leave(made)
  each(made, function(name)
    if printed[name] == made then printed[name] = nil end
  end)
end

return metric_name
