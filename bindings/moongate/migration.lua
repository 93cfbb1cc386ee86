--- Steps that bring a state up to the code that takes over, and copies to take them back: what is
--- in a table changes in place, so that old references stay good.
local runs = require "moongate.run"
local task = require "moongate.task"
local traceback = require "moongate.traceback"

local migration = {}

---@class moongate.Step
---@field version integer from 1
---@field fn fun(state: table)

local set_metatable = debug.setmetatable -- a plugin may protect that of its state

--- All tables that can be reached, each with a copy of itself. A list instead of recursion:
--- a state may be a long chain. Objects are not looked into: they belong to others.
---@param root table
---@return { originals: table[], copies: table[] }
function migration.copy(root)
  local originals, copies, seen, count = { root }, {}, { [root] = true }, 1
  local function note(value)
    if seen[value] or getmetatable(value) ~= nil then return end
    count = count + 1
    originals[count], seen[value] = value, true
  end
  local i = 1
  while i <= count do
    local copy = {}
    for k, v in next, originals[i] do
      copy[k] = v
      if type(k) == "table" then note(k) end
      if type(v) == "table" then note(v) end
    end
    copies[i], i = copy, i + 1
  end
  return { originals = originals, copies = copies }
end

local function fill(original, copy)
  set_metatable(original, nil) -- it had none, or it was no data already
  for k in next, original do original[k] = nil end
  for k, v in next, copy do original[k] = v end
end

--- As often as it is called.
---@param kept { originals: table[], copies: table[] }
function migration.put_back(kept)
  for i, original in ipairs(kept.originals) do fill(original, kept.copies[i]) end
end

-- ---- steps ----

---@param by_version? table<integer, function>
---@return moongate.Step[] ascending
function migration.steps(by_version)
  local steps = {}
  for version, fn in pairs(by_version or {}) do
    steps[#steps + 1] = { version = version, fn = fn }
  end
  table.sort(steps, function(a, b) return a.version < b.version end)
  return steps
end

---@param steps moongate.Step[] ascending
---@return integer version of what has seen all of them
function migration.newest(steps) return steps[#steps] and steps[#steps].version or 0 end

local function brief(value)
  local kind = type(value)
  if kind == "string" then return ("%q"):format(value:sub(1, 60)) end
  return (kind == "number" or kind == "boolean") and tostring(value)
end

--- Simple locals of the app's function that has failed: which key was being worked on.
local function locals_of_culprit()
  local level, words = task.level_of_app(), {}
  if level == 0 then return "" end
  for i = 1, 32 do
    local name, value = debug.getlocal(level, i)
    if not name then break end
    local text = name:sub(1, 1) ~= "(" and brief(value) -- those in parentheses are LuaJIT's own
    if text then words[#words + 1] = ("%s = %s"):format(name, text) end
  end
  return words[1] and " (with " .. table.concat(words, ", ") .. ")" or ""
end

local function describe(problem)
  return tostring(traceback(problem)):match "^[^\n]*" .. locals_of_culprit()
end

local function run(plugin, step, state)
  local outer, outer_doing = runs.enter_loading(plugin, "migrate")
  local ok, problem = xpcall(step.fn, describe, state)
  if runs.leave(outer, outer_doing) then return false, problem or "time budget exceeded" end
  return ok, problem
end

--- Runs the steps that a state of this version has not seen yet.
---@param plugin moongate.Plugin
---@param steps moongate.Step[]
---@param version integer
---@param state table
---@return string? problem which has failed, and why; the caller puts the state back
function migration.run(plugin, steps, version, state)
  for _, step in ipairs(steps) do
    if step.version > version then
      local ok, problem = run(plugin, step, state)
      if not ok then
        return ("the migration to version %d failed: %s"):format(step.version, problem)
      end
    end
  end
end

return migration
