local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local guarded = require "spec.support.guarded"

describe("the gate of a guarded plugin", function()
  local RACE = [[return function(gate)
    gate:room_kind("race", { opened = function() end })
    gate:on("open", function(conn)
      gate:open_room("race", "r"):add(conn)
      gate:room("tea"):add(conn)
    end)
  end]]

  local function problem_of(code, capabilities)
    local ok, problem = pcall(fake_gate.load, {
      init = ("return { { 'shop', capabilities = { %s } } }"):format(capabilities or ""),
      shop = "return function(gate)\n  " .. code .. "\nend" })
    return not ok and problem or nil
  end

  local function lacks(what, name, line)
    return ('^/%%S+/shop.lua:%d: %s: plugin "shop" has not the capability "%s": add capabilities = '
      .. '{ "%s" } to it in /%%S+/init.lua$'):format(line or 2, what, name, name)
  end

  it("needs capabilities for what reaches further", function()
    for name, code in pairs {
      http = "gate:http('GET', '/x', print)", store = "local s = gate.store return s",
      fetch = "gate:fetch 'http://x'",
    } do
      local what = name == "store" and "gate.store" or "gate:" .. name
      assert.matches(lacks(what, name), problem_of(code), code)
      local problem = problem_of(code, ('"%s"'):format(name))
      assert.is_truthy(not problem or problem:find("only in a task", 1, true), problem)
    end
    local durable = "gate:room_kind('race', { durable = true })"
    assert.matches(lacks("gate:room_kind, durable", "store"), problem_of(durable))
    assert.is_nil(problem_of(durable, '"store"'))
    assert.is_nil(problem_of "gate:room_kind('race', { durable = false })")
  end)

  it("has the whole functions with them", function()
    local a = guarded.load(nil, '"store", "fetch"')
    assert.equal("true 5", a:run [[local ok = gate.store:put("k", 5)
      return tostring(ok) .. " " .. gate.store:get "k"]])
    assert.matches("a.lua%(load%):1: gate.store:put: a value is missing",
      (a:run [[gate.store:put("k") return 1]]))
    local answer = a.gate:ask(a.ann, { type = "run", code = [[
      local response = gate_given:fetch "http://x/"
      local ok = pcall(function() response.body = 1 end)
      return response.status .. response.body .. response:json()[1] .. tostring(ok)]] })
    a.gate:answer_fetch { status = 201, body = "[7]" }
    assert.equal("201[7]7false", answer.data.value)
  end)

  it("is not for what concerns all of the gateway", function()
    assert.matches('/shop.lua:2: gate:admission: plugin "shop" is guarded, and this is about all '
      .. 'of the gateway: it needs trust = "trusted" in /%S+/init.lua$',
      problem_of "gate:admission { refuse = 'x' }")
  end)

  it("serves HTTP with a request that cannot be changed", function()
    local gate = fake_gate.load { init = "return { { 'a', capabilities = { 'http' } } }", a = [[
      return function(gate)
        gate:http("POST", "/x/{id}", function(request)
          local ok = pcall(function() request.body = 1 end)
          return { id = request.params.id, q = request.args.q, sum = request:json()[1], ok = ok }
        end)
      end]] }
    assert.same({ id = "7", q = "1", sum = 3, ok = false },
      gate:http("POST", "/x/7?q=1", { body = "[3]" }).data)
  end)

  describe("without the capability rooms", function()
    local a

    before_each(function()
      a = guarded.load(RACE)
      a.gate:deliver(a.ann, { type = "open" })
    end)

    it("knows of rooms of others' kinds that they are there", function()
      assert.equal("r race", a:run [[local room = gate:room "r"
        return room.name .. " " .. room.kind]])
      for code, what in pairs {
        ["gate:room('r'):size()"] = "room.size", ["gate:room('r'):add(conn)"] = "room.add",
        ["gate:room('r'):publish {}"] = "room.publish", ["gate:room('r'):close 'x'"] = "room.close",
        ["gate:room('r'):say(conn, 1)"] = "room.say",
        ["local x = gate:room('r').state"] = "room.state",
        ["local x = gate:room('r').members"] = "room.members",
        ["gate:room('tea').publish(gate:room('r'), {})"] = "room.publish",
        ["gate:open_room('race', 'x')"] = "gate:open_room",
        ["for _ in gate:rooms_of('race') do end"] = "gate:rooms_of",
      } do
        local problem = a:problem(code .. " return 1")
        local wanted = what .. ': the kind "race" is that of "b": plugin "a" has not the '
          .. 'capability "rooms": add capabilities = { "rooms" } to it in '
        assert.is_truthy(problem:find(wanted, 1, true), problem)
      end
    end)

    it("has plain rooms, and in gate:rooms no others", function()
      assert.equal("tea 1", a:run [[local names = ""
        for name, room in gate:rooms() do names = names .. name .. " " .. room:size() end
        return names]])
    end)

    it("has the rooms of its own kinds", function()
      local gate = fake_gate.load { init = "return { 'race' }", race = RACE }
      local ann = gate:connect "ann"
      assert.same({}, gate:deliver(ann, { type = "open" }))
      assert.is_true(ann.rooms[gate.world.room.find "r"])
    end)
  end)

  it("with it has all rooms", function()
    local a = guarded.load(RACE, '"rooms"')
    a.gate:deliver(a.ann, { type = "open" })
    assert.equal("2", a:run [[local n = 0 for _, room in gate:rooms() do n = n + room:size() end
      return n]])
    assert.equal("x", a:run [[return gate:open_room("race", "x").name]])
    assert.equal("true", a:run [[return gate:room("r"):publish { n = 1 }]])
  end)

  describe("is enough for", function()
    local CAPABILITIES = { rooms = '"rooms", "store"', api = '"http", "rooms"',
      server_api = '"http", "rooms"', webhook_in = '"http"',
      webhook_out = '"fetch"', translate = '"fetch"', seen = '"store"' }
    local OPTIONS = { api = { key = "12345678" }, webhook_in = { key = "12345678" },
      webhook_out = { url = "https://x.example/" }, translate = { url = "https://x.example/" } }

    local NEEDS = { server_api = { "presence", "moderation" } }

    local function load(path)
      local name = path:match "([^/]+)%.lua$"
      local app, entries = file.scripts("limits", "auth", "presence", "rooms", "messages",
        "moderation", "router"), {}
      local plugins = { auth = true, rooms = true, messages = true, router = true, [name] = true }
      for _, needed in ipairs(NEEDS[name] or {}) do plugins[needed] = true end
      app[name] = file.read(path)
      for _, module in ipairs(file.modules(path)) do
        app[name .. "/" .. module:match "([^/]+)%.lua$"] = file.read(module)
      end
      for plugin in pairs(plugins) do
        local options = {}
        for key, value in pairs(OPTIONS[plugin] or {}) do
          options[#options + 1] = ("%s = %q"):format(key, value)
        end
        entries[plugin] = ("{ %q, options = { %s }, capabilities = { %s } }"):format(plugin,
          table.concat(options, ", "), CAPABILITIES[plugin] or "")
      end
      local lines = {}
      for _, entry in pairs(entries) do lines[#lines + 1] = entry end
      app.init = "return { " .. table.concat(lines, ", ") .. " }"
      return fake_gate.load(app), name
    end

    for _, path in ipairs(file.list "scripts/*.lua examples/plugins/*.lua") do
      if not path:find "init.lua$" then
        it(path .. ", with the capabilities that it says", function()
          local gate, name = load(path)
          local ann, bob = gate:connect(), gate:connect()
          for user, conn in pairs { ann = ann, bob = bob } do
            gate:receive(conn, ('{"type":"auth","data":{"name":"%s"}}'):format(user))
            gate:receive(conn, '{"type":"join","room":"tea"}')
          end
          gate:receive(ann, '{"type":"say","room":"tea","data":{"text":"hello"}}')
          assert.equal("said", bob.heard[#bob.heard].type)
          if not path:find "^scripts" then
            assert.equal(CAPABILITIES[name], file.read(path):match "capabilities = { (.-) }")
          end
          for _, line in ipairs(gate.log) do
            assert.are_not.equal("error", line.level, line.text)
          end
        end)
      end
    end
  end)
end)
