local crowd = require "spec.support.crowd"
local json = require "cjson"
local file = require "spec.support.file"
local server = require "spec.support.server"

-- examples/relay.lua, and beside it one who counts what is interpreted: LuaJIT calls no hook
-- from compiled code. How its traces hang together is a matter of chance, this is not.
local RELAY = file.read "examples/relay.lua"
local WITNESS = [[
local interpreted = 0 -- VM instructions

return function(gate)
  gate:raw("/count", { received = function(conn, what)
    if what == "begin" then
      debug.sethook(function() interpreted = interpreted + 1 end, "", 1)
    else
      debug.sethook()
    end
    conn:send { interpreted = interpreted }
  end })
end]]

local MEMBERS, EACH = 50, 4

--- One member after the other says something EACH times, and all hear it.
local function talk(many, heard, rounds)
  for _ = 1, rounds do
    local goal = heard.count + MEMBERS * EACH * MEMBERS
    for n = 1, MEMBERS do
      for _ = 1, EACH do many[n]:send "hello" end
    end
    many:run(function() return heard.count == goal end)
  end
end

describe("the way of a message through Lua", function()
  it("is compiled when a relay is busy", function()
    local house = server.start { tls = false, plugins = { relay = RELAY, witness = WITNESS } }
    local heard, answer = { count = 0 }, nil
    local many = crowd.connect(house.port, MEMBERS, "/relay/tea", {
      heard = function() heard.count = heard.count + 1 end,
    }):enter()
    local witness = crowd.connect(house.port, 1, "/count", {
      heard = function(_, text) answer = json.decode(text) end,
    }):enter()
    local function ask(what)
      answer = nil
      witness[1]:send(what)
      witness:run(function() return answer end)
      return answer.interpreted
    end
    talk(many, heard, 40)
    ask "begin"
    talk(many, heard, 10)
    local each = ask "end" / (10 * MEMBERS * EACH)
    assert.is_true(each < 10, ("%.1f instructions interpreted for each message"):format(each))
    many:leave()
    witness:leave()
    house:stop()
  end)
end)
