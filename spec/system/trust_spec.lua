local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"

-- What a stranger may try, and what the log or the answer says of it.
local TRIES = {
  { "return ffi.C", "ffi is not for a guarded plugin: see Trust in docs/lua-api.md" },
  { "return require('ffi')", 'require "ffi": there is no ' },
  { "return require('jit.util')", 'require "jit.util": there is no ' },
  { "return require('moongate.plugin')", 'require "moongate.plugin": there is no ' },
  { "return require('init')", "the list of plugins is not for a guarded plugin" },
  { "return io.open('/etc/passwd')", "io is not for a guarded plugin" },
  { "os.execute('true')", "attempt to call field 'execute' (a nil value)" },
  { "os.exit(3)", "attempt to call field 'exit' (a nil value)" },
  { "return package.loaded", "package is not for a guarded plugin" },
  { "debug.getregistry()", "attempt to call field 'getregistry' (a nil value)" },
  { "debug.setmetatable('', nil)", "attempt to call field 'setmetatable' (a nil value)" },
  { "getfenv(2).os.exit()", "getfenv is not for a guarded plugin" },
  { "return newproxy(true)", "newproxy is not for a guarded plugin" },
  { "return string.dump(print)", "attempt to call field 'dump' (a nil value)" },
  { "return (''):dump()", "attempt to call method 'dump' (a nil value)" },
  { "assert(load('\27LJ\2'))", "load: bytecode is not for a guarded plugin" },
  { "return getmetatable('').__index", "attempt to index a nil value" },
  { "return ('x'):rep(1e9)",
    "string.rep: the result would have 1000000000 bytes, at most 1048576" },
  { "return (('a'):rep(50000)):find('.-.-.-b')",
    'string.find: pattern too expensive for a text of 50000 bytes: ".-.-.-b"' },
  { "return (('a'):rep(2000)):find('.-.-.-.-.-%f[x]*')",
    "string.find: pattern too expensive for a text of 2000 bytes" },
  { "return ('ab'):gsub('(.)(.)', string.find)",
    "string.gsub: expected a function of the app's own, or text" },
  { "return ('ab'):gsub('.', conn.send)",
    "string.gsub: expected a function of the app's own, or text" },
  { "table.foreach({ 'a' }, string.find)",
    "table.foreach: expected a function of yours, got another one" },
  { "table.sort({ 'a', 'b' }, string.find)",
    "table.sort: expected a function of yours, got another one" },
  { "local function f() return ('a'):gsub('a', f) end f()", "string.gsub: C stack overflow" },
  { "local function f() return coroutine.wrap(f)() end f()", "coroutine.wrap: C stack overflow" },
  { "table.insert({}, -2147483647, 1)", "table.insert: expected a place from 1 on" },
  { "local t, k = {}, 1 for i = 1, 200 do t['k' .. i] = 1 end "
    .. "while k <= 2^28 do t[k] = 1 k = k * 2 end table.remove(t, 1)",
    "table.remove: the list has 268435456 values, of which 268435455 would move" },
  { "local t, k = {}, 1 for i = 1, 200 do t['k' .. i] = 1 end "
    .. "while k <= 2^28 do t[k] = 1 k = k * 2 end table.sort(t)",
    "table.sort: the list has 268435456 values, at most 1048576" },
  { "return (('a'):rep(1000000)):gsub('', ('b'):rep(300))",
    "string.gsub: the replacements have over 4194304 bytes" },
  { "local s = ('a'):rep(1048576) s = s .. s .. s .. s .. s return gate.crypto:sha256(s)",
    "gate.crypto:sha256: the text has 5242880 bytes, at most 4194304" },
  { "return gate.plugin.name", "attempt to index field 'plugin' (a nil value)" },
  { "return gate.registry.plugins", "attempt to index field 'registry' (a nil value)" },
  { "rawset(conn, 'is_open', false)", "rawset: this is no table of yours" },
  { "conn.user = 'root'", "conn.user cannot be set" },
  { "setmetatable(gate, {})", "setmetatable: this is no table of yours" },
  { "return getmetatable(conn).__index", "attempt to index a nil value" },
  { "bank.balance = 0", "balance cannot be set: this is read only" },
  { "gate:fetch('http://127.0.0.1/')", 'has not the capability "fetch"' },
  { "return gate.store", 'has not the capability "store"' },
  { "gate:admission { refuse = 'x' }", 'it needs trust = "trusted"' },
  { "gate:room('vault'):add(conn)", 'the kind "vault" is that of "bank"' },
  { "conn:send(setmetatable({}, {}))", "a table with a metatable cannot be handed over" },
  { "return setmetatable({}, { __tostring = function() while true do end end })",
    "returns a table with a metatable" },
}

local function stranger()
  local fns = {}
  for i, try in ipairs(TRIES) do
    -- No tail calls: the log has the same line only a few times, and without a frame all are one.
    local code = try[1]:gsub("\27", "\\27"):gsub("^return (.*)$", "local it = %1\nreturn it")
    fns[i] = ("function(gate, conn, bank)\n%s\nend,"):format(code)
  end
  return ([[local tries = {
    %s
  }
  return function(gate)
    local bank = gate:use("bank", "1.0")
    gate:on("try", function(conn, message) return tries[message.n](gate, conn, bank) end)
    gate:on("trap", function(conn)
      local function forever() while true do end end
      setmetatable(conn.state, { __index = forever, __newindex = forever, __tostring = forever })
    end)
    gate:after("describe", function(_, _, data)
      data.options.who_may_say = "nobody"
      if data.roles then data.roles.eve = "owner" end
    end)
    gate:provide("1.0", { forever = function() while true do end end, fine = function() end })
    gate:on("loop", function()
      pcall(load("while true do pcall(function() while true do end end) end", "@moongate/x.lua"))
    end)
    gate:on("trusted", function() return { jit = jit.version:match "%%a+" } end)
    gate:on("fine", function(conn)
      return { balance = bank.read(), trimmed = ("  x "):match "^%%s*(.-)%%s*$", user = conn.user }
    end)
  end]]):format(table.concat(fns, "\n    "))
end

local BANK = [[return function(gate)
  local api = { balance = 100 }
  function api.read() return api.balance end
  gate:provide("1.0", api)
  gate:on("look", function(conn)
    return { is_none = conn.state.no_such_key == nil, text = tostring(conn.state) }
  end)
  gate:room_kind("vault", { opened = function() end })
  gate:spawn(function() gate:open_room("vault", "vault") end)
end]]

local BORROWER = [[return function(gate)
  local stranger = gate:use("stranger", "1.0")
  gate:on("borrow", function(_, message)
    local ok, problem = pcall(stranger[message.name])
    return { ok = ok, problem = problem }
  end)
end]]

local INIT = [[return {
  { "auth", trust = "trusted" }, { "rooms", capabilities = { "rooms", "store" } },
  "messages", "router",
  { "bank", trust = "trusted" }, "stranger", "borrower", budget = { hard_ms = 100 },
}]]

describe("a plugin that nobody trusts", function()
  local house, ann

  before_each(function()
    house = server.start { is_guarded = true,
      plugins = { stranger = stranger(), bank = BANK, borrower = BORROWER, init = INIT } }
    house:expects "stranger#1: on "
    ann = client.guest(house.port, "ann", "tea")
  end)

  after_each(function() house:stop() end)

  local function works()
    assert.same({ balance = 100, trimmed = "x", user = "ann" }, ann:asks({ type = "fine" }).data)
    ann:says { type = "say", room = "tea", data = "still here" }
    assert.equal("still here", ann:hears({ type = "said" }).data)
  end

  it("reaches nothing that is not its own, and the log says in which line it has tried", function()
    for n, try in ipairs(TRIES) do
      local before = #house:log()
      assert.equal("internal", ann:asks({ type = "try", n = n }).error.code, try[1])
      server.eventually(try[2], function() return house:log():find(try[2], before, true) end)
    end
    assert.matches("stranger#1: on try: %S+/stranger.lua:%d+: io is not for a guarded plugin",
      house:log())
    works()
  end)

  it("is aborted like others, whatever it calls its code", function()
    if server.BINARY:find "tsan" then return end -- which keeps signals back
    ann:says { type = "loop" }
    house:logs "stranger#1: on loop: aborted, time budget exceeded: 100 ms"
    works()
  end)

  it("is switched off itself for what it lends to others", function()
    if server.BINARY:find "tsan" then return end
    house:expects "stranger#1: gate:provide: aborted"
    house:expects "stranger#1: switched off"
    assert.is_true(ann:asks({ type = "borrow", name = "fine" }).data.ok)
    for _ = 1, 3 do
      assert.matches("time budget exceeded",
        ann:asks({ type = "borrow", name = "forever" }).data.problem)
    end
    house:logs "stranger#1: switched off: aborted 3 times within 60 s"
    assert.matches('the plugin "stranger" is switched off',
      ann:asks({ type = "borrow", name = "fine" }).data.problem)
    assert.is_nil(house:log():find("borrower#1: switched off", 1, true))
  end)

  it("changes nothing of the replies of others, nor what they are made of", function()
    assert.is_nil(ann:asks({ type = "create", room = "den" }).error)
    for _ = 1, 2 do
      local shown = ann:asks({ type = "describe", room = "den" }).data
      assert.equal("everyone", shown.options.who_may_say)
      assert.same({}, shown.roles)
    end
    assert.equal("owner", ann:asks({ type = "join", room = "den" }).data.role)
    assert.is_number(ann:asks({ type = "say", room = "den", data = "hello" }).data.id)
  end)

  it("leaves nothing in a state that a trusted one would run", function()
    ann:asks { type = "trap" }
    assert.same({ is_none = true, text = "table" }, ann:asks({ type = "look" }).data)
    works()
  end)

  it("can be trusted while it runs, and no longer", function()
    local list = file.read(house.app .. "/init.lua")
    house:save("init", (list:gsub('"stranger"', '{ "stranger", trust = "trusted" }')))
    house:logs "stranger (its trust has changed), borrower (uses stranger), 5 as before"
    assert.equal("LuaJIT", ann:asks({ type = "trusted" }).data.jit)
    works()
    house:save("init", list)
    house:logs "generation 3: stranger (its trust has changed), borrower (uses stranger)"
    house:expects "stranger#3: on trusted"
    assert.equal("internal", ann:asks({ type = "trusted" }).error.code)
    house:logs "jit is not for a guarded plugin"
  end)

  it("is said in the list by the words that there are", function()
    house:expects "not reloaded"
    house:save("init", (INIT:gsub('"stranger"', '{ "stranger", trust = "some" }')))
    house:logs 'plugin "stranger": trust: expected "trusted" or "guarded", got "some"'
    works()
  end)
end)
