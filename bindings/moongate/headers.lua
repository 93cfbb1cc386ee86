--- Headers that scripts write: of responses and of requests to others.
local headers = {}

local MAX_BYTES = 65536 -- that are looked at: the core takes fewer

local function bytes_of(name, value) return #tostring(name) + #tostring(value) + 4 end

local function problem_of(name, value, own)
  if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+.^_`|~-]+$" then
    return ('headers: "%s" cannot be the name of a header'):format(tostring(name))
  end
  if own and own[name:lower()] then
    return ("headers: %s is not for scripts to set"):format(name)
  end
  local is_text = type(value) == "number" or type(value) == "string"
  if not is_text or tostring(value):find "[%z\1-\8\10-\31\127]" then
    return ("headers: %s is one line of text"):format(name)
  end
end

--- The lines for the core, sorted, each ended by CR LF. A line end within a name or a value is
--- found here or not at all: to the core it begins one line more.
---@param given? table<string, string|number>
---@param content_type? string unless one is given
---@param own? table<string, true> names in lower case that are not for scripts
---@return string? lines
---@return string? problem
function headers.lines(given, content_type, own)
  if given == nil then given = {} end
  if type(given) ~= "table" then
    return nil, "headers: expected a table, got a " .. type(given)
  end
  local lines, bytes = {}, 0
  for name, value in pairs(given) do
    bytes = bytes + bytes_of(name, value)
    local problem = bytes > MAX_BYTES and ("headers: over %d bytes"):format(MAX_BYTES)
      or problem_of(name, value, own)
    if problem then return nil, problem end
    if name:lower() == "content-type" then content_type = nil end
    lines[#lines + 1] = ("%s: %s\r\n"):format(name, value)
  end
  if content_type then lines[#lines + 1] = ("Content-Type: %s\r\n"):format(content_type) end
  table.sort(lines)
  return table.concat(lines)
end

return headers
