local fake_crypto = require "spec.support.fake_crypto"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

-- All operations, by a client that knows its file alone: spec/system/server_api_spec.lua.
describe("the server API", function()
  local gate, crypto

  local KEY = "the-key-of-the-operators"

  local function load(options, plugins, auth)
    crypto = fake_crypto.new()
    options = options or {}
    options.keys = options.keys or { { name = "ops", sha256 = crypto:sha256(KEY) } }
    local texts = { auth = file.read "scripts/auth.lua", limits = "return function() end",
      router = "return function() end", presence = file.read "scripts/presence.lua",
      rooms = file.read "scripts/rooms.lua", messages = file.read "scripts/messages.lua",
      moderation = file.read "scripts/moderation.lua",
      server_api = file.read "scripts/server_api.lua" }
    for name, text in pairs(plugins or {}) do texts[name] = text end
    gate = fake_gate.load(texts, { server_api = options, auth = auth }, { crypto = crypto })
    gate:later(100)
  end

  --- Sets other options, as an operator who saves the list.
  local function set_options(options, auth)
    assert(gate:reload(nil, { server_api = options, auth = auth }))
    gate:later(100)
  end

  before_each(function() load() end)

  --- Sends a call; waits for one that takes a while.
  local function call(method, path, body, key)
    local response = gate:http(method, "/api/v1/" .. path, { body = body,
      content_type = "application/json", authorization = "Bearer " .. (key or KEY) })
    for _ = 1, 100 do
      if response.is_given then break end
      gate:later(10)
    end
    local data = response.body and gate.world.json.decode(response.body)
    return response.status, data, response
  end

  local function publish(fields)
    return call("POST", "publish", gate.world.json.encode(fields))
  end

  it("tells what a server says to those in the room", function()
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = "tea" })
    ann.heard = {}
    local status, data = publish { room = "tea", data = "hi" }
    assert.equal(200, status)
    assert.same({ type = "said", room = "tea", id = data.id, at = gate.core.now_ms,
      from = "server", data = "hi" }, ann.heard[1])
  end)

  it("speaks under no name that nobody may have", function()
    for _, name in ipairs { "a\nb", " ", "api:ops", "\255", "a\226\128\139" } do
      assert.error_matches(function() load { server_name = name } end,
        'option "server_name": expected')
    end
  end)

  it("says again in rooms what none of them has heard", function()
    local ann = gate:connect "ann"
    local body = gate.world.json.encode { rooms = { "later" }, data = "hi",
      message_key = "later-0001" }
    assert.equal(0, select(2, call("POST", "broadcast", body)).count)
    gate:deliver(ann, { type = "join", room = "later" })
    assert.equal(1, select(2, call("POST", "broadcast", body)).count)
    ann.heard = {}
    assert.equal(1, select(2, call("POST", "broadcast", body)).count)
    assert.same({}, ann.heard)
  end)

  it("has a line in the log for what a key may not do, and for whom a broadcast was", function()
    load { keys = { { name = "shop", sha256 = fake_crypto.new():sha256(KEY),
      allow = { "broadcast" } } } }
    assert.equal(403, (call("POST", "ban", '{"user":"bob"}')))
    call("POST", "broadcast", '{"everybody":true,"data":1}')
    call("POST", "broadcast", '{"rooms":["tea","milk"],"data":1}')
    assert.is_truthy(gate:logged ": ban: not_allowed")
    assert.is_truthy(gate:logged ": broadcast everybody: done")
    assert.is_truthy(gate:logged ": broadcast rooms=2: done")
  end)

  it("reads the reports of all rooms, also of those that are no more", function()
    local ann, bob = gate:connect "ann", gate:connect "bob"
    for _, who in ipairs { ann, bob } do gate:deliver(who, { type = "join", room = "tea" }) end
    local id = gate:deliver(bob, { type = "say", room = "tea", data = "rude" }).id
    gate:ask(ann, { type = "report", room = "tea", data = { message_id = id, why = "spam" } })
    for _, who in ipairs { ann, bob } do gate:deliver(who, { type = "leave", room = "tea" }) end
    gate:later(100)
    local status, data = call("GET", "reports")
    assert.equal(200, status)
    assert.same({ "tea", "bob" }, { data.list[1].room, data.list[1].author })
  end)

  it("tells the presence of who could have that name", function()
    assert.equal(400, (call("POST", "presence", '{"users":["ann",""]}')))
  end)

  it("speaks under the name of its option", function()
    load { server_name = "house" }
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = "tea" })
    publish { room = "tea", data = "hi" }
    assert.equal("house", ann.heard[#ann.heard].from)
    assert.equal("bad_name", (select(2, gate:deliver(gate:connect(),
      { type = "auth", data = { name = "house" } }))))
    assert.is_truthy(gate:deliver(gate:connect(), { type = "auth", data = { name = "server" } }))
  end)

  --- With accounts and tokens in place of guests.
  local function load_accounts()
    load(nil, nil, { methods = { "password", "static" }, register = false,
      tokens = { { token = "the token of server", user = "server" },
        { token = "the token of api:ops", user = "api:ops" },
        { token = "the token of bob, 16", user = "bob" } } })
  end

  --- What is answered, when the store has.
  local function ask(conn, type_name, data)
    local answer = gate:ask(conn, { type = type_name, data = data })
    gate:later(10)
    assert.is_true(answer.is_given)
    return answer
  end

  it("gives its name to nobody by a password, a token or a new account", function()
    load_accounts()
    for _, name in ipairs { "server", "api:ops" } do
      local conn = gate:connect()
      assert.equal("bad_name", ask(conn, "auth", { token = "the token of " .. name }).code)
      assert.is_nil(conn.user)
    end
    assert.is_truthy(ask(gate:connect(), "auth", { token = "the token of bob, 16" }).data)
    load(nil, nil, { methods = { "password" } })
    for _, name in ipairs { "server", "api:ops" } do
      local account = { user = name, password = "12345678" }
      assert.equal("bad_name", ask(gate:connect(), "register", account).code)
      assert.equal("bad_password", ask(gate:connect(), "auth", account).code) -- there is none
    end
    assert.same({}, gate.core:issued "close")
  end)

  it("gives an account of its name to nobody that was there before", function()
    load({ keys = {} }, nil, { methods = { "password" } })
    local account = { user = "server", password = "12345678" }
    local conn = gate:connect()
    assert.is_truthy(ask(conn, "register", account).data)
    gate:deliver(conn, { type = "join", room = "tea" })
    set_options({ keys = { { name = "ops", sha256 = crypto:sha256(KEY) } } },
      { methods = { "password" } })
    local closed = gate.core:issued "close"
    assert.same({ conn.id, 4501, "bad_name" }, { closed[1].conn, closed[1].code, closed[1].reason })
    assert.is_nil((gate:deliver(conn, { type = "say", room = "tea", data = "hi" })))
    assert.equal("bad_name", ask(gate:connect(), "auth", account).code)
  end)

  it("closes a handshake whose token has its name for good", function()
    load_accounts()
    local conn = gate:connect(nil, { path = "/ws", token = "the token of server" })
    local closed = gate.core:issued "close"
    assert.same({ conn.id, 4501 }, { closed[1].conn, closed[1].code })
  end)

  it("closes who has got its name from another plugin", function()
    load(nil, { door = [[return function(gate)
      gate:on("enter", function(conn, message) return conn:admit(message.name) end)
      gate:before("*", function() end)
    end]], auth = [[return function(gate)
      gate:provide("1.0", { logout = function() end, info = function() end })
    end]] })
    for _, name in ipairs { "server", "api:ops" } do
      local conn, codes = gate:connect(), {}
      local function note(_, code) table.insert(codes, code or "done") end
      gate.world.request.submit(conn, { type = "enter", name = name }, note)
      gate.world.request.submit(conn, { type = "join", room = "tea" }, note) -- has come along
      gate.core:settle()
      assert.same({ "done", "bad_name" }, codes)
      local closed = gate.core:issued "close"
      assert.equal(4501, closed[#closed].code)
    end
    gate:deliver(gate:connect(), { type = "enter", name = "serverless" })
    assert.equal(2, #gate.core:issued "close")
  end)

  it("remembers a message_key over a reload, and for as long as its option says", function()
    load { repeat_ms = 5000 }
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = "tea" })
    ann.heard = {}
    local fields = { room = "tea", data = "once", message_key = "12345678" }
    local _, first = publish(fields)
    assert.is_true(gate:reload())
    gate:later(100)
    local status, again = publish(fields)
    assert.same({ 200, first }, { status, again })
    assert.equal(1, #ann.heard)
    gate:later(5000)
    local _, later = publish(fields)
    assert.is_true(later.id > first.id)
    assert.equal(2, #ann.heard)
  end)

  it("may carry a message_key out again when its first call has failed", function()
    load(nil, { messages = [[return function(gate)
      local count = 0
      gate:provide("1.0", { publish = function()
        count = count + 1
        if count == 1 then error "ouch" end
        return { id = count, at = 1 }
      end })
    end]] })
    local fields = { room = "tea", data = 1, message_key = "12345678" }
    assert.equal(500, (publish(fields)))
    assert.is_truthy(gate:logged "ouch")
    assert.equal(2, select(2, publish(fields)).id)
    assert.equal(2, select(2, publish(fields)).id)
  end)

  it("waits until the rooms are read, and says that it cannot when that takes too long", function()
    load(nil, { rooms = [[return function(gate)
      gate:provide("1.0", { find = function() end, may = function() end, role = function() end,
        in_room = function() end, evict = function() end, changed = function() end,
        list = function() return {} end,
        ready = function() return nil, "unavailable", "the rooms are being read", true end })
    end]] })
    local status, data, response = call("GET", "rooms")
    assert.same({ 503, "unavailable", true }, { status, data.error.code, data.error.temporary })
    assert.equal("1", tostring(response.headers["Retry-After"]))
  end)

  it("lets the tokens of a rate come back", function()
    load { rate = { per_second = 1, burst = 1 } }
    assert.equal(200, (call("GET", "rooms")))
    local status, data, response = call("GET", "rooms")
    assert.same({ 429, 1000 }, { status, data.error.retry_after_ms })
    assert.equal("1", tostring(response.headers["Retry-After"]))
    gate:later(1000)
    assert.equal(200, (call("GET", "rooms")))
  end)

  it("tells everybody in pieces, and nobody who has gone meanwhile", function()
    local conns = {}
    for n = 1, 501 do conns[n] = gate:connect("u" .. n) end
    local response = gate:http("POST", "/api/v1/broadcast", { body = '{"everybody":true,"data":1}',
      content_type = "application/json", authorization = "Bearer " .. KEY })
    assert.is_falsy(response.is_given)
    local last
    for _, conn in ipairs(conns) do
      if not conn.heard[1] then last = conn end
    end
    gate:close(last)
    gate:later(10)
    assert.equal(500, gate.world.json.decode(response.body).count)
  end)

  it("says where a mistake in its options is", function()
    for text, options in pairs {
      ['option "rate": expected either per_second or per_minute'] = { rate = { burst = 1 } },
      ['option "keys": entry 1: sha256: expected 64'] = { keys = { { name = "x", sha256 = "x" } } },
      ['option "max_rooms": expected'] = { max_rooms = 0 },
    } do
      local ok, problem = pcall(load, options)
      assert.is_false(ok)
      assert.is_truthy(tostring(problem):find(text, 1, true), problem)
    end
  end)

  it("is not there without keys, and keeps no name then", function()
    load { keys = {} }
    assert.equal(404, (call("GET", "rooms")))
    assert.equal(404, (call("DELETE", "rooms")))
    assert.is_truthy(gate:deliver(gate:connect(), { type = "auth", data = { name = "server" } }))
  end)

  it("comes into force with its keys by a reload", function()
    local options = { server_api = { keys = { { name = "new", sha256 = crypto:sha256 "new" } } } }
    assert.is_true(gate:reload(nil, options))
    gate:later(100)
    assert.equal(401, (call("GET", "rooms")))
    assert.equal(200, (call("GET", "rooms", nil, "new")))
  end)

  it("writes a line for each change: who, what, and how it went", function()
    publish { room = "tea\"\n", data = 1 }
    assert.equal('server_api#1: key ops from 127.0.0.1: publish room="tea??": no_such_room',
      gate:logged "key ops")
    call("GET", "rooms")
    assert.is_nil(gate:logged "list_rooms")
    for _, line in ipairs(gate.log) do assert.is_nil(line.text:find(KEY, 1, true)) end
  end)
end)
