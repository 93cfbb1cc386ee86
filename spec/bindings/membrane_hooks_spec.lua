local fake_gate = require "spec.support.fake_gate"

describe("a guarded plugin", function()
  --- "own" is a trusted plugin that remembers what it was given, "eve" a guarded one.
  local function load(own, eve)
    local gate = fake_gate.load {
      init = [[return { { "own", trust = "trusted" }, { "eve", capabilities = { "rooms" } } }]],
      own = "return function(gate)\n" .. own .. "\nend",
      eve = "return function(gate)\n" .. eve .. "\nend",
    }
    return gate, gate:connect "ann"
  end

  local DESCRIBE = [[
    local record = { owner = "ann", roles = { bob = "member" } }
    gate:on("describe", function() return record end)
    gate:on("roles", function() return { roles = gate.json.encode(record) } end)]]

  local function record_of(gate, ann)
    return gate.world.json.decode(gate:deliver(ann, { type = "roles" }).roles)
  end

  local MINE = { owner = "ann", roles = { bob = "member" } }

  it("has a copy of a reply that it is told of", function()
    local gate, ann = load(DESCRIBE, [[
      gate:after("describe", function(_, message, data)
        data.roles.eve, data.owner, message.type = "owner", "eve", "x"
      end)]])
    assert.same(MINE, gate:deliver(ann, { type = "describe" }))
    assert.same(MINE, record_of(gate, ann))
  end)

  it("has a copy of the reply to what it asks for, and its own context", function()
    local gate, ann = load(DESCRIBE, [[
      gate:on("ask", function(conn)
        local context, same = { 1 }, nil
        gate:request(conn, { type = "describe" }, function(data, _, _, _, _, given)
          data.roles.eve, data.owner, same = "owner", "eve", given == context
          conn:send { same = same, owner = data.owner }
        end, nil, context)
        return true
      end)]])
    gate:deliver(ann, { type = "ask" })
    assert.same({ { same = true, owner = "eve" } }, ann.heard)
    assert.same(MINE, record_of(gate, ann))
  end)

  it("has a copy of what is told", function()
    local gate, ann = load([[
      gate:tells "made"
      local record = { roles = {} }
      gate:on("make", function()
        gate:tell("made", record, 1, record.roles)
        return { roles = gate.json.encode(record.roles) }
      end)]], [[
      gate:after("made", function(record, n, roles)
        record.roles.eve, roles.eve, gate.state.n = "owner", "owner", n
      end)]])
    assert.same({ roles = "{}" }, gate:deliver(ann, { type = "make" }))
    assert.equal(1, gate.world.state.of("eve").n)
  end)

  it("lets trusted ones tell each other of their own tables, and change a reply", function()
    local gate = fake_gate.load { a = [[return function(gate)
      gate:tells "made"
      local record = {}
      gate:on("make", function()
        gate:tell("made", record)
        return { same = record.same == record }
      end)
    end]], b = [[return function(gate)
      gate:after("made", function(record) record.same = record end)
      gate:after("make", function(_, _, data) data.more = 1 end)
    end]] }
    assert.same({ same = true, more = 1 }, gate:deliver(gate:connect "ann", { type = "make" }))
  end)

  local STORE = [[
    local kept
    gate:on("say", function(_, message) kept = message return true end)
    gate:on("kept", function() return { text = kept.data.text, type = kept.type,
      new = kept.data.new and kept.data.new.x } end)]]

  it("has no part in a message that it has filtered, once it has returned", function()
    local gate, ann = load(STORE, [[
      gate:before("say", function(_, message)
        local new = { x = 1 }
        message.data.new = new
        gate:after_ms(200, function()
          message.type, message.data.text, new.x = "late", "late", "late"
        end)
      end)]])
    gate:deliver(ann, { type = "say", data = { text = "hello" } })
    gate:later(300)
    assert.same({ text = "hello", type = "say", new = 1 }, gate:deliver(ann, { type = "kept" }))
  end)

  it("changes the message that it filters, also after a wait", function()
    local gate, ann = load([[
      gate:on("say", function(_, message) return { text = message.data.text, n = message.n } end)]],
      [[
      gate:before("*", function(_, message) message.n = message.n and message.n + 1 end)
      gate:before("say", function(_, message)
        gate:sleep(10)
        message.data.text = message.data.text:upper()
        message.n = message.n * 2
      end)]])
    local answer = gate:ask(ann, { type = "say", n = 1, data = { text = "hello" } })
    gate:later(20)
    assert.same({ text = "HELLO", n = 4 }, answer.data)
  end)

  it("has one copy of a message in all its hooks, as the message is then", function()
    local gate, ann = load([[
      gate:needs "eve"
      gate:before("say", function(_, message) message.n, message.data.x = 2, 2 end)]], [[
      local seen, data = {}, nil
      gate:before("say", function(_, message)
        seen[message], data, message.n = true, message.data.kept, 1
      end)
      gate:on("say", function(_, message)
        gate.state.seen = { seen[message], message.n, message.data.x, message.data.kept == data }
        message.n = 3
        return true
      end)
      gate:after("say", function(_, message)
        gate.state.after = { seen[message], message.n }
        setmetatable(message, { __newindex = function() gate.state.is_called = true end })
      end)
      gate:after("say", function(_, message)
        gate.state.last = { seen[message] or false, message.n }
      end)]])
    gate:deliver(ann, { type = "say", data = { kept = { 1 } } })
    local state = gate.world.state.of "eve"
    assert.same({ true, 2, 2, false }, state.seen) -- what it is in has changed
    assert.same({ true, 3 }, state.after)
    assert.same({ false, 3 }, state.last)
    assert.is_nil(state.is_called)
  end)

  it("leaves tables of a message that it has not changed", function()
    local gate, ann = load([[
      local before
      gate:before("say", function(_, message) before = message.data end)
      gate:on("say", function(_, message) return { same = before == message.data } end)]],
      [[gate:needs "own" gate:before("say", function(_, message) message.seen = true end)]])
    assert.same({ same = true }, gate:deliver(ann, { type = "say", data = { 1 } }))
  end)

  it("has no part in what it has handled, replied or asked for", function()
    local gate, ann = load([[
      local kept
      gate:after("greet", function(_, message, data) kept = { message = message, data = data } end)
      gate:on("say", function(_, message) kept = { message = message } return true end)
      gate:on("kept", function() return { message = kept.message.data.text,
        n = kept.message.n, reply = kept.data and kept.data.list[1] } end)]], [[
      local function spoil_later(message, data)
        gate:after_ms(100, function()
          message.data.text = "late"
          if data then data.list[1] = "late" end
        end)
      end
      gate:on("greet", function(_, message)
        local data = { list = { 1 } }
        message.n = 7
        spoil_later(message, data)
        return data
      end)
      gate:on("ask", function(conn)
        local message = { type = "say", data = { text = "hello" } }
        gate:request(conn, message, function() end)
        spoil_later(message)
        return true
      end)]])
    gate:deliver(ann, { type = "greet", data = { text = "hello" } })
    gate:later(200)
    assert.same({ message = "hello", n = 7, reply = 1 }, gate:deliver(ann, { type = "kept" }))
    gate:deliver(ann, { type = "ask" })
    gate:later(200)
    assert.same({ message = "hello" }, gate:deliver(ann, { type = "kept" }))
  end)

  it("has copies of what rooms of a kind are opened with and told, and of their replies", function()
    local gate, ann = load([[
      local options, told, reply = { seats = { 4 } }, { n = 1 }, { n = 1 }
      gate:room_kind("own", { said = function() return reply end })
      gate:on("open", function(conn)
        local room = gate:open_room("race", "r", options)
        room:add(conn)
        room:say(conn, told)
        return true
      end)
      gate:on("all", function() return { seats = options.seats[1], told = told.n,
        reply = reply.n } end)]], [[
      gate:room_kind("race", {
        opened = function(room, options) options.seats[1] = 0 room.state.opened = true end,
        said = function(_, _, data) data.n = 0 return {} end,
        migrations = { function(state) state.is_new = true end },
      })
      gate:on("talk", function(conn)
        local room = gate:open_room("own", "o")
        room:add(conn)
        room:say(conn, 1).n = 0
        return true
      end)]])
    gate:deliver(ann, { type = "open" })
    gate:deliver(ann, { type = "talk" })
    assert.same({ seats = 4, told = 1, reply = 1 }, gate:deliver(ann, { type = "all" }))
    assert.is_true(gate.world.room.find("r").state.opened)
  end)

  it("returns no more than a reply can be", function()
    local gate, ann = load("", [[
      gate:on("many", function()
        local many = {}
        for i = 1, 60000 do many[i] = 1 end
        return many, many, many, many
      end)]])
    gate:deliver(ann, { type = "many" })
    assert.is_truthy(gate:logged "what has over 200000 values cannot be handed over")
  end)

  it("has a copy of the books of a connection, and of an option", function()
    local gate = fake_gate.load { init = [[
      local shared = { 1 }
      return { { "eve", options = { list = shared } },
        { "own", options = { list = shared }, trust = "trusted" } }]],
      eve = [[return function(gate)
        gate:option("list", { default = {} })[1] = 0
        gate:after("closed", function(_, _, _, books) books.sent.reliable = -1 end)
      end]], own = [[return function(gate)
        local list = gate:option("list", { default = {} })
        gate:after("closed", function(_, _, _, books)
          gate.state.sent, gate.state.list = books.sent.reliable, list[1]
        end)
      end]] }
    gate:close(gate:connect "ann")
    local state = gate.world.state.of "own"
    assert.is_true(state.sent >= 0)
    assert.equal(1, state.list)
  end)

  it("finds a view behind no function of the gate", function()
    local gate, ann = load([[
      local limits = { most = 5 }
      gate:provide("1.0", { limits = limits })
      gate:before("relay", function(_, message) message.data.most = 1 end)
      gate:on("relay", function() return true end)
      gate:on("most", function() return limits end)]], [[
      local own = gate:use("own", "1.0")
      gate:tells "told"
      local function spoil(limits) pcall(function() limits.most = 0 end) end
      gate:after("told", spoil)
      gate:on("spoil", function(conn)
        gate:spawn(spoil, own.limits)
        spoil(gate:gather(function() return own.limits end))
        spoil(gate:share("x", function() return own.limits end))
        gate:request(conn, { type = "nothing" }, function(...) spoil((select(6, ...))) end, nil,
          own.limits)
        gate:request(conn, { type = "relay", data = own.limits }, function() end)
        gate:tell("told", own.limits)
        return { most = own.limits.most }
      end)]])
    local answer = gate:ask(ann, { type = "spoil" })
    gate:later(100)
    assert.same({ most = 5 }, answer.data)
    assert.same({ most = 5 }, gate:deliver(ann, { type = "most" }))
  end)

  it("that has a function called by the gate, too, has copies where others call it", function()
    local gate, ann = load([[
      local eve = gate:use("eve", "1.0")
      gate:on("try", function()
        local given = { n = 1 }
        eve.spoil(given)
        return given
      end)]], [[
      local function spoil(given) if given then given.n = 0 end end
      gate:every(1000, spoil)
      gate:provide("1.0", { spoil = spoil })]])
    assert.same({ n = 1 }, gate:deliver(ann, { type = "try" }))
  end)
end)
