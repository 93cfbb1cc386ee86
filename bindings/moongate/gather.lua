--- Several tasks at once, and the wait for all of them: they are a part of the one that waits.
local task = require "moongate.task"

local function settle(state, i, ok, value)
  state.left = state.left - 1
  state.results[i] = value
  if not ok and not state.problem then
    state.problem = { value }
    for _, worker in ipairs(state.workers) do
      task.cancel(worker, "another task of the same gate:gather has failed")
    end
  end
  if state.left == 0 or state.problem then state.done() end
end

local function start(state, fns)
  local parent = task.here()
  for i, fn in ipairs(fns) do
    if state.problem then break end
    state.workers[i] = task.run(function()
      task.here().parent = parent
      task.if_given_up(function(why) settle(state, i, false, why) end, "a task of it was given up")
      settle(state, i, pcall(fn))
    end)
  end
end

--- See gate:gather. A child of a task that is cancelled is cancelled, too.
---@param fns (fun(): any)[]
---@return any ...
local function gather(fns)
  local state = { left = #fns, results = {}, workers = {} }
  if #fns == 0 then return end
  local ok, problem = pcall(task.wait, "gate:gather", function(done)
    state.done = done
    start(state, fns)
  end)
  if not ok then
    state.done = function() end
    for _, worker in ipairs(state.workers) do task.cancel(worker, "its gate:gather has ended") end
    error(problem, 0)
  end
  if state.problem then error(state.problem[1], 0) end
  return unpack(state.results, 1, #fns)
end

return gather
