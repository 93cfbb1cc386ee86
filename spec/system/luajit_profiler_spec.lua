local client = require "spec.support.client"
local server = require "spec.support.server"
local signal = require "posix.signal"
local unistd = require "posix.unistd"
local wait = require "posix.sys.wait"

-- ThreadSanitizer keeps signals back while a thread calls no C function.
if server.BINARY:find "tsan" then return end

local SIGPROF = 27 -- of Linux; luaposix has no name for it

-- Loops that LuaJIT has not compiled yet; each is one trace, which begins at its `next`.
local PLUGIN = [[return function(gate)
  gate:on("compile", function()
    local keyed, total = {}, 0
    for n = 1, 60 do keyed["k" .. n] = n end
    for _ = 1, 400 do
      local add = loadstring "local t, n = ... for _, v in next, t do n = n + v end return n"
      for _ = 1, 3 do total = add(keyed, total) end
    end
    return { total = total }
  end)
end]]

--- Interrupts a process as LuaJIT's profiler does, but all the time.
---@return fun() calm
local function interrupt(pid)
  local storm = unistd.fork()
  if storm == 0 then
    while signal.kill(pid, SIGPROF) == 0 do
      for _ = 1, 100 do os.clock() end -- some microseconds, or it gets no further
    end
    unistd._exit(0)
  end
  return function()
    signal.kill(storm, signal.SIGKILL)
    wait.wait(storm)
  end
end

describe("what LuaJIT runs", function()
  it("goes on when it is interrupted while it changes how instructions are run", function()
    local house = server.start { plugins = { fresh = PLUGIN, init = [[return {
      "auth", "rooms", "messages", "router", "fresh", trust = "trusted",
      budget = { hard_ms = 5000 } }]] } }
    local ann = client.guest(house.port, "ann", "tea")
    local calm = interrupt(house.pid)
    local is_fine, problem = pcall(function()
      for _ = 1, 250 do
        assert.equal(400 * 3 * 60 * 61 / 2, ann:asks({ type = "compile" }).data.total)
      end
    end)
    calm()
    ann:close()
    house:stop()
    assert(is_fine, problem)
  end)
end)
