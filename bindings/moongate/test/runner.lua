--- moongate test: busted in this process, with moongate.test for its specs.
local test = require "moongate.test"

local PASSED, FAILED, BAD = 0, 1, 2

local function complain(...)
  io.stderr:write("moongate test: ", table.concat { ... }, "\n")
  return BAD
end

--- Tests that end the process would have passed.
local function keep_from_exit(busted)
  local exit = os.exit
  busted.subscribe({ "suite", "start" }, function()
    os.exit = function() error("os.exit: it would end all tests", 2) end -- luacheck: ignore
    return nil, true
  end)
  busted.subscribe({ "suite", "end" }, function()
    os.exit = exit -- luacheck: ignore
    return nil, true
  end)
end

--- Each test ends its gates, also when it fails.
local function attach(busted, outcome)
  keep_from_exit(busted)
  busted.subscribe({ "suite", "start" }, function()
    outcome.has_begun = true
    return nil, true
  end)
  busted.subscribe({ "test", "start" }, function(element)
    local finally = element.env and element.env.finally
    if finally then
      finally(test.finish)
      element.env.finally = function(fn)
        finally(function()
          local ok, problem = pcall(fn)
          test.finish()
          if not ok then error(problem, 0) end
        end)
      end
    end
    return nil, true
  end)
  for _, channel in ipairs { { "error", "before_each" }, { "failure", "before_each" },
    { "suite", "end" } } do
    busted.subscribe(channel, function()
      test.forget()
      return nil, true
    end)
  end
end

--- busted's runner hands its core to this module; so do we come to it, whatever the options are.
local function listen(outcome)
  local busted = require "busted"
  package.loaded.busted = setmetatable({}, { __call = function(_, core)
    busted(core)
    package.loaded.busted = busted
    attach(core, outcome)
  end })
end

local function is_there(path)
  local file = io.open(path, "r")
  if file then file:close() end
  return file ~= nil
end

---@param words string[]
---@return string[] paths
---@return string[] options for busted
local function split(words)
  local paths, options, list = {}, {}, nil
  for _, word in ipairs(words) do
    if word == "--" and not list then list = options else table.insert(list or paths, word) end
  end
  return paths, options
end

local function find_package(module, package_name)
  local ok, problem = pcall(require, module)
  if ok then return true end
  if not tostring(problem):find(("module '%s' not found"):format(module), 1, true) then
    return false, tostring(problem)
  end
  return false, ("%s is not installed; on Debian it is the package %s"):format(
    package_name:match "%-(.*)$", package_name)
end

--- Runs busted, which ends with an error when a test has failed.
local function run(paths, options)
  local outcome = {}
  listen(outcome)
  local words = { [0] = "moongate test", "--ignore-lua" }
  for _, list in ipairs { options, paths } do
    for _, word in ipairs(list) do words[#words + 1] = word end
  end
  _G.arg = words
  -- The name of the chunk is what busted calls itself in messages.
  local chunk = loadstring('require "busted.runner" { standalone = false }', "@moongate test")
  local ok, problem = pcall(chunk)
  if ok then return PASSED end
  if problem ~= nil then return complain(tostring(problem)) end
  return outcome.has_begun and FAILED or BAD
end

---@param folder string of the app
---@param mode "fake"|"live"
---@param ... string paths, "--", and options for busted
---@return integer status
local function main(folder, mode, ...)
  local paths, options = split { ... }
  local ok, problem = find_package("busted.runner", "lua-busted")
  if ok and mode == "live" then ok, problem = find_package("socket", "lua-socket") end
  if not ok then return complain(problem) end
  if not is_there(folder) then return complain("--app ", folder, ": there is no such folder") end
  if not paths[1] then paths[1] = folder .. "/spec" end
  for _, path in ipairs(paths) do
    if not is_there(path) then return complain(path, ": there are no specs") end
  end
  test.use(folder, mode == "live" and require("moongate.test.live").start or nil)
  return run(paths, options)
end

return { main = main }
