--- Steps that bring a state up to the code that takes over, and copies to take them back: what is
--- in a table changes in place, so that old references stay good.
local memory = require "moongate.memory"
local runs = require "moongate.run"
local task = require "moongate.task"
local traceback = require "moongate.traceback"

local migration = {}

---@class moongate.Step
---@field version integer from 1
---@field fn fun(state: table)

local set_metatable = debug.setmetatable -- a plugin may protect that of its state

local PAGE = 8192 -- keys and values in a table: one that grows is there twice for a moment

---@class moongate.Copies what is in some tables, in their order
---@field originals table[]
---@field sizes integer[] pairs of each
---@field pages any[][] all keys and values, one after the other

--- No closure: what is compiled would hold one, with all that it refers to.
local function note(originals, count, seen, value)
  if seen[value] or getmetatable(value) ~= nil then return count end
  originals[count + 1], seen[value] = value, true
  return count + 1
end

--- What is in all tables that can be reached. A list instead of recursion: a state may be a long
--- chain. Objects are not looked into: they belong to others. Raises for want of memory.
---@param root table
---@return moongate.Copies
function migration.copy(root)
  local originals, sizes, seen, count = { root }, {}, { [root] = true }, 1
  local page, used = {}, 0
  local pages = { page }
  local i = 1
  while i <= count do
    local size = 0
    for k, v in next, originals[i] do
      if used == PAGE then
        memory.check()
        page, used = {}, 0
        pages[#pages + 1] = page
      end
      page[used + 1], page[used + 2] = k, v
      used, size = used + 2, size + 1
      if type(k) == "table" then count = note(originals, count, seen, k) end
      if type(v) == "table" then count = note(originals, count, seen, v) end
    end
    sizes[i], i = size, i + 1
  end
  return { originals = originals, sizes = sizes, pages = pages }
end

--- Of a table that there was not.
---@return moongate.Copies
function migration.nothing(root) return { originals = { root }, sizes = { 0 }, pages = {} } end

--- As often as it is called.
---@param kept moongate.Copies
function migration.put_back(kept)
  local number, page, used = 1, kept.pages[1], 0
  for i, original in ipairs(kept.originals) do
    set_metatable(original, nil) -- it had none, or it was no data already
    for k in next, original do original[k] = nil end
    for _ = 1, kept.sizes[i] do
      if used == PAGE then number, page, used = number + 1, kept.pages[number + 1], 0 end
      original[page[used + 1]] = page[used + 2]
      used = used + 2
    end
  end
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
