local guarded = require "spec.support.guarded"
local fake_gate = require "spec.support.fake_gate"

describe("membrane", function()
  local a

  before_each(function() a = guarded.load() end)

  it("shows objects as what plugins are meant to see", function()
    for code, value in pairs {
      ["type(conn.id)"] = "number", ["conn.path"] = "/ws", ["conn.is_open"] = "true",
      ["conn.user"] = "ann", ["conn.codec.name"] = "json", ["conn.state.x"] = "nil",
      ["conn.fields"] = "nil", ["conn.worker"] = "nil", ["conn.answer"] = "nil",
      ["gate.plugin"] = "nil", ["gate.registry"] = "nil", ["type(gate.state)"] = "table",
      ["gate.json.decode('[7]')[1]"] = "7",
      ["gate.json.encode { gate.json.list {}, gate.json.list { 1 } }"] = "[[],[1]]",
      ["gate.json.list {} == gate.msgpack.empty_list"] = "true",
      ["type(gate.facts.version)"] = "string",
      ["gate:room('tea').name"] = "tea", ["gate:room('tea').id"] = "nil",
      ["gate:room('tea').sections"] = "nil", ["gate:user('ann').name"] = "ann",
      ["gate:user('ann').count"] = "nil", ["gate:user('ann'):size()"] = "1",
    } do
      assert.equal(value, a:run("return " .. code), code)
    end
  end)

  it("is the same proxy for the same object, also as a key and through others", function()
    assert.equal("true", a:run [[
      local room, set = gate:room "tea", { [conn] = 1 }
      room:add(conn)
      for id, member in pairs(room.members) do
        if member ~= conn or id ~= conn.id or set[member] ~= 1 then return "another" end
      end
      for joined in pairs(conn.rooms) do if joined ~= room then return "another room" end end
      for id, one in gate:conns() do if one ~= conn then return "another conn" end end
      for name, one in gate:rooms() do if one ~= room or name ~= "tea" then return "no" end end
      local _, of_user = next(gate:user("ann").conns)
      return room:has(conn) and conn.rooms[room] and room:size() == 1 and of_user == conn
        and room.members[conn.id] == conn and gate:user("ann") == gate:user("ann")]])
    assert.equal("true", a:run [[local seen = {}
      return gate:gather(function() return conn end) == conn]])
  end)

  it("gives back a view where a function gives back what it was given, not its inside", function()
    assert.equal("true", a:run [[
      local room = gate:room "tea"
      local before = gate.json.list(room.members)
      room:add(conn)
      local members = gate.json.list(room.members)
      return before == gate.json.empty_list and rawequal(members, room.members)
        and members[conn.id] == conn]])
    assert.matches("cannot be set: this is read only", a:problem
      [[gate:room("tea"):add(conn) gate.json.list(gate:room("tea").members).x = 1]])
    for _, value in ipairs { "nil", "gate.json.null", "'x'" } do
      assert.matches("^gate.json.list: expected a table, got ",
        a:problem("gate.json.list(" .. value .. ")"))
    end
  end)

  it("keeps everything in it from being changed", function()
    for code, problem in pairs {
      ["conn.is_gone = true"] = "conn.is_gone cannot be set",
      ["conn.user = 'root'"] = "conn.user cannot be set",
      ["conn.send = print"] = "conn.send cannot be set",
      ["gate.on = print"] =
        "gate.on cannot be set: change what is in gate.state, or keep it in a local",
      ["gate.json.encode = print"] = "encode cannot be set: this is read only",
      ["conn.codec.decode = print"] = "decode cannot be set: this is read only",
      ["conn.rooms[1] = 2"] = "1 cannot be set: this is read only",
      ["gate:room('tea').members[1] = 2"] = "1 cannot be set: this is read only",
      ["gate:user('ann').name = 'b'"] = "user.name cannot be set",
      ["gate:user('ann').conns[1] = 'b'"] = "1 cannot be set: this is read only",
    } do
      assert.equal(problem, a:problem(code), code)
    end
    assert.equal("ann", a.ann.user)
    assert.is_function(a.gate.world.json.encode)
  end)

  it("says what is misused in the line of the plugin, as without it", function()
    local HERE = "a.lua%(load%):2: "
    for code, problem in pairs {
      ["conn:send()"] = "a message is a table or a string",
      ["conn:send({}, { class = 'x' })"] = 'there is no class "x"',
      ["conn:send(conn)"] = "a message is a table or a string",
      ["gate:room('tea'):publish(gate)"] = "a message is a table or a string",
      ["conn.send({})"] = "conn.send: called with a dot, it is conn:send%(...%)",
      ["conn.send(gate, {})"] = "conn.send: called with a dot, it is conn:send%(...%)",
      ["gate.info('x')"] = "gate.info: called with a dot, it is gate:info%(...%)",
      ["gate:sleep(-1)"] = "gate:sleep: expected at least 0 ms, got %-1",
      ["gate:room(7)"] = "gate:room: expected a string, got number",
      ["gate:every(1, print)"] = "gate:every is only possible while the plugin loads",
      ["gate:room('tea'):add {}"] = "room:add: expected a connection, got table",
      ["gate:room('tea'):say(conn, 1)"] = "room:say: only in a room of a kind: gate:open_room",
      ["gate:room('tea'):publish({}, { class = 'control' })"] =
        'room:publish: class "control" is for one',
      ["gate:gather(1)"] = "gate:gather, argument 1: expected a function, got number",
      ["gate:info('%d', 'x')"] = 'gate:info: "%%d": number expected, got string',
      ["gate:request(conn, { type = 'x', data = setmetatable({}, {}) }, print)"] =
        "a table with a metatable cannot be handed over by a guarded plugin: pass its data",
      ["conn:send(setmetatable({}, {}))"] =
        "a table with a metatable cannot be handed over by a guarded plugin: pass its data",
      ["gate:spawn(setmetatable({}, {}))"] =
        "a table with a metatable cannot be handed over by a guarded plugin: pass its data",
    } do
      local text, ok = a:run("\n" .. code .. "\nreturn 1")
      assert.is_false(ok, code)
      assert.matches(HERE .. problem, text)
    end
  end)

  it("blames nobody else for what was called in place of the handler", function()
    local gate = fake_gate.load { init = 'return { "a" }', a = [[return function(gate)
      gate:on("send", function(conn) return conn:send() end)
    end]] }
    gate:deliver(gate:connect "ann", { type = "send" })
    assert.is_truthy(gate:logged "on send: a message is a table or a string")
  end)

  it("takes no object that is made up", function()
    assert.matches("expected a connection, got table",
      a:problem "gate:room('tea'):add { id = conn.id, is_open = true }")
    assert.matches("called with a dot", a:problem [[
      gate.info({ plugin = { label = "b#1" }, registry = {} }, "forged")]])
    assert.is_nil(a.gate:logged "forged")
    assert.matches("expected a connection, got table", a:problem [[
      gate:request({ id = 1 }, { type = "run" }, print) return 1]])
  end)

  it("hands functions over so that they get what the plugin knows", function()
    local gate = fake_gate.load { init = 'return { "a", { "b", trust = "trusted" } }', a = [[
      return function(gate)
        local seen = {}
        gate:after("opened", function(conn) seen[conn] = true end)
        gate:before("say", function(conn, message) message.was_seen = seen[conn] end)
        gate:on("say", function(conn, message)
          gate:spawn(function(one, n, last)
            if one == conn and n == 2 and last == nil then conn:send { spawned = true } end
          end, conn, 2)
          gate:request(conn, { type = "echo", n = 3 }, function(data) conn:send(data) end)
          return { was_seen = message.was_seen }
        end)
        gate:room_kind("race", { joined = function(room, conn)
          room:publish({ joined = seen[conn] }, { except = conn })
          conn:send { kind = room.kind, has = room:has(conn) }
        end })
        gate:on("race", function(conn)
          local room = gate:open_room("race", "r")
          room:add(conn)
          return { rooms = gate:rooms_of("race")() == room }
        end)
      end]], b = [[return function(gate)
        gate:on("echo", function(conn, message) return { n = message.n } end)
      end]] }
    local ann = gate:connect "ann"
    assert.same({ was_seen = true }, gate:deliver(ann, { type = "say" }))
    assert.same({ rooms = true }, gate:deliver(ann, { type = "race" }))
    assert.same({ { spawned = true }, { n = 3 }, { kind = "race", has = true } }, ann.heard)
  end)

  it("does not go through all of a table that says how to send", function()
    assert.equal("expected a table of at most 10000 entries, 16 tables deep", a:problem [[
      local how = { except = conn }
      for i = 1, 10000 do how[i] = i end
      gate:room("tea"):publish({ n = 1 }, how)]])
  end)

  it("leaves out who is excepted, and no other", function()
    local bob = a.gate:connect "bob"
    a.gate.world.room.find("tea"):add(bob)
    a:run [[gate:room("tea"):add(conn) gate:room("tea"):publish({ n = 1 }, { except = conn })]]
    assert.same({ { n = 1 } }, bob.heard)
    assert.same({}, a.ann.heard)
  end)

  it("lets an error of a task that is cancelled pass as what it is", function()
    local gate = fake_gate.load { init = 'return { "a" }', a = [[return function(gate)
      gate:on("wait", function()
        gate:deadline(10)
        local ok, problem = pcall(gate.sleep, gate, 1000)
        gate.state.text = tostring(problem)
        error(problem, 0)
      end)
    end]] }
    local answer = gate:ask(gate:connect "ann", { type = "wait" })
    gate:later(100)
    assert.equal("timeout", answer.code)
    assert.matches("^cancelled: not done within its deadline", gate.world.state.of("a").text)
  end)

  describe("between two plugins", function()
    local REFUSED = " cannot be handed over by a guarded plugin, or to one"
    local API = [[return function(gate)
      local own = { n = 1 }
      gate:provide("1.0", {
        limits = { most = 5, names = { "x", "y" } }, own = function() return own end,
        same = function(value) return value end, n = function() return own.n end,
        call = function(fn, conn) return fn({ conn = conn }) end,
        all = function() return { list = { own_conn() } } end,
        misuse = function() error("misused", 2) end, fail = function() error("failed") end,
        object = function() return setmetatable({ x = 1 }, { __index = { y = 2 } }) end,
        thread = function() return coroutine.create(print) end,
        number = function() return { 1LL } end, kept = 1ULL,
      })
      function own_conn() for _, conn in gate:conns() do return conn end end
    end]]

    before_each(function() a = guarded.load(API) end)

    it("maps what functions are given and return, in tables, too", function()
      assert.equal("true", a:run "return other.same(conn) == conn")
      assert.equal("true", a:run "return other.all().list[1] == conn")
      assert.equal("true", a:run [[return other.call(function(given)
        return given.conn == conn and given.conn.worker == nil end, conn)]])
      assert.equal("1 2", a:run [[local made = other.object() return made.x .. " " .. made.y]])
    end)

    it("lets nobody change what is the other's", function()
      assert.equal("1", a:run "other.own().n = 7 return other.n()")
      for _, code in ipairs { "other.own = print", "other.limits.most = 7",
        "other.limits.names[1] = 7", "other.object().x = 2" } do
        assert.matches("cannot be set: this is read only", a:problem(code), code)
      end
      assert.equal("5 x y", a:run [[local names = {}
        for i, name in ipairs(other.limits.names) do names[i] = name end
        return other.limits.most .. " " .. table.concat(names, " ")]])
    end)

    it("names the caller's line, or that of the other", function()
      assert.matches("a.lua%(load%):1: misused$", (a:run "other.misuse() return 1"))
      assert.matches("/b.lua:%d+: failed$", (a:run "other.fail() return 1"))
    end)

    it("hands over 100,000 values at once, and no more", function()
      local MANY = "local many = {} for i = 1, 49000 do many[i] = i end "
      assert.equal("49000", a:run(MANY .. "return other.same(many)[49000]"))
      for _, code in ipairs { "for i = 1, 1000 do many[-i] = i end other.same(many)",
        "other.same(many, {}, 3, { unpack(many, 1, 2000) })",
        "other.call(function() return many, { unpack(many, 1, 2000) } end)" } do
        assert.equal("what has over 100000 values" .. REFUSED, a:problem(MANY .. code))
      end
    end)

    it("hands over 32 levels of tables, and no more, in the line of who does", function()
      local DEEP = "local deep = {} for _ = 2, %d do deep = { deep } end "
      assert.equal("table", a:run(DEEP:format(32) .. "return type(other.same(deep)[1])"))
      for _, levels in ipairs { 33, 99000 } do
        for _, code in ipairs { "other.same(deep)", "other.call(function() return deep end)",
          "other.call(function() error(deep, 0) end)" } do
          assert.matches("/a.lua%(load%):1: a table of over 32 levels" .. REFUSED,
            (a:run(DEEP:format(levels) .. code)))
        end
      end
    end)

    it("hands over neither coroutines nor values of the FFI", function()
      local WHAT = { ["coroutine.create(print)"] = "a coroutine",
        ["1LL"] = "a value of the FFI (1LL is one)" }
      for value, name in pairs(WHAT) do
        for _, code in ipairs { "other.same(%s)", "other.same({ { %s } })",
          "other.call(function() return %s end)", "return conn.rooms[%s]" } do
          assert.equal(name .. REFUSED, a:problem(code:format(value)))
        end
      end
      for code, name in pairs { ["other.thread()"] = "a coroutine",
        ["other.number()"] = "a value of the FFI (1LL is one)",
        ["return other.kept"] = "a value of the FFI (1LL is one)" } do
        assert.equal(name .. REFUSED, a:problem(code))
      end
    end)

    it("gives a trusted one what a guarded one provides, mapped the other way", function()
      local gate = fake_gate.load {
        init = 'return { { "b", trust = "trusted" }, "a" }',
        a = [[return function(gate)
          local mine
          gate:after("opened", function(conn) mine = conn end)
          gate:provide("1.0", { is_mine = function(given) return given.conn == mine, mine end,
            object = function() return setmetatable({}, {}) end })
        end]],
        b = [[return function(gate)
          local a = gate:use("a", "1.0")
          gate:on("try", function(conn)
            local is_mine, mine = a.is_mine { conn = conn }
            local ok, problem = pcall(a.object)
            return { is_mine = is_mine, is_conn = mine == conn, problem = problem }
          end)
        end]],
      }
      local reply = gate:deliver(gate:connect "ann", { type = "try" })
      assert.is_true(reply.is_mine)
      assert.is_true(reply.is_conn)
      assert.matches("a table with a metatable cannot be handed over", reply.problem)
    end)
  end)

  it("takes tables of functions that end, with each table once", function()
    local gate = fake_gate.load { init = 'return { "a" }', a = [[return function(gate)
      local function try(spec)
        local ok, problem = pcall(gate.room_kind, gate, "k", spec)
        gate.state[#gate.state + 1] = problem
      end
      local dag, deep, many = {}, {}, {}
      for i = 1, 12 do dag = { a = dag, b = dag } end
      for i = 1, 40 do deep = { a = deep, b = deep } end
      for i = 1, 10001 do many[i] = i end
      try { migrations = dag }
      try { migrations = deep }
      try { migrations = many }
      local own = {}
      own.migrations = own
      try(own)
    end]] }
    local problems = gate.world.state.of "a"
    assert.not_matches("expected a table of at most", problems[1])
    for i = 2, 3 do
      assert.matches("a.lua:%d+: expected a table of at most 10000 entries, 16 tables deep",
        problems[i])
    end
    assert.not_matches("stack overflow", problems[4])
  end)

  it("lets no metatable be left on what others will read", function()
    local gate = fake_gate.load { init = 'return { "a", { "b", trust = "trusted" } }', a = [[
      return function(gate)
        gate:before("say", function(_, message)
          local mt = { __index = function() while true do end end }
          if message.how == 1 then setmetatable(message, mt) end
          if message.how == 2 then message.data = setmetatable({}, mt) end
          if message.how == 3 then message.data = { { setmetatable({}, mt) } } end
        end)
        gate:on("text", function() return nil, "code", setmetatable({}, { __tostring = error }) end)
        gate:on("data", function() return setmetatable({}, {}) end)
      end]], b = [[return function(gate)
        gate:on("say", function(_, message) return { x = message.nothing == nil } end)
      end]] }
    local ann = gate:connect "ann"
    assert.same({ x = true }, gate:deliver(ann, { type = "say", how = 0 }))
    for how = 1, 3 do
      assert.equal("internal", select(2, gate:deliver(ann, { type = "say", how = how })))
    end
    assert.is_truthy(gate:logged "what a plugin is given is data: it cannot have metatables")
    for _, name in ipairs { "text", "data" } do
      assert.equal("internal", select(2, gate:deliver(ann, { type = name })))
    end
    assert.is_truthy(gate:logged "returns a table with a metatable: a guarded plugin hands over")
  end)
end)
