--- Outgoing HTTP: the core's fetcher asks on a thread of its own, and the task waits.
local core = require "moongate.ffi"
local fields = require "moongate.fields"
local header_lines = require("moongate.headers").lines
local json = require "moongate.json"
local membrane = require "moongate.membrane"
local status = require "moongate.status"
local task = require "moongate.task"
local trim = require "moongate.trim"

local C = core.C

local fetch = {}

---@alias moongate.FetchCode "timeout"|"refused_address"|"connect"|"dns"|"tls"|"too_big"
---|"redirects"|"full"|"bad_url"|"protocol"

local CODE = {
  [C.MOON_FETCH_TIMEOUT] = "timeout",
  [C.MOON_FETCH_REFUSED_ADDRESS] = "refused_address",
  [C.MOON_FETCH_CONNECT] = "connect",
  [C.MOON_FETCH_DNS] = "dns",
  [C.MOON_FETCH_TLS] = "tls",
  [C.MOON_FETCH_TOO_BIG] = "too_big",
  [C.MOON_FETCH_REDIRECTS] = "redirects",
  [C.MOON_FETCH_FULL] = "full",
  [C.MOON_FETCH_BAD_URL] = "bad_url",
  [C.MOON_FETCH_PROTOCOL] = "protocol",
}

---@class moongate.FetchOptions
---@field method? "GET"|"HEAD"|"POST"|"PUT"|"PATCH"|"DELETE"|"OPTIONS" GET, or POST with a body
---@field headers? table<string, string|number>
---@field body? string sent as text/plain unless a header says otherwise
---@field json? table|string|number|boolean sent as JSON, instead of a body
---@field timeout_ms? integer for all of it: 10000, at most 120000
---@field max_bytes? integer of the response's body, decompressed: 1048576, at most 4194304
---@field redirects? integer that are followed: 5 at most; with 0 they are responses as others

---@class moongate.Response
---@field status integer of HTTP
---@field headers table<string, string> names in lower case; several of a name are joined by ", ",
--- of set-cookie by line ends
---@field body string
---@field url string that has answered, after all redirects
local Response = {}
local response_mt = { __index = Response }

membrane.seal(response_mt, {
  name = "response",
  methods = Response,
  fields = { status = true, headers = true, body = true, url = true },
})

--- The body as JSON; null is gate.json.null.
---@return any value nil when it is not JSON
---@return string? reason
function Response:json() return json.decode(self.body) end

-- ---- what is asked ----

local KNOWN = { method = true, headers = true, body = true, json = true, timeout_ms = true,
  max_bytes = true, redirects = true }

local METHODS = { GET = true, HEAD = true, POST = true, PUT = true, PATCH = true, DELETE = true,
  OPTIONS = true }

-- option -> least, most, default
local NUMBERS = {
  timeout_ms = { 1, C.MOON_MAX_FETCH_MS, 10000 },
  max_bytes = { 1, C.MOON_MAX_FETCH_BYTES, 1048576 },
  redirects = { 0, C.MOON_MAX_FETCH_REDIRECTS, C.MOON_MAX_FETCH_REDIRECTS },
}

-- What says how a request travels is said by the core.
local OWN = {}
for name in ([[host connection content-length transfer-encoding upgrade trailer te expect
  keep-alive proxy-connection proxy-authorization]]):gmatch "%S+" do OWN[name] = true end

local limits = core.new "struct moon_fetch_limits" -- reused for every fetch

--- nil, or what is wrong with a number.
local function read_limits(options)
  for name, range in pairs(NUMBERS) do
    local value = options[name]
    if value == nil then value = range[3] end
    if type(value) ~= "number" or value % 1 ~= 0 or value < range[1] or value > range[2] then
      return ("%s: expected a whole number from %d to %d, got %s"):format(name, range[1], range[2],
        tostring(value))
    end
    limits[name] = value
  end
end

--- The body and its type; nil and what is wrong.
local function body_of(options)
  if options.json ~= nil then
    if options.body ~= nil then return nil, "body and json: there can be one of them" end
    local text, reason = json.encode(options.json)
    if not text then return nil, "json: " .. reason end
    return text, "application/json"
  end
  if options.body == nil then return "" end
  if type(options.body) ~= "string" then
    return nil, "body: expected a string, got a " .. type(options.body)
  end
  return options.body, "text/plain; charset=utf-8"
end

--- nil, or what is wrong with the method.
local function problem_of_method(method)
  local problem = fields.unknown({ [tostring(method)] = true }, METHODS)
  return problem and "method: " .. problem
end

--- nil, or what there is too much of.
local function problem_of_size(method, lines, body)
  local what, bytes, most = "body", #body, C.MOON_MAX_FETCH_BODY_BYTES
  if method == "HEAD" and body ~= "" then return "body: HEAD has none" end
  if #lines > C.MOON_MAX_FETCH_HEADERS_BYTES then
    what, bytes, most = "headers", #lines, C.MOON_MAX_FETCH_HEADERS_BYTES
  end
  return bytes > most and ("%s: %d bytes, at most %d"):format(what, bytes, most) or nil
end

--- What moon_fetch() takes; nil and what is wrong.
local function pack(url, options)
  local problem = fields.unknown(options, KNOWN) or read_limits(options)
  if problem then return nil, problem end
  local body, content_type = body_of(options)
  if not body then return nil, content_type end
  local method = options.method or (content_type and "POST" or "GET")
  local lines, problem_of_lines = header_lines(options.headers, content_type, OWN)
  if not lines then return nil, problem_of_lines end
  problem = problem_of_method(method) or problem_of_size(method, lines, body)
  if problem then return nil, problem end
  return table.concat({ method, url, lines, body }, "\0")
end

-- ---- what comes back ----

local waiting = {} -- ticket -> { done, parts }
local last_ticket = 0

--- A long body comes in parts.
---@param ticket integer
---@param bytes string
function fetch.arrived(ticket, bytes)
  local entry = waiting[ticket]
  if entry then table.insert(entry.parts, bytes) end -- else the task has given up
end

--- Of lines as long as a server likes: nothing in them may be looked at twice.
local function headers_of(lines)
  local parts = {} -- name -> values
  for line in string.gmatch(lines, "[^\r\n]+") do
    local colon = string.find(line, ":", 1, true)
    if colon and colon > 1 then
      local name = string.lower(string.sub(line, 1, colon - 1))
      parts[name] = parts[name] or {}
      table.insert(parts[name], trim(line, colon + 1))
    end
  end
  local headers = {}
  for name, values in pairs(parts) do
    headers[name] = table.concat(values, name == "set-cookie" and "\n" or ", ")
  end
  return headers
end

---@param bytes string of MOON_FETCHED
---@param parts string[] of MOON_ARRIVED
local function read(code, bytes, parts)
  local url, lines, at = string.match(bytes, "^(%Z*)%z(%Z*)%z()")
  parts[#parts + 1] = bytes:sub(at)
  return setmetatable({ status = code, headers = headers_of(lines), body = table.concat(parts),
    url = url }, response_mt)
end

--- It has ended.
---@param ticket integer
---@param outcome integer moon_fetch_outcome
---@param code integer of HTTP
---@param bytes string
function fetch.fetched(ticket, outcome, code, bytes)
  local entry = waiting[ticket]
  if not entry then return end -- the task has given up
  waiting[ticket] = nil
  if outcome ~= C.MOON_FETCH_OK then return entry.done(nil, CODE[outcome], bytes) end
  entry.done(read(code, bytes, entry.parts))
end

local function send(ticket, request, done)
  local result = C.moon_fetch(ticket, limits, request, #request)
  if result == C.MOON_OK then
    waiting[ticket] = { done = done, parts = {} }
  elseif result == C.MOON_EFULL then
    done(nil, "full", "too much waits for the fetcher")
  else
    done(nil, "bad_url", "the core calls it " .. status.code[result])
  end
end

--- Gives the request up when the task is cancelled where it waits.
local function conclude(ticket, ok, ...)
  if ok then return ... end
  if waiting[ticket] then
    waiting[ticket] = nil
    C.moon_abort_fetch(ticket)
  end
  error(..., 0)
end

--- See gate:fetch.
---@param url string
---@param options? moongate.FetchOptions
---@return moongate.Response? response
---@return moongate.FetchCode? code
---@return string? text
function fetch.fetch(url, options)
  if type(url) ~= "string" then
    error("gate:fetch: expected a URL, got a " .. type(url), 2)
  end
  if options ~= nil and type(options) ~= "table" then
    error("gate:fetch: expected a table, got a " .. type(options), 2)
  end
  task.current "gate:fetch"
  if #url > C.MOON_MAX_FETCH_URL_BYTES or string.find(url, "%z") then
    return nil, "bad_url", ("no URL, or one over %d bytes"):format(C.MOON_MAX_FETCH_URL_BYTES)
  end
  local request, problem = pack(url, options or {})
  if not request then error("gate:fetch: " .. problem, 2) end
  last_ticket = last_ticket + 1
  local ticket = last_ticket
  return conclude(ticket, pcall(task.wait, "gate:fetch", function(done)
    send(ticket, request, done)
  end))
end

return fetch
