local client = require "spec.support.client"
local exposition = require "spec.support.exposition"
local json = require "cjson"
local file = require "spec.support.file"
local server = require "spec.support.server"
local socket = require "socket"

local API = [[return function(gate)
  gate:http("GET", "/api/hello/{name}", function(request)
    return { hello = request.params.name, query = request.args.q, address = request.address }
  end)
  gate:http("POST", "/api/length", function(request)
    return { length = #request.body, type = request.content_type }, 201
  end)
  gate:http("PUT", "/api/slow", function()
    gate:sleep(200)
    return "slept"
  end)
  gate:http("GET", "/api/never", function() gate:sleep(600000) end)
  gate:http("POST", "/api/mirror", function(request) return request.body end)
  gate:http("GET", "/api/fails", function() error "oh no" end)
  gate:http("DELETE", "/api/nothing", function() end)
  gate:http("GET", "/api/query", function(request) return { query = request.query } end)
end]]

describe("HTTP for scripts", function()
  local house

  setup(function()
    house = server.start { plugins = { api = API },
      arguments = { "--http-timeout-ms", "500", "--max-body-bytes", "70000" } }
    house:expects "oh no"
  end)
  teardown(function() house:stop() end)

  --- Sends one request and reads one response.
  local function ask(method, path, headers, body)
    local lines = { ("%s %s HTTP/1.1"):format(method, path), "Host: x" }
    for name, value in pairs(headers or {}) do lines[#lines + 1] = name .. ": " .. value end
    if body then lines[#lines + 1] = "Content-Length: " .. #body end
    local text = table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
    local response = client.request(house.port, text)
    local length = tonumber(response.head:match "[Cc]ontent%-[Ll]ength: (%d+)") or 0
    response.body = ""
    if method ~= "HEAD" and length > 0 then response.body = response.socket:receive(length) end
    return response
  end

  it("goes to the handler with what the path, the query and the client say", function()
    local response = ask("GET", "/api/hello/ann?q=a%20b", { Connection = "close" })
    assert.equal(200, response.status)
    assert.truthy(response.head:find "Content%-Type: application/json")
    assert.same({ hello = "ann", query = "a b", address = "127.0.0.1" },
      json.decode(response.body))
    local more, problem = response.socket:receive(1)
    assert.is_nil(more)
    assert.equal("closed", problem)
  end)

  it("takes bodies of any length, whole, however they are cut", function()
    for _, length in ipairs { 1, 1000, 4096, 8000, 16000, 17000, 30000, 60000, 70000 } do
      local first = ask("POST", "/api/length", { ["Content-Type"] = "text/x" }, ("x"):rep(length))
      assert.equal(201, first.status)
      assert.same({ length = length, type = "text/x" }, json.decode(first.body))
      assert.is_nil((first.socket:receive(1))) -- one request a connection
    end
    assert.equal(0, json.decode(ask("POST", "/api/length", nil, "").body).length)
  end)

  it("answers HEAD like GET, without the body", function()
    local response = ask("HEAD", "/api/hello/ann", { Connection = "close" })
    assert.equal(200, response.status)
    assert.truthy(response.head:find "Content%-Length: %d%d")
    assert.is_nil((response.socket:receive(1)))
  end)

  it("lets a handler wait, and does not look at what comes behind its request", function()
    local post = "POST /api/length HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
      .. ("y"):rep(9000)
    local put = "PUT /api/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
    local get = "GET /api/hello/cat HTTP/1.1\r\nHost: x\r\n\r\n"
    for _, first in ipairs { put, get } do
      local response = client.request(house.port, first .. post .. post)
      assert.equal(200, response.status)
      local length = tonumber(response.head:match "[Cc]ontent%-[Ll]ength: (%d+)")
      assert.equal(length, #response.socket:receive(length))
      assert.is_nil((response.socket:receive(1)))
    end
    local body = ask("POST", "/api/mirror", nil, ("z"):rep(5000) .. post).body
    assert.equal(("z"):rep(5000) .. post, body)
  end)

  it("takes a request whose every part is as long as it may be", function()
    local name, query = ("n"):rep(490), "q=" .. ("x"):rep(508)
    local response = ask("GET", ("/api/hello/%s?%s"):format(name, query), {
      Authorization = ("a"):rep(4600), ["Content-Type"] = ("t"):rep(510), Connection = "close",
    })
    assert.equal(200, response.status)
    assert.equal(name, json.decode(response.body).hello)
    response = ask("GET", "/api/hello/ann?" .. ("x"):rep(600), { Connection = "close" })
    assert.equal(400, response.status)
  end)

  it("keeps an ampersand that a client has encoded within its argument", function()
    local response = ask("GET", "/api/hello/ann?q=x%26address%3Dy%25", { Connection = "close" })
    assert.equal("x&address=y%", json.decode(response.body).query)
  end)

  it("has no query where there is nothing behind the question mark", function()
    for path, query in pairs { ["/api/query"] = "", ["/api/query?"] = "", ["/api/query?a"] = "a",
      ["/api/query?a=/"] = "a=/", ["/api/query?/=1"] = "/=1" } do
      assert.same({ query = query }, json.decode(ask("GET", path).body), path)
    end
  end)

  it("refuses a request line that an encoded line break has cut", function()
    for _, path in ipairs { "/api/hello/ann?q=a%0Ab", "/api/hello/ann?q=a%0d%0ab",
      "/api/hello/a%0Ab" } do
      assert.equal(400, ask("GET", path).status, path)
    end
  end)

  it("answers 204 when the handler returns nothing", function()
    local response = ask("DELETE", "/api/nothing", { Connection = "close" })
    assert.equal(204, response.status)
    assert.is_nil((response.socket:receive(1)))
  end)

  it("refuses an address that a script denies", function()
    house:save("deny", [[return function(gate) gate:admission { deny = { "127.0.0.0/8" } } end]])
    server.eventually("the rule", function()
      return ask("GET", "/api/hello/ann", { Connection = "close" }).status == 403
    end)
    assert.equal(200, ask("GET", "/healthz", { Connection = "close" }).status)
    house:save("deny", [[return function(gate) gate:admission { deny = {} } end]])
    server.eventually("the rule to be gone", function()
      return ask("GET", "/api/hello/ann", { Connection = "close" }).status == 200
    end)
  end)

  it("answers 504 once when the handler never does", function()
    local response = ask("GET", "/api/never")
    assert.equal(504, response.status)
    assert.is_nil((response.socket:receive(1)))
    assert.equal(1, house:metrics()["moongate_http_timeouts_total"])
  end)

  it("answers 500 when the handler fails, with the reason in the log", function()
    local response = ask("GET", "/api/fails", { Connection = "close" })
    assert.equal(500, response.status)
    assert.same({ error = "internal" }, json.decode(response.body))
    house:logs ": GET /api/fails: "
  end)

  for name, case in pairs {
    ["a body over the limit"] = { 413, "POST", "/api/length", { ["Content-Length"] = "70001" } },
    ["a body of unknown length"] = { 411, "POST", "/api/length" },
    ["a chunked body"] = { 411, "POST", "/api/length", { ["Transfer-Encoding"] = "chunked" } },
    ["both lengths"] = { 411, "POST", "/api/length",
      { ["Transfer-Encoding"] = "chunked", ["Content-Length"] = "3" } },
    ["a negative length"] = { 411, "POST", "/api/length", { ["Content-Length"] = "-3" } },
    ["another method"] = { 405, "POST", "/api/hello/ann", { ["Content-Length"] = "0" } },
    ["a method that no file has"] = { 405, "POST", "/chat.css", { ["Content-Length"] = "0" } },
    ["a path nobody serves"] = { 404, "GET", "/api/nobody" },
  } do
    it(("with %s is refused with %d"):format(name, case[1]), function()
      local response = ask(case[2], case[3], case[4])
      assert.equal(case[1], response.status)
      if case[1] == 405 then assert.truthy(response.head:find "Allow: GET, HEAD") end
      response.socket:close()
    end)
  end

  it("serves the new handlers after a reload, and keeps the files", function()
    house:save("more", [[return function(gate)
      gate:http("GET", "/chat.js", function() return "mine" end)
      gate:http("GET", "/api/more", function() return { { 1 }, { 2 } } end)
    end]])
    house:logs "more (new), "
    assert.equal("mine", ask("GET", "/chat.js", { Connection = "close" }).body)
    assert.equal("[[1],[2]]", ask("GET", "/api/more", { Connection = "close" }).body)
    assert.equal(200, ask("GET", "/chat.css", { Connection = "close" }).status)
  end)
end)

describe("HTTP of the server itself", function()
  local house

  setup(function()
    house = server.start { plugins = { door = [[return function(gate)
      gate:on("shut", function() gate:admission { refuse = "maintenance", retry_after_s = 7 } end)
      gate:on("open", function() gate:admission { refuse = false } end)
    end]] } }
  end)
  teardown(function() house:stop() end)

  local function get(path, headers)
    local response = client.request(house.port, ("GET %s HTTP/1.1\r\nHost: x\r\n%s"
      .. "Connection: close\r\n\r\n"):format(path, headers or ""))
    response.body = response.socket:receive "*a"
    return response
  end

  it("gives files an ETag and answers 304 to it; a Range gets the whole file", function()
    local whole = get "/chat.css"
    local etag = assert(whole.head:match 'ETag: ("[%x-]+")')
    assert.equal(304, get("/chat.css", ("If-None-Match: %s\r\n"):format(etag)).status)
    local part = get("/chat.css", "Range: bytes=10-19\r\n")
    assert.equal(200, part.status) -- Debian builds libwebsockets without ranges
    assert.equal(whole.body, part.body)
  end)

  it("gives a large file to a slow reader, longer than a request may take", function()
    local folder = file.folder()
    file.run(("head -c 30000000 /dev/zero >%s/zero.txt"):format(folder))
    local files = server.start { arguments = { "--static", folder, "--http-timeout-ms", "200" } }
    local response = client.request(files.port,
      "GET /zero.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    local over = socket.gettime() + 0.6
    server.eventually("time to pass", function() return socket.gettime() > over end)
    assert.equal(30000000, #response.socket:receive "*a")
    files:stop()
    file.run("rm -r " .. folder)
  end)

  it("says that it is ready, and not while newcomers are refused", function()
    local ann = client.guest(house.port, "ann")
    assert.equal(200, get("/readyz").status)
    assert.is_true(ann:asks({ type = "shut" }).ok)
    server.eventually("the door to be shut", function() return get("/readyz").status == 503 end)
    assert.truthy(get("/readyz").body:find "maintenance")
    assert.equal(200, get("/healthz").status)
    local refused = client.request(house.port, client.upgrade("/ws", house.port))
    assert.equal(503, refused.status)
    assert.truthy(refused.head:find "Retry%-After: 7")
    assert.equal("maintenance\n", refused.socket:receive "*a")
    assert.is_true(ann:asks({ type = "open" }).ok)
    server.eventually("the door to be open", function() return get("/readyz").status == 200 end)
    client.guest(house.port, "bob"):close()
    ann:close()
  end)

  it("gives its metrics in a form that promtool has nothing to say about, to those named alone",
    function()
      client.guest(house.port, "ann", "tea"):close()
      local page = get "/metrics"
      assert.equal(200, page.status)
      assert.same({ "", 0 }, { exposition.check(page.body) })
      local shy = server.start { arguments = { "--metrics-from", "10.0.0.0/8" } }
      assert.equal(403, client.request(shy.port,
        "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").status)
      shy:stop()
    end)

  it("prints whatever a plugin counts, whole, so that promtool can read it", function()
    local counting = server.start { plugins = { counting = [[return function(gate)
      local names = gate:gauge("names", { about = "a\0b\\c\nd\255", labels = { "name" } })
      for n = 0, 255 do names:set(n, string.char(n) .. "x") end
      names:set(256, "last")
    end]] } }
    local page
    server.eventually("the metrics of the plugin", function()
      page = client.request(counting.port,
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").socket:receive "*a"
      return page:find('names{name="last"} 256', 1, true)
    end)
    assert.same({ "", 0 }, { exposition.check(page) })
    counting:stop()
  end)

  it("never writes a query into the log", function()
    local loud = server.start { arguments = { "--log", "debug" } }
    client.request(loud.port, client.upgrade("/nowhere?token=geheim", loud.port))
    client.request(loud.port, "GET /nothing?token=geheim HTTP/1.1\r\nHost: x\r\n\r\n")
    client.connect(loud.port, "/ws?token=geheim"):close()
    loud:logs "refused an upgrade of /nowhere"
    assert.is_nil(loud:stop():find "geheim")
  end)
end)
