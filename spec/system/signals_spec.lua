local client = require "spec.support.client"
local server = require "spec.support.server"
local signal = require "posix.signal"

local SPIN = [[return function(gate)
  local function spin() gate:info "spinning" while true do end end
  gate:raw("/spin", { received = spin })
  gate:raw("/last", { closed = spin })
end]]

describe("a script that does not return", function()
  local house, guest

  local function start(path, ...)
    house = server.start { is_patient = true, plugins = { spin = SPIN }, arguments = { ... } }
    guest = client.connect(house.port, path)
  end

  local function spins()
    guest:send_text "x"
    house:logs "spinning"
  end

  after_each(function() guest:cut() end)

  it("is ended with the process when the grace is over", function()
    start("/spin", "--stop-grace-ms", "300")
    spins()
    house:signal(signal.SIGTERM)
    house:expects "signals: a script has not returned for 300 ms: ended without it"
    assert.equal(1, select(2, house:ends(1):gsub("ended without it", "")))
  end)

  it("is ended at a second signal, without any grace", function()
    start("/spin", "--stop-grace-ms", "600000")
    spins()
    house:signal(signal.SIGTERM)
    house:logs "stopping on Terminated"
    house:signal(signal.SIGINT)
    house:expects "signals: a script has not returned: ended without it, on a second signal"
    house:ends(1)
  end)

  it("is ended as well when it begins to spin while the server stops", function()
    start("/last", "--stop-grace-ms", "300")
    house:signal(signal.SIGTERM)
    guest:is_closed()
    guest:cut()
    house:logs "spinning"
    house:expects "ended without it"
    house:ends(1)
  end)

  it("loses no SIGHUP: what it was too busy for happens when it returns", function()
    house = server.start { is_patient = true, plugins = { busy = [[return function(gate)
      gate:raw("/busy", { received = function()
        gate:info "busy"
        local stop = gate:now_ms() + 300
        while gate:now_ms() < stop do end
      end })
    end]] } }
    guest = client.connect(house.port, "/busy")
    guest:send_text "x"
    house:logs "busy"
    house:signal(signal.SIGHUP)
    house:logs "nothing has changed, generation 1 goes on"
    house:stop()
  end)
end)

describe("a second signal", function()
  it("ends a server that waits for its clients, and says so", function()
    local house = server.start { arguments = { "--close-timeout-ms", "60000" } }
    local mute = client.guest(house.port, "mute")
    house:signal(signal.SIGTERM)
    local opcode -- its Close says that the scripts have heard of the stop
    repeat opcode = mute:read_frame() until opcode == client.CLOSE or not opcode
    house:signal(signal.SIGTERM)
    house:expects "signals: ended on a second signal, before all was brought to its end"
    house:ends(1)
    mute:cut()
  end)
end)
