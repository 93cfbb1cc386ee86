--- Routes: a pattern of a path, and what serves it. The core has the same table in the form
-- of core/route.h and refuses what matches none.
local core = require "moongate.ffi"
local fields = require "moongate.fields"

local MAX_PROTOCOL = 63  -- bytes
local MAX_PATTERN = 256  -- the same

-- what gate:raw takes -> its type
local HANDLERS = {
  opened = "function", received = "function", refused = "function", slow = "function",
  drained = "function", closed = "function",
  protocols = "table", auth = "boolean", token = "boolean",
}

local route = {}

--- nil, or what is wrong with the pattern.
---@param pattern string
---@return string? problem
function route.problem_of_pattern(pattern)
  if pattern:sub(1, 1) ~= "/" then return "a path begins with /" end
  if #pattern > MAX_PATTERN then return ("a path has at most %d bytes"):format(MAX_PATTERN) end
  if pattern:find "[%s%z]" then return ("a path has no blanks: %q"):format(pattern) end
  if pattern:find "%c" or core.C.moon_is_utf8(pattern, #pattern) ~= 1 then
    return ("a path is UTF-8 without control characters: %q"):format(pattern)
  end
  for segment in pattern:gmatch "[^/]+" do
    if segment:find "[{}]" and not segment:match "^{[%w_]+}$" then
      return "a name in braces takes a whole segment: " .. pattern
    end
  end
end

--- A plus in front would make it a flag in the table of routes.
local function is_protocol(name)
  return #name <= MAX_PROTOCOL and name:find "^[%w!#$%%&'*.^_`|~-][%w!#$%%&'*+.^_`|~-]*$" ~= nil
end

--- nil, or what is wrong with what gate:raw was given.
---@param handlers moongate.RawHandlers
---@return string? problem
function route.problem_of_handlers(handlers)
  local unknown = fields.unknown(handlers, HANDLERS)
  if unknown then return unknown end
  for name, value in pairs(handlers) do
    if type(value) ~= HANDLERS[name] then
      return ("%s: expected a %s, got %s"):format(name, HANDLERS[name], type(value))
    end
  end
  return fields.not_list("protocols", handlers.protocols or {}, is_protocol,
    "a token (RFC 7230) of at most 63 bytes and without a plus in front")
end

---@param kind string "ws", or the method for HTTP
---@param pattern string
---@param handlers table|function for gate:raw, a table; for gate:http, a function
---@param plugin moongate.Plugin
function route.new(kind, pattern, handlers, plugin)
  local new = { kind = kind, pattern = pattern, handlers = handlers, plugin = plugin, names = {},
    known = setmetatable({}, { __mode = "v" }) } -- path -> params somebody holds
  local escaped = pattern:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
  new.match = "^" .. string.gsub(escaped, "{([%w_]+)}", function(name)
    new.names[#new.names + 1] = name
    return "([^/]+)"
  end) .. "$"
  return new
end

--- What the braces of the pattern match, for WebSockets the same table for the same path; nil
--- when it does not match.
---@param path string
---@return table<string, string>? params
function route.params(self, path)
  local known = self.kind == "ws" and self.known[path]
  if known then return known end
  local values = { string.match(path, self.match) }
  if not values[1] then return end
  local params = {}
  for i, name in ipairs(self.names) do params[name] = values[i] end
  self.known[path] = params
  return params
end

--- The line of the core's table, as core/route.h wants it.
function route.line(self)
  local words = { self.kind, self.pattern }
  if self.kind == "ws" then
    if self.handlers.auth then words[#words + 1] = "+auth" end
    if self.handlers.token then words[#words + 1] = "+token" end
    for _, protocol in ipairs(self.handlers.protocols or {}) do
      words[#words + 1] = protocol
    end
  end
  return table.concat(words, " ")
end

return route
