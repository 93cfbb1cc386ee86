local luacheck = require "luacheck"
local fake_crypto = require "spec.support.fake_crypto"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local markdown = require "spec.docs.markdown"

local STD = { std = "luajit+busted", max_line_length = 100 }
local UNDEFINED = "113"

--- Globals that the code reads and nothing defines.
local function unknown_globals(code)
  local names = {}
  for _, warning in ipairs(luacheck.check_strings({ code }, STD)[1]) do
    if warning.code == UNDEFINED then names[warning.name] = true end
  end
  return names
end

--- Runs the code as init.lua does what is listed in it.
local function list(entries)
  local files = { init = "return " .. entries }
  for _, path in ipairs(file.list "scripts/*.lua scripts/*/*.lua") do
    local name = path:match "^scripts/(.*)%.lua$"
    files[name] = files[name] or file.read(path)
  end
  return files
end

--- nil, or what is wrong with code that stands for itself: a plugin, a list of plugins, or a spec.
local function problem_of_whole(code)
  local fn, problem = loadstring(code)
  if not fn then return problem end
  local name = next(unknown_globals(code))
  if name then return "nobody gives it " .. name end
  if code:find "%f[%w]it%(" then return end -- a spec, which is run where it belongs
  local value = fn()
  if type(value) ~= "function" and type(value) ~= "table" then
    return "neither a plugin nor a list; is it a piece?"
  end
  local app = list(type(value) == "table" and code:match "return (.*)$" or "nil")
  if type(value) == "function" then app.init, app.router, app.shown = nil, nil, code end
  if code:find '"karma"' then app.karma = "return function() end" end -- docs/guide.md has it
  local ok, why = pcall(fake_gate.load, app, nil, { crypto = fake_crypto.new() })
  return not ok and why or nil
end

--- nil, or what is wrong with a piece: it is not Lua, or its comment is not right.
local function problem_of_piece(code, given)
  local fn, problem = loadstring(code)
  if not fn then return problem end
  local used = unknown_globals(code)
  for name in pairs(used) do
    if not given[name] then return "is not said to be given " .. name end
  end
  for name in pairs(given) do
    if not used[name] then return "is given " .. name .. " for nothing" end
  end
end

local function problem_of(block)
  if block.given then return problem_of_piece(block.code, block.given) end
  return problem_of_whole(block.code)
end

describe("code of Lua in the documentation", function()
  local count = 0

  for _, path in ipairs(markdown.documents()) do
    for _, block in ipairs(markdown.blocks(path, "lua")) do
      count = count + 1
      it(("is what it says it is: %s:%d"):format(path, block.line), function()
        assert.is_nil(problem_of(block))
      end)
    end
  end

  it("is there", function() assert.is_true(count >= 11) end)

  local function problem(text) return problem_of(markdown.split(text)[1]) end

  it("would not get away with a mistake", function()
    assert.matches("'then' expected", problem "```lua\nif x return\n```\n")
    assert.equal("nobody gives it gate", problem "```lua\nreturn { gate.x }\n```\n")
    assert.matches("^neither a plugin", problem "```lua\nlocal x = 1\n```\n")
    assert.matches("attempt to call method 'fly'",
      problem "```lua\nreturn function(gate) gate:fly() end\n```\n")
    assert.matches('nobody', problem '```lua\nreturn { "nobody" }\n```\n')
    assert.equal("is not said to be given token",
      problem "<!-- a piece; given: gate -->\n```lua\ngate.x = token\n```\n")
    assert.equal("is given conn for nothing",
      problem "<!-- a piece; given: conn -->\n```lua\nlocal x = 1\n```\n")
  end)
end)
