--- A server whose plugin fetches what clients ask for, for the system specs of gate:fetch.
local client = require "spec.support.client"
local json = require "cjson"
local server = require "spec.support.server"

-- What is fetched is said by the client, and what came of it goes back to it.
local APP = [[return function(gate)
  local function fetch(asked)
    local response, code, text = gate:fetch(asked.url, asked.options)
    if not response then return { code = code, text = text } end
    return { status = response.status, headers = response.headers, url = response.url,
      body = #response.body < 1000 and response.body or nil, bytes = #response.body }
  end
  gate:http("POST", "/fetch", function(request) return fetch(request:json()) end)
  gate:http("GET", "/alive", function() return "yes" end)
  gate:on("fetch", function(conn, message)
    local answer = fetch(message.data)
    conn:send(gate.json.encode { type = "fetched", data = answer })
    return answer
  end)
  local codes = {}
  gate:http("POST", "/flood", function(request)
    local asked = request:json()
    for _ = 1, asked.count do
      gate:spawn(function()
        local code = fetch(asked).code or "ok"
        codes[code] = (codes[code] or 0) + 1
      end)
    end
    return codes
  end)
  gate:http("GET", "/codes", function() return codes end)
end]]

local function start(...)
  return server.start { plugins = { api = APP }, arguments = { "--http-timeout-ms", "60000", ... } }
end

--- Sends a request to the server; returns what reads the answer.
local function begin(house, method, path, value)
  local body = value and json.encode(value) or ""
  local stream = assert(client.open(house.port))
  assert(stream:send(("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s")
    :format(method, path, #body, body)))
  return function()
    local response = client.request(house.port, "", nil, stream)
    local length = tonumber(response.head:match "[Cc]ontent%-[Ll]ength: (%d+)")
    local text = assert(stream:receive(length))
    stream:close()
    assert(response.status == 200, text)
    return text
  end
end

--- Begins a fetch; returns what waits for its end.
local function fetch(house, url, options)
  local read = begin(house, "POST", "/fetch", { url = url, options = options })
  return function() return json.decode(read()) end
end

local function code_of(house, url, options) return fetch(house, url, options)().code end

local function series(house, name) return function() return house:metrics()[name] end end

--- Waits until a metric has the value.
local function shows(house, name, value)
  server.eventually(name .. " " .. value, function() return series(house, name)() == value end)
end

return { start = start, begin = begin, fetch = fetch, code_of = code_of, shows = shows }
