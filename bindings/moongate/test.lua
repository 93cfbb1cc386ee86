--- For specs of plugins, under moongate test: a gateway for each test. Not in a running server.
--
--   local test = require "moongate.test"
--
--   it("answers in capitals", function()
--     local gate = test.gate { "shout" }
--     local ann = gate:connect { user = "ann" }
--     assert.same({ text = "HI" }, ann:ask("shout", { text = "hi" }))
--   end)
local fake = require "moongate.test.fake"
local gates = require "moongate.test.gate"

local test = {
  is_live = false, -- whether the specs run against real servers
  folder = ".",    -- of the app
}

local start = fake.start
local running = {} -- list of moongate.TestGate

--- For the runner.
---@param folder string
---@param starter? function live.start
function test.use(folder, starter)
  test.folder, test.is_live, start = folder, starter ~= nil, starter or fake.start
end

--- A gateway with these plugins, and those that they need. It ends with the test, which fails if
--- something was logged as an error, or fetched, that it did not expect.
---@param plugins table names of the app's plugins; entries as in init.lua, { "rooms", options =
--- { ... } }; or name = "text"
---@return moongate.TestGate
function test.gate(plugins)
  if type(plugins) ~= "table" then
    error('test.gate: expected a table as { "shout" }, got a ' .. type(plugins), 2)
  end
  local gate, problem = gates.new(start, test.folder, plugins)
  if not gate then error("test.gate: " .. problem, 2) end
  running[#running + 1] = gate
  return gate
end

--- Ends the gates of a test. Raises why it fails.
function test.finish()
  local problems = {}
  while running[1] do
    local found = table.remove(running):finish()
    for _, problem in ipairs(found) do problems[#problems + 1] = problem end
  end
  if problems[1] then error(table.concat(problems, "\n"), 0) end
end

--- Ends them, whatever they have to say: the test has failed before it began.
function test.forget() pcall(test.finish) end

return test
