--- HTTP requests: each is a task of its own, and has one response.
local core = require "moongate.ffi"
local fields = require "moongate.fields"
local header_lines = require("moongate.headers").lines
local json = require "moongate.json"
local log = require "moongate.log"
local membrane = require "moongate.membrane"
local guard = require("moongate.request").guard
local routes = require "moongate.route"
local task = require "moongate.task"

local C = core.C

local LATE_MS = 1000 -- after its client has had a 504 a handler is cancelled
local MAX_PLACES = 1024 -- requests that wait for their handlers, of all connections

local http = {}

---@alias moongate.Method "GET"|"POST"|"PUT"|"PATCH"|"DELETE"

local OWN = { ["/healthz"] = true, ["/readyz"] = true, ["/metrics"] = true } -- core/ws_http.c

local METHODS = { GET = true, POST = true, PUT = true, PATCH = true, DELETE = true }

--- nil, or what is wrong with what gate:http was given.
---@param method string
---@param pattern string
---@return string? problem
function http.problem_of_route(method, pattern)
  if OWN[pattern] then return pattern .. " is the gateway's own" end
  return routes.problem_of_pattern(pattern) or fields.unknown({ [method] = true }, METHODS)
end

---@class moongate.Request
---@field method string "HEAD" comes to the handler of GET
---@field path string
---@field query string what followed the question mark, percent-encoded where it would be ambiguous
---@field args table<string, string> its parts by name, decoded; of several with a name the last
---@field params table<string, string> what the braces of the route matched
---@field content_type? string
---@field authorization? string
---@field address string the peer's IP address
---@field host string the Host header, or ""
---@field body string
local Request = {}
local request_mt = { __index = Request }

membrane.seal(request_mt, {
  name = "request",
  methods = Request,
  fields = { method = true, path = true, query = true, args = true, params = true,
    content_type = true, authorization = true, address = true, host = true, body = true },
})

--- The body as JSON; null is gate.json.null.
---@return any value nil when it is not JSON
---@return string? reason
function Request:json()
  if C.moon_is_utf8(self.body, #self.body) == 0 then return nil, "it is not UTF-8" end
  return json.decode(self.body)
end

local function char_of(digits) return string.char(tonumber(digits, 16)) end

local function decoded(text) return (string.gsub(text, "%%(%x%x)", char_of)) end

--- Only what is cut already is decoded: "q=x%26admin=1" is one part. A plus stays
--- a plus: of one that means a blank libwebsockets has made one.
local function args_of(query)
  local args = {}
  for part in string.gmatch(query, "[^&]+") do
    local name, value = string.match(part, "^([^=]*)=?(.*)$")
    args[decoded(name)] = decoded(value)
  end
  return args
end

local function filled(text) return text ~= "" and text or nil end

local HEAD = "^" .. string.rep("(%Z*)%z", 7) .. "()"

---@param bytes string of MOON_REQUESTED
---@return moongate.Request
local function read(bytes)
  local method, path, query, content_type, authorization, address, host, body =
    string.match(bytes, HEAD)
  return setmetatable({
    method = method, path = path, query = query, args = args_of(query), params = {},
    content_type = filled(content_type), authorization = filled(authorization),
    address = address, host = host, body = bytes:sub(body),
  }, request_mt)
end

-- ---- responses ----

--- The body's bytes and type; nil and what is wrong.
local function body_of(body)
  if body == nil then return "" end
  if type(body) == "string" then return body, "text/plain; charset=utf-8" end
  if type(body) ~= "table" and body ~= json.empty_list then
    return nil, "a body is a string or a table, not a " .. type(body)
  end
  local text, reason = json.encode(body)
  if not text then return nil, "cannot encode the body: " .. reason end
  return text, "application/json"
end

local function is_status(status)
  return type(status) == "number" and status % 1 == 0 and status >= 200 and status <= 599
end

--- Returns what moon_respond() takes, or nil and what is wrong.
local function pack(body, status, headers)
  if status == nil then status = body == nil and 204 or 200 end
  if not is_status(status) then
    return nil, "a status is a number from 200 to 599, not " .. tostring(status)
  end
  if status == 204 or status == 304 then body = nil end -- these have none
  local bytes, content_type = body_of(body)
  if not bytes then return nil, content_type end
  local lines, problem = header_lines(headers, content_type)
  if not lines then return nil, problem end
  return status, lines, bytes
end

local function send(asked, status, lines, bytes)
  return C.moon_respond(asked.id, asked.number, status, lines, #lines, bytes, #bytes)
end

local function refuse(asked, status, code, headers)
  return send(asked, pack({ error = code }, status, headers))
end

local function fail(asked, route, problem)
  if problem then log.error(route.plugin.label, "%s: %s", asked.doing, problem) end
  refuse(asked, 500, "internal")
end

--- What the core refuses of a response that scripts have made; nil: it does not.
local function problem_of(result, lines, bytes)
  if result == C.MOON_EBIG then
    return ("the response has %d bytes with its headers, at most %d are sent"):format(
      #lines + #bytes, C.MOON_MAX_FRAME_BYTES)
  end
  return result == C.MOON_EINVAL and "the response has a header that is not for scripts" or nil
end

local function answer(asked, route, ok, ...)
  if not ok and (...) == "unavailable" then return refuse(asked, 503, "unavailable") end
  if not ok then return fail(asked, route) end -- guard() has logged it
  local status, lines, bytes = pack(...)
  if not status then return fail(asked, route, lines) end
  local result = send(asked, status, lines, bytes)
  local problem = problem_of(result, lines, bytes)
  if problem then return fail(asked, route, problem) end
  if result == C.MOON_EFULL then
    log.warn(route.plugin.label, "%s: too much waits for the I/O threads", asked.doing)
  end
end

-- ---- places ----

local facts = C.moon_facts()

-- A ring of the requests that have a place, from the oldest to the newest, through a head that
-- is none: a handler may return in any order.
local ring = {}
ring.older, ring.newer = ring, ring

local taken = 0

local function take_place(asked, now_ms)
  taken = taken + 1
  asked.begun_ms = now_ms
  asked.older, asked.newer = ring.older, ring
  ring.older.newer, ring.older = asked, asked
end

--- Fine when it has none any more.
local function free_place(asked)
  if not asked.newer then return end
  taken = taken - 1
  asked.older.newer, asked.newer.older = asked.newer, asked.older
  asked.older, asked.newer = nil, nil
end

--- To these the core has answered 504; their handlers may never return.
local function free_overdue(now_ms)
  while taken > 0 and now_ms - ring.newer.begun_ms >= facts.http_timeout_ms do
    free_place(ring.newer)
  end
end

local function finish(asked, route, ...)
  free_place(asked)
  answer(asked, route, ...)
end

local function run(asked, route, request)
  task.patience(facts.http_timeout_ms + LATE_MS)
  finish(asked, route, guard(route.plugin, asked.doing, route.handlers, request))
end

--- Answers a request, perhaps later.
---@param registry table in force
---@param id integer of the connection
---@param number integer of the request on it
---@param bytes string of MOON_REQUESTED
function http.serve(registry, id, number, bytes)
  local asked, request = { id = id, number = number }, read(bytes)
  local kind = request.method == "HEAD" and "GET" or request.method
  local route, params = registry:find_route(kind, request.path)
  if not route then return refuse(asked, 404, "not_found") end -- a reload took it away
  local now_ms = C.moon_clock_ms()
  free_overdue(now_ms)
  if taken >= MAX_PLACES then
    return refuse(asked, 503, "too_many_requests", { ["Retry-After"] = 1 })
  end
  take_place(asked, now_ms)
  asked.doing, request.params = kind .. " " .. route.pattern, params
  task.run(run, asked, route, request)
end

return http
