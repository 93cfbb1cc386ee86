local client = require "spec.support.client"
local server = require "spec.support.server"
local wire = require "spec.support.wire"

describe("an upgrade", function()
  local house

  setup(function() house = server.start { arguments = { "--origin", "https://chat.test" } } end)
  teardown(function() house:stop() end)

  local function ask(path, headers)
    local response = client.request(house.port, client.upgrade(path, house.port, headers))
    if response.status ~= 101 then
      local length = tonumber(response.head:match "[Cc]ontent%-[Ll]ength: (%d+)")
      response.body = response.socket:receive(length)
      assert.equal(length, #response.body)
      local more, problem = response.socket:receive(1) -- one response, and nothing after it
      assert.is_nil(more)
      assert.equal("closed", problem)
    end
    response.socket:close()
    return response
  end

  for name, case in pairs {
    ["an unknown path"] = { 404, "/nowhere" },
    ["a path that only begins like a route"] = { 404, "/ws/more" },
    ["version 8"] = { 426, "/ws", { ["Sec-WebSocket-Version"] = "8" } },
    ["no version"] = { 426, "/ws", { ["Sec-WebSocket-Version"] = false } },
    ["no key"] = { 400, "/ws", { ["Sec-WebSocket-Key"] = false } },
    ["a short key"] = { 400, "/ws", { ["Sec-WebSocket-Key"] = "c2hvcnQ=" } },
    ["no Connection header"] = { 400, "/ws", { Connection = false } },
    ["Connection: close"] = { 400, "/ws", { Connection = "close" } },
    ["another Upgrade"] = { 400, "/ws", { Upgrade = "h2c" } },
    ["a foreign origin"] = { 403, "/ws", { Origin = "http://evil.test" } },
    ["an origin that ends like ours"] = { 403, "/ws", { Origin = "https://my.chat.test" } },
    ["a null origin"] = { 403, "/ws", { Origin = "null" } },
    ["a cookie without an origin"] = { 403, "/ws", { Cookie = "a=b" } },
    ["an unknown subprotocol"] = { 400, "/ws", { ["Sec-WebSocket-Protocol"] = "soap" } },
    ["a malformed list of subprotocols"] = { 400, "/ws", { ["Sec-WebSocket-Protocol"] = "a b" } },
    ["a list of subprotocols that is too long"] = { 400, "/ws",
      { ["Sec-WebSocket-Protocol"] = ("x"):rep(200) } },
    ["an origin that is too long"] = { 400, "/ws", { Origin = "http://" .. ("x"):rep(600) } },
    ["a path that is too long"] = { 400, "/" .. ("x"):rep(600) },
    ["POST"] = { 405, "/ws", { method = "POST", ["Content-Length"] = "0" } },
  } do
    it(("with %s is refused with %d, one whole response"):format(name, case[1]), function()
      local response = ask(case[2], case[3])
      assert.equal(case[1], response.status)
      assert.is_truthy(response.head:find "Connection: close")
      if case[1] == 426 then
        assert.is_truthy(response.head:find("Sec-WebSocket-Version: 13", 1, true))
      end
    end)
  end

  it("is granted with our own origin, one from the list, and none", function()
    for _, origin in ipairs { house.origin, "https://chat.test", false } do
      assert.equal(101, ask("/ws", { Origin = origin }).status)
    end
    assert.equal(101, ask("/ws?token=x", { Origin = "https://chat.test", Cookie = "a=b" }).status)
  end)

  it("picks the first offered subprotocol that is spoken, and takes none for the default",
    function()
      local response = ask("/ws", { ["Sec-WebSocket-Protocol"] = "soap, moongate.v1.json" })
      assert.equal(101, response.status)
      assert.is_truthy(response.head:find("Sec%-WebSocket%-Protocol: moongate%.v1%.json"))
      assert.is_nil(ask("/ws").head:find "Protocol:")
    end)

  it("takes the cookies of a browser that has many", function()
    local cookie = "a=" .. ("x"):rep(8000)
    assert.equal(101, ask("/ws", { Origin = house.origin, Cookie = cookie }).status)
  end)

  it("takes Connection and Upgrade as lists and in any case", function()
    local headers = { Connection = "keep-alive, upgrade", Upgrade = "WebSocket" }
    assert.equal(101, ask("/ws", headers).status)
  end)
end)

describe("HTTP", function()
  local house

  setup(function() house = server.start() end)
  teardown(function() house:stop() end)

  local function get(path)
    local response = client.request(house.port,
      ("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):format(path))
    response.body = response.socket:receive "*a"
    return response
  end

  it("answers /healthz", function()
    local response = get "/healthz"
    assert.equal(200, response.status)
    assert.equal("ok\n", response.body)
  end)

  it("answers HEAD /healthz without a body", function()
    local response = client.request(house.port,
      "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert.equal(200, response.status)
    local byte, problem = response.socket:receive(1)
    assert.is_nil(byte)
    assert.equal("closed", problem)
  end)

  it("serves the chat page at /, and nothing outside its folder", function()
    local response = get "/"
    assert.equal(200, response.status)
    assert.is_truthy(response.body:find "<title>")
    assert.is_truthy(response.head:lower():find("content-security-policy: default-src 'self'",
      1, true))
    assert.equal(404, get("/nothing.html").status)
    for _, path in ipairs { "/../CMakeLists.txt", "/%2e%2e/CMakeLists.txt",
      "/..%2f..%2fREADME.md" } do
      assert.is_nil(tostring(get(path).body):find "cmake_minimum_required")
    end
  end)

  it("gives HEAD of a file its length and no body, and unknown types as octets", function()
    local response = client.request(house.port,
      "HEAD /chat.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert.equal(200, response.status)
    assert.equal(#get("/chat.css").body,
      tonumber(response.head:lower():match "content%-length: (%d+)"))
    assert.is_nil((response.socket:receive(1)))
  end)

  it("ends the connection with the response, and never looks at what lies behind the request",
    function()
      for _, path in ipairs { "/chat.css", "/healthz", "/nothing" } do
        local response = client.request(house.port, ("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(
          path) .. "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        local length = tonumber(response.head:lower():match "content%-length: (%d+)")
        assert.equal(length, #response.socket:receive(length))
        assert.is_nil((response.socket:receive(1)))
      end
    end)
end)

-- RFC 6455 section 4.1: a client waits for the answer before it sends any data.
describe("a client that sends data along with its request", function()
  local house

  setup(function() house = server.start { app = "examples/echo.lua" } end)
  teardown(function() house:stop() end)

  for name, size in pairs { ["a frame"] = 5, ["more than is read in one go"] = 9000 } do
    it("is not listened to: " .. name, function()
      local early = wire.encode(wire.text(("x"):rep(size)))
      local stream = client.open(house.port)
      stream:send(client.upgrade("/echo", house.port) .. early)
      local answer = stream:receive "*l"
      if answer and answer:find "101" then
        repeat until stream:receive "*l" == ""
        local close = stream:receive(12)
        if close then assert.equal("\136\10\3\234protocol", close) end -- 1002
      end
      assert.is_nil((stream:receive(1)))
      local ann = client.connect(house.port, "/echo")
      ann:send_text "others are served"
      assert.equal("others are served", ann:read())
      assert.equal(1000, ann:close())
    end)
  end
end)
