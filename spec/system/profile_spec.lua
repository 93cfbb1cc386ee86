local file = require "spec.support.file"
local operator = require "spec.support.operator"
local server = require "spec.support.server"
local signal = require "posix.signal"
local unistd = require "posix.unistd"

-- ThreadSanitizer keeps signals back while a thread calls no C function.
if server.BINARY:find "tsan" then return end

-- Two functions that burn CPU time at 2:1, called often, and C that Lua calls.
local BURN = [[return function(gate)
  local function burn_two(n)
    local sum = 0
    for i = 1, n do
      sum = sum + (i % 7) * 2
    end
    return sum
  end

  local function burn_one(n)
    local sum = 0
    for i = 1, n do
      sum = sum + (i % 7) * 2
    end
    return sum
  end

  gate:every(1, function()
    for _ = 1, 5 do
      burn_two(100000)
      burn_one(50000)
    end
  end)
end]]

local TALK = [[return function(gate)
  local text = ("x"):rep(100000)
  gate:every(1, function()
    for _ = 1, 300 do
      gate:is_utf8(text)
    end
  end)
end]]

describe("a profile", function()
  local house, path, prefix

  before_each(function() path, prefix = operator.free_path(), file.free_path() end)
  after_each(function()
    house:stop()
    os.remove(prefix .. ".folded")
    os.remove(prefix .. ".svg")
  end)

  local function start(plugins)
    house = server.start { arguments = { "--admin", path }, plugins = plugins, is_patient = true }
  end

  local function ctl(...) return server.run_to_end { "ctl", "--admin", path, ... } end

  --- Samples of the stacks with this (a pattern).
  local function count(folded, pattern)
    local sum = 0
    for stack, ticks in folded:gmatch "([^\n]+) (%d+)\n" do
      if stack:find(pattern) then sum = sum + tonumber(ticks) end
    end
    return sum
  end

  it("shows the functions of a plugin by their share of the time", function()
    start { burn = BURN }
    local status, out, err = ctl("profile", "--seconds", "3", "--output", prefix)
    assert.same({ 0, "" }, { status, err })
    assert.matches("%d+ samples, one each 4.7 ms: the logic thread was busy for %d+ %% of 3 s", out)
    local folded = file.read(prefix .. ".folded")
    local two = count(folded, "^burn;.*;burn%.lua:burn_two:2$")
    local one = count(folded, "^burn;.*;burn%.lua:burn_one:10$")
    assert.is_true(two + one > 30, folded)
    assert.is_true(two > 1.4 * one and two < 2.8 * one, folded)
    assert.equal("", file.output(("xmllint --noout %s.svg 2>&1; true"):format(prefix)))
    assert.matches("burn.lua:burn_two:2", file.read(prefix .. ".svg"), 1, true)
  end)

  it("shows C where Lua calls it, and one plugin alone", function()
    start { burn = BURN, talk = TALK }
    assert.equal(0, (ctl("profile", "--seconds", "2", "--plugin", "talk", "--output", prefix)))
    local folded = file.read(prefix .. ".folded")
    assert.is_true(count(folded, "^talk;.*talk%.lua:.*;moongate:moon_%w*utf8") > 5, folded)
    assert.equal(count(folded, ""), count(folded, "^talk"))
  end)

  it("is one at a time, and ends with whoever has asked", function()
    start { burn = BURN }
    local pid = unistd.fork()
    if pid == 0 then
      unistd.execp(server.BINARY, { "ctl", "--admin", path, "profile", "--seconds", "50",
        "--output", prefix })
      unistd._exit(127)
    end
    house:logs "asked for profile"
    local status, _, err = ctl("profile", "--seconds", "0.1", "--output", prefix)
    assert.same({ 1, "moongate ctl: another profile is being taken\n" }, { status, err })
    signal.kill(pid, signal.SIGKILL)
    server.eventually("the next profile", function()
      return (ctl("profile", "--seconds", "0.1", "--output", prefix)) == 0
    end)
    require("posix.sys.wait").wait(pid)
  end)

  it("says what it was asked wrongly", function()
    start {}
    for words, problem in pairs {
      ["--seconds 51"] = 'argument "seconds": expected a number from 0.1 to 50, got "51"',
      ["--plugin fly"] = 'there is no plugin "fly"',
      ["--fly"] = "profile: --fly: unknown; see --help",
    } do
      local arguments = { "profile" }
      for word in words:gmatch "%S+" do arguments[#arguments + 1] = word end
      local status, out, err = ctl(unpack(arguments))
      assert.same({ 2, "" }, { status, out })
      assert.matches(problem, err, 1, true)
    end
  end)
end)
