local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"
local signal = require "posix.signal"
local socket = require "socket"

local function counter(version)
  return ([[return function(gate)
    gate.state.count = gate.state.count or 0
    gate:on("count", function()
      gate.state.count = gate.state.count + 1
      return { count = gate.state.count, version = %d }
    end)
  end]]):format(version)
end

describe("a reload", function()
  local house

  before_each(function() house = server.start { plugins = { counter = counter(1) } } end)
  after_each(function() house:stop() end)

  it("loses and doubles nothing under a thousand messages a second", function()
    local ann = client.guest(house.port, "ann", "tea")
    local total, reloads = 3000, 0
    local sent, answered, heard, versions = 0, 0, 0, {}
    local started = socket.gettime()
    ann.socket:settimeout(30)
    while answered < total or heard < total do
      local due = math.min(total, math.floor((socket.gettime() - started) * 1000))
      while sent < due do
        sent = sent + 1
        ann:says { type = "count", id = sent }
        ann:says { type = "say", room = "tea", data = sent }
        if sent % 500 == 0 and reloads < 5 then
          reloads = reloads + 1
          house:save("counter", counter(reloads + 1))
        end
      end
      while answered < sent or heard < sent do
        local message = ann:next()
        if message.type == "said" then
          heard = heard + 1
          assert.equal(heard, message.data)
        elseif message.data.count then
          answered = answered + 1
          assert.equal(answered, message.id)
          assert.equal(answered, message.data.count) -- gate.state has survived
          versions[message.data.version] = true
        end
      end
    end
    house:logs "generation 6:"
    repeat
      local reply = ann:asks { type = "count" }
      versions[reply.data.version] = true
    until reply.data.version == 6
    assert.is_true(versions[1])
    ann:close()
  end)

  it("changes nothing but the log when the new code does not load", function()
    local ann = client.guest(house.port, "ann", "tea")
    house:expects "not reloaded"
    house:save("counter", "return function(gate)\n  gate:on('count' function() end)\nend")
    house:logs "not reloaded, generation 1 goes on"
    assert.is_truthy(house:log():find("counter.lua:2: ", 1, true))
    assert.equal(1, ann:asks({ type = "count" }).data.count)
    house:save("counter", "return function(gate) gate.state.count = 1000; error 'no' end")
    house:logs "counter.lua:1: no"
    local reply = ann:asks { type = "count" }
    assert.same({ count = 2, version = 1 }, reply.data)
    house:save("counter", counter(3))
    house:logs "generation 2:"
    assert.same({ count = 3, version = 3 }, ann:asks({ type = "count" }).data)
    ann:close()
  end)

  it("finds a new file, and happens on SIGHUP, too", function()
    local ann = client.guest(house.port, "ann")
    house:save("wave", "return function(gate) gate:on('wave', function() return {} end) end")
    house:logs "generation 2: wave (new), "
    assert.is_true(ann:asks({ type = "wave" }).ok)
    house:signal(signal.SIGHUP)
    house:logs "nothing has changed, generation 2 goes on"
    assert.is_true(ann:asks({ type = "wave" }).ok)
    ann:close()
  end)

  it("sees modules in folders that came later", function()
    local ann = client.guest(house.port, "ann")
    local function save_module(value)
      file.write(house.app .. "/lib/deep/value.lua", "return " .. value)
    end
    file.run("mkdir -p " .. house.app .. "/lib/deep")
    house:logs "nothing has changed, generation 1 goes on"
    save_module(1)
    house:save("value", [[return function(gate)
      local value = require "lib.deep.value"
      gate:on("value", function() return { value = value } end)
    end]])
    server.eventually("the module", function()
      return (ann:asks { type = "value" }.data or {}).value == 1
    end)
    save_module(2)
    server.eventually("the changed module", function()
      return ann:asks({ type = "value" }).data.value == 2
    end)
    ann:close()
  end)

  it("closes the connections of a path that nothing serves any more", function()
    house:save("echo", "return function(gate) gate:raw('/echo', {}) end")
    house:logs "generation 2:"
    local raw = server.eventually("the new path", function()
      local ok, conn = pcall(client.connect, house.port, "/echo")
      return ok and conn
    end)
    house:save("echo", "return function() end")
    house:logs "generation 3:"
    assert.equal(4404, (raw:is_closed()))
  end)

  it("keeps what a plugin counts, at /metrics of each thread", function()
    local ann = client.guest(house.port, "ann")
    local function save(more)
      house:save("votes", [[return function(gate)
        local given = gate:counter("given_total", { about = "Votes given." })
        gate:on("vote", function() given:add() return {} end)
      end]] .. more)
    end
    save ""
    house:logs "generation 2: votes (new)"
    ann:asks { type = "vote" }
    save "\n"
    house:logs "generation 3: votes (changed)"
    ann:asks { type = "vote" }
    server.eventually("the metric", function()
      return house:metrics()["plugin_votes_given_total"] == 2
    end)
    ann:close()
  end)
end)
