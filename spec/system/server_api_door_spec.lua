--- Who is let in by the server API, and what it refuses before it does anything.
local client = require "spec.support.client"
local file = require "spec.support.file"
local openapi = require "spec.support.openapi"
local operations = require "server_api.operations"
local server = require "spec.support.server"
local server_api = require "spec.support.server_api"

local KEYS = server_api.KEYS

describe("the server API", function()
  local house, api, ops

  setup(function()
    house = server_api.start "rate = { per_second = 10000, burst = 10000 }"
    api = openapi.open "docs/openapi.json"
    ops = api:client(house.port, KEYS.ops)
  end)

  teardown(function()
    api:close()
    house:stop()
  end)

  local function room(name) return ops:calls("create_room", { room = name }).room end

  describe("lets in", function()
    it("nobody without a key, or with a wrong one", function()
      for _, key in ipairs { false, "wrong", KEYS.ops .. "x", KEYS.ops:sub(1, -2), "" } do
        local nobody = api:client(house.port, key or nil)
        for name in pairs(api.operations) do
          local response = nobody:tries(name, { room = "tea" })
          assert.equal(401, response.status)
          local is_none = not key or key == ""
          assert.equal(is_none and "not_authenticated" or "bad_token", response.data.error.code)
        end
      end
      for _, authorization in ipairs { "Basic " .. KEYS.ops, KEYS.ops, "Bearer", "Bearer a b" } do
        assert.equal(401,
          ops:sends("GET", "/api/v1/rooms", { Authorization = authorization }).status)
      end
      assert.equal(200, ops:sends("GET", "/api/v1/rooms",
        { Authorization = "bearer  " .. KEYS.ops }).status)
      assert.equal(401, ops:sends("GET", "/api/v1/nothing", { Authorization = false }).status)
    end)

    it("a key to what it is for, and to nothing else", function()
      local may = { bot = { publish = true, broadcast = true, kick = true } }
      may.reader = {}
      for _, operation in ipairs(operations) do
        may.reader[operation.name] = operation.is_reading
      end
      for name, allowed in pairs(may) do
        local one = api:client(house.port, KEYS[name])
        for operation in pairs(api.operations) do
          local is_refused = one:tries(operation, { nothing = "x" }).status == 403
          assert.equal(not allowed[operation], is_refused, name .. " " .. operation)
        end
      end
    end)

    it("nobody under a name that only a server has", function()
      for _, name in ipairs { "server", "api:ops" } do
        local conn = client.connect(house.port, "/ws",
          { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
        local reply = conn:asks { type = "auth", data = { name = name } }
        assert.equal("bad_name", reply.error.code)
        conn:close()
      end
    end)
  end)

  describe("lets nobody", function()
    local other, conns

    before_each(function() conns = {} end)
    after_each(function()
      for _, conn in ipairs(conns) do conn:cut() end
      other:stop()
    end)

    --- A server with keys whose auth has these options.
    local function start(options)
      other = server_api.start()
      local list = file.read(other.app .. "/init.lua")
      other:save("init", (list:gsub('{ "auth", trust = "trusted" }',
        function() return ('{ "auth", trust = "trusted", options = { %s } }'):format(options) end)))
      other:logs "auth (its options have changed)"
    end

    local function connect()
      local conn = client.connect(other.port, "/ws",
        { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
      conn:hears { type = "hello" }
      table.insert(conns, conn)
      return conn
    end

    --- What came to a connection until now.
    local function heard(conn)
      local types = {}
      conn:says { type = "ping", id = "last" }
      while true do
        local message = conn:hears {}
        if message.id == "last" then return types end
        types[#types + 1] = message.type
      end
    end

    local REST = [[{"type":"join","id":2,"room":"tea"},
      {"type":"say","id":3,"room":"tea","data":"hi"},
      {"type":"direct","id":4,"data":{"user":"bob"}}]]

    local function is_nobody(conn)
      assert.equal("bad_name", conn:hears({ type = "reply", id = 1 }).error.code)
      for id = 2, 4 do
        assert.equal("not_authenticated", conn:hears({ type = "reply", id = id }).error.code)
      end
    end

    it("speak as the server in the frame that registers it", function()
      start 'methods = { "password" }'
      local bob = connect()
      local account = { user = "bob", password = "12345678" }
      assert.is_true(bob:asks({ type = "register", data = account }).ok)
      assert.is_true(bob:asks({ type = "join", room = "tea" }).ok)
      for _, name in ipairs { "server", "api:ops" } do
        local conn, first = connect(), '{"type":"register","id":1,"data":{"user":"%s",%s}}'
        conn:send(client.TEXT,
          ("[%s,%s]"):format(first:format(name, '"password":"12345678"'), REST))
        is_nobody(conn)
      end
      assert.same({}, heard(bob))
    end)

    it("speak as the server by a token, in one frame or in many at once", function()
      start [[methods = { "static" }, tokens = { { token = "the token of bob, 16", user = "bob" },
        { token = "the token of server", user = "server" },
        { token = "the token of api:ops", user = "api:ops" } }]]
      local bob = connect()
      assert.is_true(bob:asks({ type = "auth", data = { token = "the token of bob, 16" } }).ok)
      assert.is_true(bob:asks({ type = "join", room = "tea" }).ok)
      for _, name in ipairs { "server", "api:ops" } do
        local first = ('{"type":"auth","id":1,"data":{"token":"the token of %s"}}'):format(name)
        local conn = connect()
        conn:send(client.TEXT, ("[%s,%s]"):format(first, REST))
        is_nobody(conn)
        for _ = 1, 5 do
          conn = connect()
          conn:send(client.TEXT, first)
          for request in REST:gmatch "%b{}" do conn:send(client.TEXT, request) end
          is_nobody(conn)
        end
      end
      assert.same({}, heard(bob))
    end)

    it("go on as the server who was it before there were keys", function()
      other = server.start()
      local conn = client.guest(other.port, "server", "tea")
      table.insert(conns, conn)
      server_api.set(other, server_api.keys())
      assert.same({ 4501, "bad_name" }, { conn:is_closed() })
      other:logs "server: a user of this name would be taken for the server"
    end)
  end)

  describe("refuses", function()
    local function post(body, headers, path)
      headers = headers or {}
      headers["Content-Type"] = headers["Content-Type"] == nil and "application/json"
        or headers["Content-Type"]
      local response = ops:sends("POST", path or "/api/v1/publish", headers, body)
      return response.status, response.data and response.data.error.code
    end

    it("what is no JSON, or no object", function()
      for _, body in ipairs { "", "{", "[]", "[{}]", "null", "7", '"x"', "{}{}", "{'a':1}",
        '{"room":"\255"}', '{"room":"a\0b"}', '{"a":1e999}', ("["):rep(5000), ("{\"a\":"):rep(5000),
        '{"room":"tea","data":' .. ("["):rep(40) .. ("]"):rep(40) .. "}" } do
        local status, code = post(body)
        assert.same({ 400, "bad_json" }, { status, code }, body:sub(1, 40))
      end
    end)

    it("other content types", function()
      local body = '{"room":"tea","data":1}'
      for _, media in ipairs { "text/plain", "application/x-www-form-urlencoded",
        "application/jsonx", "multipart/form-data; boundary=x", ";application/json", false } do
        assert.same({ 415, "bad_content_type" }, { post(body, { ["Content-Type"] = media }) })
      end
      for _, media in ipairs { "application/json; charset=utf-8", "Application/JSON" } do
        assert.equal(404, (post('{"room":"no","data":1}', { ["Content-Type"] = media })))
      end
    end)

    it("bodies that are too long: itself, or the server before it", function()
      assert.same({ 413, "too_big" }, { post('{"room":"' .. ("x"):rep(32768) .. '"}') })
      local response = ops:sends("POST", "/api/v1/publish",
        { ["Content-Length"] = "99999999999", ["Content-Type"] = "application/json" })
      assert.equal(413, response.status)
      assert.equal(411, ops:sends("POST", "/api/v1/publish", {}).status)
    end)

    it("other methods, and says which there are", function()
      for name, operation in pairs(api.operations) do
        local has = { HEAD = api.document.paths[operation.path].get ~= nil }
        for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
          has[method] = api.document.paths[operation.path][method:lower()] ~= nil
        end
        for method, is_there in pairs(has) do
          local response = ops:sends(method, operation.path, nil,
            method ~= "GET" and method ~= "HEAD" and "" or nil)
          assert.equal(not is_there, response.status == 405, method .. " " .. name)
          if not is_there then
            local allowed = {}
            for each in response.headers.allow:gmatch "%u+" do allowed[each] = true end
            for each, is_listed in pairs(has) do assert.equal(is_listed or nil, allowed[each]) end
          end
        end
      end
    end)

    it("paths that are none of its own, whatever they look like", function()
      room "tea of paths"
      -- It ends the request line; what was behind it is lost.
      local ok, response = pcall(ops.sends, ops, "GET", "/api/v1/rooms%0a",
        { Authorization = false })
      assert.is_true(not ok or response.status == 400)
      for path, status in pairs {
        ["/api/v1/"] = 404, ["/api/v1"] = 404, ["/api/v1/nothing"] = 404, ["/api/v2/rooms"] = 404,
        ["/api/v1/rooms/tea"] = 404, ["/api/v1/rooms%2Ftea"] = 404, ["/api/v1/rooms/"] = 404,
        ["/api/v1/ROOMS"] = 404, ["/api/v1/room%00s"] = false,
        ["/api/v1/t%C3%A9e"] = 404, ["/api/v1/%ff"] = 404, ["/api/v1/r\195\169"] = 404,
        ["/api/v1/%2e%2e/%2e%2e/etc/passwd"] = 404, ["/api/v1/..%2f..%2fetc%2fpasswd"] = 404,
        ["/api/v1/rooms;x=1"] = 404, ["/api/v1/" .. ("x"):rep(400)] = 404,
        -- These are the same as /api/v1/rooms once they are decoded, and ask for the same key.
        ["/api/v1/%72ooms"] = 200, ["/api/v1/x/../rooms"] = 200,
      } do
        ok, response = pcall(ops.sends, ops, "GET", path)
        assert.is_true(ok or status == false, path)
        local got = ok and response.status or nil
        if status then assert.equal(status, got, path) else assert.is_true(got ~= 200, path) end
        if status == 200 then
          assert.equal(401, ops:sends("GET", path, { Authorization = false }).status)
        end
      end
    end)

    it("queries with bytes that are no text, and fields that come twice take the last", function()
      local response = ops:sends("GET", "/api/v1/room?room=%ff")
      assert.same({ 400, "room: is not UTF-8" },
        { response.status, response.data.error.message })
      room "first"
      assert.equal("first", ops:sends("GET", "/api/v1/room?room=none&room=first").data.room)
      assert.equal(400, ops:sends("GET", "/api/v1/rooms?limit=1e1").status)
    end)
  end)

  it("grants what its page shows", function()
    local page, count = file.read "docs/server_api.md", 0
    for words in page:gmatch "\n%$ curl ([^\n]+)" do
      local body, path = words:match "%-d '(.*)'$", words:match "%$URL([^ \"]+)"
      local method = words:match "%-X (%u+)" or body and "POST" or "GET"
      assert.is_truthy(words:find('-H "Authorization: Bearer $KEY"', 1, true))
      local media = words:match '%-H "Content%-Type: ([^"]+)"'
      local response = ops:sends(method, path, { ["Content-Type"] = media }, body)
      assert.equal(200, response.status, words .. response.body)
      count = count + 1
    end
    assert.equal(5, count)
  end)

  it("counts calls, writes a line for each change, and a key in none", function()
    local before = house:metrics()
    room "line\"of"
    ops:calls("list_rooms", {})
    api:client(house.port, "not-a-key-of-anybody"):tries("list_rooms", {})
    local metrics
    local function grown(operation, status)
      local name = ('plugin_server_api_calls_total{operation="%s",status="%d"}'):format(operation,
        status)
      return (metrics[name] or 0) - (before[name] or 0)
    end
    -- The figures of scripts are told now and then.
    server.eventually("the calls to be counted", function()
      metrics = house:metrics()
      return grown("create_room", 200) >= 1 and grown("list_rooms", 200) >= 1
        and grown("none", 401) >= 1
    end)
    house:logs 'key ops from 127.0.0.1: create_room room="line?of": done'
    local log = house:log()
    for _, key in pairs(KEYS) do assert.is_nil(log:find(key, 1, true)) end
    assert.is_nil(log:find("not-a-key-of-anybody", 1, true))
    assert.is_nil(log:find("list_rooms", 1, true))
  end)
end)

describe("the server API of one who calls too often", function()
  it("tells each key for itself when to come again", function()
    local house = server_api.start "rate = { per_minute = 1, burst = 2 }"
    local api = openapi.open "docs/openapi.json"
    local ops, reader = api:client(house.port, KEYS.ops), api:client(house.port, KEYS.reader)
    for _ = 1, 2 do ops:calls("list_rooms", {}) end
    local response = ops:tries("list_rooms", {})
    assert.same({ 429, "rate_limited", true },
      { response.status, response.data.error.code, response.data.error.temporary })
    local wait_s = tonumber(response.headers["retry-after"])
    assert.equal(wait_s, math.ceil(response.data.error.retry_after_ms / 1000))
    assert.is_true(wait_s > 30 and wait_s <= 60)
    reader:calls("list_rooms", {})
    api:close()
    house:stop()
  end)
end)

describe("the server API without keys", function()
  it("is not there", function()
    local house = server.start()
    local nobody = openapi.open "docs/openapi.json"
    local ops = nobody:client(house.port, KEYS.ops)
    for name in pairs(nobody.operations) do
      assert.equal(404, ops:tries(name, {}).status, name)
    end
    assert.equal(404, ops:sends("PUT", "/api/v1/anything", nil, "").status)
    client.guest(house.port, "server"):close() -- a name as any other
    nobody:close()
    assert.is_nil(house:stop():find " warn ")
  end)
end)

describe("the server API with a mistake in its options", function()
  it("is told where, what was expected and what it got", function()
    local house = server.start()
    server_api.set(house, 'keys = { { name = "x", sha256 = "abc" } }')
    house:expects "server_api"
    house:logs 'option "keys": entry 1: sha256: expected 64 hexadecimal digits'
    assert.truthy(house:log():find('/server_api.lua: option "keys"', 1, true))
    house:stop()
  end)
end)
