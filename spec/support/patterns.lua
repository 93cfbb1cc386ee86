--- What patterns a function matches texts with, for specs of how long that may take: counted by
--- moongate.pattern, so that no clock decides.
local is_cheap = require("moongate.pattern").is_cheap

local NAMES = { "find", "match", "gmatch", "gsub" }

local patterns = {
  -- Look worse than they are: what is taken ends where the next begins, and that is always there,
  -- or the pattern has begun where no other could.
  LINEAR = {
    "^(.*)/[^/]*$", "^(%d+)%-(%d+)$", "^([^/]+)/(%d+)$", "^(%d+)%.(%d+)$", "^(%S-:%d+): ",
    "^([%w_-]+)%.([%w_-]+)%.([%w_-]+)$", "^(%Z*)%z(%Z*)%z()", "^ban:(%l+):(.+)$", "^.-:%d+:",
    "\n\t([^\n]-):(%d+): in ", "([^:]*):", "([^,]*),", "([^\n]*)\n", '([^"]*)"',
    "([^\n]+) (%d+)\n?", "(%Z*)%z", "^%Z*%z%Z*%z(%Z*)%z", "^%S+:%d+: ",
    "^%S*moongate/membrane_%a+%.lua:%d+: ",
  },
}

local is_linear = {}
for _, pattern in ipairs(patterns.LINEAR) do is_linear[pattern] = true end

local function is_cheap_for(pattern, text)
  return is_linear[pattern] or is_cheap(pattern, #tostring(text))
end

--- Calls fn(...). Those that would be refused to a guarded plugin for what they are matched with,
--- and how many matches there were in all.
---@param fn function
---@return string[] expensive
---@return integer count
function patterns.of(fn, ...)
  local plain, expensive, count, is_counting = {}, {}, 0, true
  for _, name in ipairs(NAMES) do
    plain[name] = string[name]
    rawset(string, name, function(text, pattern, init, is_plain)
      if is_counting then
        is_counting, count = false, count + 1
        if not (name == "find" and is_plain) and not is_cheap_for(pattern, text) then
          expensive[#expensive + 1] = pattern
        end
        is_counting = true
      end
      return plain[name](text, pattern, init, is_plain)
    end)
  end
  local ok, problem = pcall(fn, ...)
  for _, name in ipairs(NAMES) do rawset(string, name, plain[name]) end
  if not ok then error(problem, 0) end
  return expensive, count
end

return patterns
