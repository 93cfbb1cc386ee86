local operator = require "spec.support.operator"
local server = require "spec.support.server"
local client = require "spec.support.client"

local TEA = [[
cups = 3
return function(gate)
  gate.state.brewed = { black = 1 }
  gate:on("cups", function() return { cups = cups } end)
end]]

describe("the console", function()
  local house, path

  before_each(function()
    path = operator.free_path()
    house = server.start { arguments = { "--admin", path }, plugins = { tea = TEA } }
  end)
  after_each(function() if house then house:stop() end end)

  local function ctl(...)
    return { server.run_to_end { "ctl", "--admin", path, "console", "--plugin", "tea", ... } }
  end

  it("evaluates in the environment of a plugin, read-only", function()
    assert.same({ 0, "4\n", "" }, ctl("--eval", "cups + 1"))
    assert.same({ 0, "{ black = 1 }\n", "" }, ctl("--eval", "state.brewed"))
    assert.same({ 1, "", 'moongate ctl: console:1: read-only: the global "cups" cannot be set; '
      .. "moongate ctl console --write lets it\n" }, ctl("--eval", "cups = 9"))
    house:logs ", read-only: cups = 9: failed: "
  end)

  it("changes what clients see with --write", function()
    local ann = client.guest(house.port, "ann", "tea")
    assert.same({ 0, "", "" }, ctl("--write", "--eval", "cups = 9"))
    assert.equal(9, ann:asks({ type = "cups" }).data.cups)
    house:logs ", may write: cups = 9: done after "
  end)

  it("has said in the log what ends the server", function()
    -- Without what os.exit() does on the way, which with sanitizers looks for leaks.
    local code = "ffi = require 'ffi' ffi.cdef 'void _exit(int)' ffi.C._exit(3)"
    assert.equal(2, ctl("--write", "--eval", code)[1])
    local log = house:ends(3)
    house = nil
    assert.is_truthy(log:find((", may write: %s: begins\n"):format(code), 1, true), log)
  end)

  it("is stopped by the watchdog, and the plugin goes on", function()
    if server.BINARY:find "tsan" then return end -- which keeps signals back
    local ann = client.guest(house.port, "ann", "tea")
    for _ = 1, 4 do -- more often than would switch it off
      local status, _, err = unpack(ctl("--eval", "while true do pcall(error) end"))
      assert.equal(1, status)
      assert.matches("time budget exceeded: 500 ms without a pause", err, 1, true)
    end
    assert.equal(3, ann:asks({ type = "cups" }).data.cups)
  end)

  it("goes on after bytecode, and after a pattern that nobody could stop", function()
    local status, _, err = unpack(ctl("--eval", "\27LJ\2\2"))
    assert.equal(1, status)
    assert.matches("attempt to load chunk with wrong mode", err, 1, true)
    local code = 'return string.find(("a"):rep(30000), (".-"):rep(20) .. "b")'
    for _, words in ipairs { { "--eval", code }, { "--write", "--eval", code } } do
      status, _, err = unpack(ctl(unpack(words)))
      assert.equal(1, status)
      assert.matches("string.find: pattern too expensive", err, 1, true)
    end
    assert.same({ 0, "3\n", "" }, ctl("--eval", "cups"))
  end)

  it("shows a guarded plugin's gate as the plugin sees it", function()
    house:stop()
    house = server.start { arguments = { "--admin", path }, plugins = { tea = TEA },
      is_guarded = true }
    local status, out = unpack(ctl("--eval", "gate"))
    assert.equal(0, status)
    assert.matches("  rooms = <function ", out, 1, true)
    assert.same({ 1, "", 'moongate ctl: read-only: this function might change '
      .. "something; moongate ctl console --write lets it\n" }, ctl("--eval", "gate:warn 'x'"))
  end)

  it("waits where a task may", function()
    assert.same({ 0, "true\n", "" },
      ctl("--eval", "local begun = gate:now_ms() gate:sleep(30) return gate:now_ms() > begun"))
  end)

  it("reads lines, and goes on after one that fails", function()
    local command = ("printf '%%s\\n' 'cups' 'for i = 1, 2 do' 'print(i)' 'end' 'oh()' '1' | "
      .. "%s ctl --admin %s console --plugin tea"):format(server.BINARY, path)
    local status, out, err = server.run_to_end({ "-c", command }, "/bin/sh")
    assert.same({ 0, "3\n1\n2\n1\n" }, { status, out })
    assert.equal("console:1: attempt to call global 'oh' (a nil value)\n", err)
  end)

  it("says which plugins there are", function()
    local status, out, err = server.run_to_end { "ctl", "--admin", path, "console", "--eval", "1" }
    assert.same({ 2, "" }, { status, out })
    assert.matches("^moongate ctl: which plugin; there are: .*tea", err)
  end)
end)
