--- Keys of the API: who has one, and what it is good for. A key itself is nowhere: its SHA-256 is.

local MAX_NAME = 32 -- bytes
local FIELDS = { name = true, sha256 = true, allow = true }

---@class server_api.Key
---@field name string
---@field hash string hexadecimal, in lower case
---@field may table<string, true> operations

local keys = {}

--- Operations and groups -> set of operations that each of them means.
local function meanings_of(operations)
  local meanings = { read = {} }
  for _, operation in ipairs(operations) do
    local name, group = operation.name, operation.group
    meanings[name] = meanings[name] or {}
    meanings[group] = meanings[group] or {}
    meanings[name][name], meanings[group][name] = true, true
    if operation.is_reading then meanings.read[name] = true end
  end
  return meanings
end

local function read_allow(allow, meanings, operations)
  local may = {}
  if allow == nil then
    for _, operation in ipairs(operations) do may[operation.name] = true end
    return may
  end
  if type(allow) ~= "table" or #allow == 0 then
    return nil, 'allow: expected a list as { "publish", "users" }'
  end
  for _, word in ipairs(allow) do
    if not meanings[word] then
      return nil, ("allow: there is no operation or group %q"):format(tostring(word))
    end
    for name in pairs(meanings[word]) do may[name] = true end
  end
  return may
end

--- nil, or what is wrong.
local function problem_of(entry)
  if type(entry) ~= "table" then return "expected { name =, sha256 =, allow = }" end
  for field in pairs(entry) do
    if not FIELDS[field] then
      return ('has no field "%s", but name, sha256 and allow'):format(tostring(field))
    end
  end
  local name, hash = entry.name, entry.sha256
  if type(name) ~= "string" or #name > MAX_NAME or not name:find "^[%w_.-]+$" then
    return "name: expected 1 to 32 letters, digits, _, . or -"
  elseif type(hash) ~= "string" or #hash ~= 64 or not hash:find "^%x+$" then
    return "sha256: expected 64 hexadecimal digits"
  end
end

local function insert(list, entry, meanings, operations)
  local problem = problem_of(entry)
  if problem then return problem end
  local hash = entry.sha256:lower()
  for _, other in ipairs(list) do
    if other.name == entry.name then return "name: another entry has it" end
    if other.hash == hash then return "sha256: another entry has it" end
  end
  local may, wrong = read_allow(entry.allow, meanings, operations)
  if not may then return wrong end
  list[#list + 1] = { name = entry.name, hash = hash, may = may }
end

local function is_list(given)
  local count = 0
  for _ in pairs(given) do count = count + 1 end
  return count == #given
end

--- What an operator has written. Raises what is wrong with it.
---@param given table[] entries
---@param operations server_api.Operation[]
---@return server_api.Key[]
function keys.read(given, operations)
  local list, meanings = {}, meanings_of(operations)
  if not is_list(given) then
    error('option "keys": expected a list: { { name =, sha256 =, allow = }, ... }', 0)
  end
  for i, entry in ipairs(given) do
    local problem = insert(list, entry, meanings, operations)
    if problem then error(('option "keys": entry %d: %s'):format(i, problem), 0) end
  end
  return list
end

--- The word behind "Bearer"; nil: there is none.
local function bearer_of(authorization)
  if authorization:sub(1, 7):lower() ~= "bearer " then return nil end
  local from = authorization:find("%S", 8)
  local word = from and authorization:match("^%S+", from)
  if word and not authorization:find("%S", from + #word) then return word end
end

--- Whose key a request has brought. All are looked at, however soon one fits.
---@param list server_api.Key[]
---@param crypto moongate.Crypto
---@param authorization? string the header
---@return server_api.Key? key
---@return boolean? was_brought nil: there is no key in the header
function keys.find(list, crypto, authorization)
  local word = bearer_of(authorization or "")
  if not word then return nil end
  local hash, found = crypto:sha256(word), nil
  for _, key in ipairs(list) do
    if crypto:same(key.hash, hash) then found = key end
  end
  return found, true
end

return keys
