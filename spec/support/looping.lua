--- A plugin that does not come to an end, in each place where code of a plugin runs, for a spec and
--- for a bench: most loops are those of the study that the watchdog is made after.

local looping = {}

looping.LOOPS = {
  "while true do end",
  "local x = 0 while true do x = x + 1 end",
  "local function f(a) return a + 1 end local x = 0 while true do x = f(x) end",
  "local t = {} for i = 1, 1e12 do t[i % 100] = i end",
  "local s = string.rep('a', 20) .. 'b' while true do s:find('.-.-.-.-c') end",
  "while true do pcall(function() while true do end end) end",
  "coroutine.wrap(function() while true do end end)()",
  "while true do local s = {} for i = 1, 100 do s[i] = tostring(i) end end",
  "local function r(n) return r(n + 1) + 1 end while true do pcall(r, 1) end",
  "while true do xpcall(function() error('x') end, function() while true do end end) end",
  "while true do coroutine.wrap(function() coroutine.yield() end)() end",
  "while true do xpcall(function() while true do end end, function() while true do end end) end",
  "local a = require('ffi').new('int[100]') while true do for i = 0, 99 do a[i] = a[i] + 1 end end",
}

local PLUGIN = [[return function(gate)
  local loops = {
    %s
  }
  gate:on("loop", function(_, message) loops[message.n]() end)
  gate:on("filtered", function() return true end)
  gate:before("filtered", function(_, message) loops[message.n]() end)
  gate:on("timed", function(_, message)
    gate:after_ms(1, function() loops[message.n]() end)
  end)
  gate:room_kind("hall", { tick_hz = 60, tick = function(room)
    local n = room.state.n
    room.state.n = nil
    if n then loops[n]() end
  end })
  gate:on("ticked", function(_, message)
    gate:open_room("hall", "h")
    gate:room("h").state.n = message.n
  end)
  gate:on("chain", function(conn)
    local _, other = next(gate:user("bob").conns)
    while conn ~= other do gate:request(other, { type = "ping" }, function() end) end
  end)
  gate:on("again", function(conn, message)
    gate:request(conn, { type = "again", n = (message.n or 0) + 1 }, function() end)
    gate.state.rounds = (gate.state.rounds or 0) + 1
    return {}
  end)
  gate:on("rounds", function() return { rounds = gate.state.rounds or 0 } end)
  gate:on("build", function()
    for n = 1, 1e12 do gate:open_room("floor", "floor" .. n) end
  end)
  gate:on("deaf", function()
    local text = ("a"):rep(180)
    string.find(text, ".-.-.-b") -- not the method, which refuses it
    while true do end
  end)
  gate:on("yields", function()
    coroutine.yield()
    while true do end
  end)
  gate:on("late", function() return string.find(string.rep("a", 180), ".-.-.-b") end)
  gate:on("fine", function() return { is_fine = true } end)
end]]

---@return string text of the plugin
function looping.plugin()
  local fns = {}
  for i, loop in ipairs(looping.LOOPS) do fns[i] = ("function() %s end,"):format(loop) end
  return PLUGIN:format(table.concat(fns, "\n    "))
end

--- A kind of rooms for others to open.
looping.FLOOR = [[return function(gate)
  gate:room_kind("floor", { opened = function() end })
end]]

return looping
