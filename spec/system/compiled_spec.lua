local crowd = require "spec.support.crowd"
local json = require "cjson"
local server = require "spec.support.server"

-- examples/relay.lua, and beside it one who knows what LuaJIT has compiled.
local RELAY = assert(io.open "examples/relay.lua"):read "*a"
local WITNESS = [[
local util = require "jit.util"
local begun = {} -- number of a trace -> where it begins

jit.attach(function(what, number, func, pc)
  if what == "start" then begun[number] = util.funcinfo(func, pc).loc end
end, "trace")

return function(gate)
  gate:raw("/traces", { received = function(conn)
    local traces = {}
    for number, where in pairs(begun) do
      local info = util.traceinfo(number)
      if info then traces[#traces + 1] = { where = where, link = info.linktype } end
    end
    conn:send(traces)
  end })
end]]

describe("the way of a message through Lua", function()
  it("is one compiled loop when a relay is busy", function()
    local house = server.start { tls = false, plugins = { relay = RELAY, witness = WITNESS } }
    local heard = 0
    local many = crowd.connect(house.port, 50, "/relay/tea", {
      heard = function() heard = heard + 1 end,
    }):enter()
    for round = 1, 40 do
      for n = 1, 50 do
        for _ = 1, 4 do many[n]:send "hello" end
      end
      many:run(function() return heard == round * 50 * 4 * 50 end)
    end
    local traces
    local witness = crowd.connect(house.port, 1, "/traces", {
      heard = function(_, text) traces = json.decode(text) end,
    }):enter()
    witness[1]:send "?"
    witness:run(function() return traces end)
    local loops = 0
    for _, trace in ipairs(traces) do
      if trace.where:find "loop.lua" and trace.link == "loop" then loops = loops + 1 end
    end
    assert.is_true(loops >= 1, json.encode(traces))
    many:leave()
    witness:leave()
    house:stop()
  end)
end)
