--- Static tokens: a list of who has which, from the options or from a file.
--
-- A token is kept and looked up by its SHA-256: how long that takes tells nothing about the
-- tokens that there are.
local names = require "auth.names"

local LOOK_MS = 5000 -- between two looks at the file
local MIN_TOKEN = 16 -- bytes
local MAX_FILE = 4194304 -- bytes

--- The SHA-256 of an entry's token; nil and what is wrong.
local function hash_of(gate, entry)
  local token, hash = entry.token, entry.sha256
  if (hash == nil) == (token == nil) then return nil, "expected either token or sha256" end
  if hash == nil then
    if type(token) == "string" and #token >= MIN_TOKEN then return gate.crypto:sha256(token) end
    return nil, ("token: expected a string of at least %d bytes"):format(MIN_TOKEN)
  end
  if type(hash) == "string" and #hash == 64 and hash:find "^%x+$" then return hash:lower() end
  return nil, "sha256: expected 64 hexadecimal digits"
end

--- The entry; nil and what is wrong. A token itself is in no message.
local function read_entry(gate, entry)
  if type(entry) ~= "table" then return nil, "expected { token = or sha256 =, user = }" end
  local hash, problem = hash_of(gate, entry)
  if not hash then return nil, problem end
  if not names.is_user(entry.user) or not gate:is_utf8(entry.user) then
    return nil, "user: expected 1 to 128 bytes of UTF-8, " .. names.RULE
  end
  if entry.admin ~= nil and type(entry.admin) ~= "boolean" then
    return nil, "admin: expected true or false"
  end
  return { hash = hash, user = entry.user, admin = entry.admin or nil }
end

--- Adds an entry to those by hash; nil, or what is wrong.
local function insert(gate, by_hash, given)
  local entry, problem = read_entry(gate, given)
  if not entry then return problem end
  if by_hash[entry.hash] then return "there is another entry with this token" end
  by_hash[entry.hash] = entry
end

--- What a line says; nil: nothing, or nil and what is wrong.
local function read_line(line)
  local words = {}
  for word in line:gmatch "%S+" do words[#words + 1] = word end
  if not words[1] or words[1]:sub(1, 1) == "#" then return end
  if not words[2] or words[4] or (words[3] or "admin") ~= "admin" then
    return nil, "expected token user [admin]"
  end
  return { token = words[1], user = words[2], admin = words[3] == "admin" }
end

--- The entries of a text: `token user [admin]` a line; `#` begins a remark.
---@return table? by_hash
---@return string? problem
local function parse(gate, text)
  local by_hash, number = {}, 0
  for line in string.gmatch(text .. "\n", "([^\n]*)\n") do -- as a method it has a limit
    number = number + 1
    local given, problem = read_line(line)
    if given then problem = insert(gate, by_hash, given) end
    if problem then return nil, ("line %d: %s"):format(number, problem) end
  end
  return by_hash
end

local function read(path)
  local file, problem = io.open(path, "r")
  if not file then return nil, (problem:gsub("^.-: ", "")) end -- the path is said by the caller
  local text = file:read(MAX_FILE + 1) or ""
  file:close()
  if #text > MAX_FILE then return nil, ("longer than %d bytes"):format(MAX_FILE) end
  return text
end

---@param gate moongate.Gate
---@param given { tokens: table, tokens_file: string }
return function(gate, given)
  local listed, of_file, last_text = {}, {}, nil

  for i, entry in ipairs(given.tokens) do
    local problem = insert(gate, listed, entry)
    if problem then error(('option "tokens": entry %d: %s'):format(i, problem), 0) end
  end

  --- nil, or what is wrong with the file; then what was read before goes on.
  local function load()
    local text, problem = read(given.tokens_file)
    if text == last_text then return problem end
    local by_hash
    if text then by_hash, problem = parse(gate, text) end
    if by_hash then of_file, last_text = by_hash, text end
    return problem
  end

  if given.tokens_file ~= "" then
    local problem = load()
    if problem then
      error(('option "tokens_file": %s: %s'):format(given.tokens_file, problem), 0)
    end
    local last_problem
    gate:every(LOOK_MS, function()
      problem = load()
      if problem and problem ~= last_problem then
        gate:error("%s: %s; the tokens read before go on", given.tokens_file, problem)
      end
      last_problem = problem
    end, "tokens_file")
  end

  local static = {}

  --- Who has this token; false: nobody here.
  function static.check(token)
    local hash = gate.crypto:sha256(token)
    local entry = listed[hash] or of_file[hash]
    if not entry or not gate.crypto:same(entry.hash, hash) then return false end
    return { user = entry.user, method = "static", admin = entry.admin }
  end

  return static
end
