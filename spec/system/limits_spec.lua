local client = require "spec.support.client"
local crowd = require "spec.support.crowd"
local server = require "spec.support.server"
local socket = require "socket"

local PLUGIN = [[return function(gate)
  gate:raw("/echo", {
    received = function(conn, bytes) conn:send(bytes) end,
    refused = function(conn, bytes, _, retry_after_ms)
      conn:send(("%s refused, again in %d"):format(bytes, retry_after_ms))
    end,
    closed = function(_, reason, code) gate:info("echo closed: %s %d", reason, code) end,
  })
  gate:raw("/strict", {
    opened = function(conn)
      conn:limit { messages_per_second = 1, burst_messages = 3, on_flood = "close" }
    end,
    received = function(conn, bytes) conn:send(bytes) end,
  })
  gate:raw("/secret", { token = true, opened = function(conn) conn:send(conn.token) end })
  gate:raw("/own/{x}", { protocols = { "chat.v2", "chat.v1" },
    opened = function(conn) conn:send(conn.protocol .. " " .. (conn.token or "-")) end })
  gate:on("policy", function(_, message)
    local ok, code = gate:admission(message.policy)
    if not ok then return nil, code end
  end)
end]]

--- Sends texts in one write.
local function send_all(who, texts)
  local frames = {}
  for i, text in ipairs(texts) do frames[i] = client.frame(client.TEXT, text) end
  who:send_bytes(table.concat(frames))
end

local function numbers(from, to)
  local list = {}
  for n = from, to do list[#list + 1] = tostring(n) end
  return list
end

describe("a client that sends too much", function()
  local function start(action)
    return server.start { plugins = { limits = PLUGIN }, arguments = { "--flood", action,
      "--rate-messages", "50", "--burst-messages", "10" } }
  end

  it("is read later, and loses nothing (pause)", function()
    local house = start "pause"
    local ann = client.connect(house.port, "/echo")
    send_all(ann, numbers(1, 40))
    for n = 1, 40 do assert.equal(tostring(n), ann:read()) end
    assert.is_true(house:metrics()['moongate_flood_total{action="pause"}'] > 0)
    ann:close()
    house:stop()
  end)

  it("waits afterwards for all that came at once (pause)", function()
    local house = start "pause"
    local ann = client.connect(house.port, "/echo")
    local began = socket.gettime()
    send_all(ann, numbers(1, 40))
    for n = 1, 40 do assert.equal(tostring(n), ann:read()) end
    send_all(ann, { "next" })
    assert.equal("next", ann:read())
    local allowed = 10 + 50 * (socket.gettime() - began)
    assert.is_true(allowed >= 38, "41 messages passed where " .. allowed .. " may")
    ann:close()
    house:stop()
  end)

  it("gets every pong, but later, whatever happens to its messages", function()
    local house = start "close"
    local ann = client.connect(house.port, "/echo")
    local pings = {}
    for n = 1, 40 do pings[n] = client.frame(client.PING, tostring(n)) end
    ann:send_bytes(table.concat(pings))
    for n = 1, 40 do
      local opcode, payload = ann:read_frame()
      assert.same({ client.PONG, tostring(n) }, { opcode, payload })
    end
    assert.is_true(house:metrics()['moongate_flood_total{action="pause"}'] > 0)
    ann:close()
    house:stop()
  end)

  it("is told when to come again (refuse), and closed when it goes on", function()
    local house = start "refuse"
    local ann = client.connect(house.port, "/echo")
    send_all(ann, numbers(1, 15))
    for n = 1, 10 do assert.equal(tostring(n), ann:read()) end
    for n = 11, 15 do
      local text, ms = ann:read():match "^(%d+) refused, again in (%d+)$"
      assert.equal(tostring(n), text)
      assert.is_true(tonumber(ms) >= 1 and tonumber(ms) <= 1000)
    end
    send_all(ann, numbers(16, 100))
    assert.same({ 4010, "flood" }, { ann:is_closed() })
    house:stop()
  end)

  it("over the wire protocol hears rate_limited with its id", function()
    local house = start "refuse"
    local ann = client.guest(house.port, "ann")
    local frames = {}
    for n = 100, 115 do
      frames[#frames + 1] = client.frame(client.TEXT, ('{"type":"ping","id":%d}'):format(n))
    end
    ann:send_bytes(table.concat(frames))
    local reply
    repeat reply = ann:hears { type = "reply" } until not reply.ok
    assert.equal("rate_limited", reply.error.code)
    assert.is_true(reply.error.temporary)
    assert.is_true(reply.error.retry_after_ms >= 1)
    assert.is_true(reply.id > 100)
    ann:close()
    house:stop()
  end)

  it("is not let off because it sends batches", function()
    local house = start "refuse"
    local ann = client.guest(house.port, "ann")
    local batch = ("[%s{\"type\":\"ping\",\"id\":\"last\"}]"):format(('{"type":"ping"},'):rep(63))
    ann:send_text(batch)
    assert.is_true(ann:hears({ id = "last" }).ok)
    ann:says { type = "ping", id = "over" }
    local reply = ann:hears { id = "over" }
    assert.equal("rate_limited", reply.error.code)
    assert.is_true(reply.error.retry_after_ms > 500) -- 54 messages are owed, 50 come in a second
    ann:close()
    house:stop()
  end)

  it("is closed with 4010 (close)", function()
    local house = start "close"
    local ann = client.connect(house.port, "/echo")
    send_all(ann, numbers(1, 20))
    assert.same({ 4010, "flood" }, { ann:is_closed() })
    house:logs "echo closed: flood 4010"
    house:stop()
  end)

  it("is judged by limits of its own when a script has set them", function()
    local house = start "pause"
    local ann = client.connect(house.port, "/strict")
    send_all(ann, numbers(1, 3))
    for n = 1, 3 do assert.equal(tostring(n), ann:read()) end
    send_all(ann, numbers(4, 8))
    assert.same({ 4010, "flood" }, { ann:is_closed() })
    house:stop()
  end)

  it("in bytes is paused just so", function()
    local house = server.start { plugins = { limits = PLUGIN }, arguments = {
      "--rate-bytes", "100000", "--burst-bytes", "1000" } }
    local ann = client.connect(house.port, "/echo")
    local text = ("x"):rep(10000)
    send_all(ann, { text, text, text })
    for _ = 1, 3 do assert.equal(text, ann:read()) end
    assert.is_true(house:metrics()['moongate_flood_total{action="pause"}'] >= 1)
    ann:close()
    house:stop()
  end)

  it("in fragments is closed with 1009", function()
    local house = server.start { plugins = { limits = PLUGIN },
      arguments = { "--max-fragments", "20" } }
    local ann = client.connect(house.port, "/echo")
    ann:send(client.TEXT, "x", { more = true })
    for _ = 1, 18 do ann:send(0, "x", { more = true }) end
    ann:send(0, "x")
    assert.equal(("x"):rep(20), ann:read())
    ann:send(client.TEXT, "", { more = true })
    for _ = 1, 20 do ann:send(0, "", { more = true }) end
    assert.same({ 1009, "too_big" }, { ann:is_closed() })
    house:stop()
  end)

  it("in more fragments than any limit allows is closed, too", function()
    local house = server.start { plugins = { limits = PLUGIN },
      arguments = { "--max-fragments", "65535" } }
    local ann = client.connect(house.port, "/echo")
    ann:send(client.TEXT, "", { more = true })
    ann:send_bytes(client.frame(0, "", { more = true }):rep(65535))
    assert.same({ 1009, "too_big" }, { ann:is_closed() })
    house:stop()
  end)
end)

describe("admission", function()
  local house

  local function ask(path, headers)
    local response = client.request(house.port, client.upgrade(path, house.port, headers))
    response.socket:close()
    return response
  end

  after_each(function()
    if house then house:stop() end
    house = nil
  end)

  it("has a place for so many from one address, and names the limit by its code", function()
    house = server.start { arguments = { "--max-connections-per-address", "2", "--threads", "1" } }
    local ann, bob = client.guest(house.port, "ann"), client.guest(house.port, "bob")
    local refused = ask "/ws"
    assert.equal(429, refused.status)
    assert.truthy(refused.head:find "Retry%-After: %d")
    ann:close()
    server.eventually("a free place", function() return ask("/ws").status == 101 end)
    bob:close()
    local now = house:metrics()
    assert.is_true(now['moongate_refused_total{reason="address"}'] >= 1)
  end)

  it("does not let one address take all places for handshakes", function()
    house = server.start { tls = false, arguments = { "--max-connections-per-address", "4",
      "--max-handshakes", "60", "--threads", "1" } }
    local silent = crowd.connect(house.port, 50, "/ws", { request = "GET /ws HTTP/1.1\r\n" })
    silent:run(function() return silent.gone >= 30 end, "those beyond 4 and 16 to be cut")
    local elsewhere = socket.tcp()
    assert(elsewhere:bind("127.0.0.2", 0))
    assert(elsewhere:connect("127.0.0.1", house.port))
    elsewhere:settimeout(30)
    assert(elsewhere:send(client.upgrade("/ws", house.port)))
    client.adopt(elsewhere):close()
    silent:leave()
  end)

  it("takes so many handshakes a second", function()
    house = server.start { arguments = { "--handshakes-per-second", "3", "--threads", "1" } }
    local granted, refused = 0, 0
    for _ = 1, 8 do
      local status = ask("/ws").status
      if status == 101 then granted = granted + 1 else refused = refused + 1 end
      assert.is_true(status == 101 or status == 503)
    end
    assert.is_true(granted >= 3)
    assert.is_true(refused >= 1)
    assert.equal(refused, house:metrics()['moongate_refused_total{reason="rate"}'])
  end)

  it("changes while the server runs, as a script says", function()
    house = server.start { plugins = { limits = PLUGIN }, arguments = { "--threads", "1" } }
    local ann = client.guest(house.port, "ann")
    local origin = { Origin = "https://new.test" }
    assert.equal(403, ask("/ws", origin).status)
    assert.is_true(ann:asks({ type = "policy", policy = { origins = { "https://new.test" },
      max_connections = 2 } }).ok)
    local bob = client.connect(house.port, "/ws", origin)
    assert.equal(503, ask("/ws").status)
    bob:close()
    assert.is_true(ann:asks({ type = "policy", policy = { deny = { "127.0.0.0/8" },
      max_connections = 100 } }).ok)
    server.eventually("the address to be denied", function()
      return ask("/ws").status == 403
    end)
    local reply = ann:asks { type = "policy", policy = { deny = { "127.0.0.300" } } }
    assert.equal("invalid", reply.error.code)
    ann:close()
  end)

  it("asks for a token where the route wants one, and takes it wherever it may be", function()
    house = server.start { plugins = { limits = PLUGIN } }
    local refused = ask "/secret"
    assert.equal(401, refused.status)
    assert.truthy(refused.head:find "WWW%-Authenticate: Bearer")
    local ours = house.origin
    for _, headers in ipairs {
      { Authorization = "Bearer abc" },
      { Authorization = "bearer abc" },
      { Cookie = "x=y; moongate_token=abc", Origin = ours },
    } do
      local ann = client.connect(house.port, "/secret", headers)
      assert.equal("abc", ann:read())
      ann:close()
    end
    local bob = client.connect(house.port, "/own/x",
      { ["Sec-WebSocket-Protocol"] = "bearer.a_b-C.1, chat.v1" })
    assert.truthy(bob.head:find "Sec%-WebSocket%-Protocol: chat%.v1")
    assert.equal("chat.v1 a_b-C.1", bob:read())
    bob:close()
  end)

  it("agrees on any subprotocol that a route declares", function()
    house = server.start { plugins = { limits = PLUGIN } }
    local offers = { ["chat.v2"] = "chat.v2", ["soap, chat.v1, chat.v2"] = "chat.v1" }
    for offer, chosen in pairs(offers) do
      local ann = client.connect(house.port, "/own/a", { ["Sec-WebSocket-Protocol"] = offer })
      assert.truthy(ann.head:find("Sec-WebSocket-Protocol: " .. chosen, 1, true))
      assert.equal(chosen .. " -", ann:read())
      ann:close()
    end
    local plain = client.connect(house.port, "/own/a")
    assert.is_nil(plain.head:find "Protocol:")
    plain:close()
    assert.equal(400, ask("/own/a", { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" }).status)
  end)

  it("closes with 4408 whom no script has admitted in time", function()
    house = server.start { arguments = { "--auth-timeout-ms", "200" }, plugins = { told = [[
      return function(gate)
        gate:after("closed", function(_, reason, code) gate:info("%s %d", reason, code) end)
      end]] } }
    local ann = client.guest(house.port, "ann")
    local nobody = client.connect(house.port, "/ws")
    assert.same({ 4408, "auth_timeout" }, { nobody:is_closed() })
    house:logs "auth_timeout 4408"
    assert.is_true(ann:asks({ type = "ping" }).ok)
    ann:close()
  end)
end)

describe("behind a proxy", function()
  local PEER = [[return function(gate)
    gate:raw("/who", { opened = function(conn) conn:send(conn.address) end })
  end]]
  local SIGNATURE = "\13\10\13\10\0\13\10\81\85\73\84\10"

  it("the client is who X-Forwarded-For says, from a proxy that is named alone", function()
    local house = server.start { plugins = { peer = PEER },
      arguments = { "--proxies", "127.0.0.0/8, 10.0.0.0/8" } }
    local function who(value)
      local ann = client.connect(house.port, "/who", { ["X-Forwarded-For"] = value })
      local address = ann:read()
      ann:close()
      return address
    end
    assert.equal("203.0.113.9", who "203.0.113.9")
    assert.equal("203.0.113.9", who "6.6.6.6, 203.0.113.9, 10.1.2.3")
    assert.equal("2001:db8::1", who "2001:db8::1")
    for _, value in ipairs { "nonsense", "6.6.6.6,", ("a"):rep(5000) .. ", 6.6.6.6" } do
      local response = client.request(house.port,
        client.upgrade("/who", house.port, { ["X-Forwarded-For"] = value }))
      assert.equal(400, response.status)
      response.socket:close()
    end
    assert.equal("127.0.0.1", who(false))
    local strict = server.start { plugins = { peer = PEER } }
    local bob = client.connect(strict.port, "/who", { ["X-Forwarded-For"] = "203.0.113.9" })
    assert.equal("127.0.0.1", bob:read())
    bob:close()
    strict:stop()
    house:stop()
  end)

  it("the scheme of the own origin is what the proxy says", function()
    local house = server.start { tls = false, arguments = { "--proxies", "127.0.0.1" } }
    local function ask(proto)
      local response = client.request(house.port, client.upgrade("/ws", house.port,
        { Origin = "https://127.0.0.1:" .. house.port, ["X-Forwarded-Proto"] = proto }))
      response.socket:close()
      return response.status
    end
    assert.equal(101, ask "https")
    assert.equal(403, ask(false))
    house:stop()
  end)

  it("a PROXY header comes first, whole or in pieces, and names the client", function()
    local house = server.start { tls = false, plugins = { peer = PEER }, arguments = {
      "--proxies", "127.0.0.1", "--proxy-protocol", "on", "--handshake-timeout-ms", "300" } }
    local header = SIGNATURE .. "\33\17\0\15\203\0\113\9\127\0\0\1\1\2\3\4\4\0\0"
    local local_header = SIGNATURE .. "\32\0\0\0"
    local function who(first, rest)
      local stream = client.open(house.port)
      stream:send(first)
      stream:send((rest or "") .. client.upgrade("/who", house.port))
      return client.adopt(stream):read()
    end
    assert.equal("203.0.113.9", who(header))
    assert.equal("203.0.113.9", who(header:sub(1, 5), header:sub(6)))
    assert.equal("203.0.113.9", who(header:sub(1, 20), header:sub(21)))
    assert.equal("127.0.0.1", who(local_header))
    local forged = client.open(house.port) -- the header of the client is none of the proxy's
    forged:send(header .. "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n")
    assert.truthy(forged:receive("*l"):find " 403 ")
    local bad = client.open(house.port)
    bad:send(client.upgrade("/who", house.port))
    assert.is_nil((bad:receive(1)))
    local mute = client.open(house.port)
    mute:send(header:sub(1, 7))
    assert.is_nil((mute:receive(1))) -- cut at the deadline
    server.eventually("both to be counted", function()
      local stream = client.open(house.port)
      stream:send(local_header .. "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      local text = stream:receive "*a"
      return text:find 'refused_total{reason="proxy"} 1\n'
        and text:find 'refused_total{reason="timeout"} 1\n'
    end)
    house:stop()
  end)
end)
