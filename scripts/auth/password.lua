--- Accounts with a name and a password, in the store of this plugin: one entry each.
--
-- What is kept is the argon2id hash that gate.crypto makes. Who tries too often waits; a name that
-- there is not takes as long as a wrong password, and gets the same answer.
local names = require "auth.names"
local key_of = require("auth.addresses").key_of
local new_attempts = require "auth.attempts"

local MIN_PASSWORD, MAX_PASSWORD = 8, 256 -- bytes
local WINDOW_MS = 600000
local MAX_KEYS = 10000 -- users and addresses whose attempts are counted, twice
local RETRY_MS = 1000

local WRONG = "no such user, or another password"

---@param gate moongate.Gate
---@param given { attempts_per_user: integer, attempts_per_address: integer,
--- guest_prefix: string? }
return function(gate, given)
  local attempts = new_attempts(function() return gate:now_ms() end,
    { window_ms = WINDOW_MS, max_keys = MAX_KEYS })
  local password = {}

  --- nil, or the code and what is wrong with the fields.
  local function problem_of(data)
    if type(data.user) ~= "string" then return "bad_request", "data.user: expected a string" end
    local word = data.password
    if type(word) ~= "string" or #word < MIN_PASSWORD or #word > MAX_PASSWORD then
      return "bad_request", ("data.password: expected a string of %d to %d bytes"):format(
        MIN_PASSWORD, MAX_PASSWORD)
    end
    local prefix = given.guest_prefix
    local is_guest = prefix and data.user:sub(1, #prefix) == prefix
    if is_guest or not gate:is_utf8(data.user) or not names.is_guest(data.user) then
      return "bad_name", "1 to 32 characters, single blanks between them, and not as a guest's; "
        .. names.RULE
    end
  end

  local function unavailable()
    return nil, "unavailable", "accounts cannot be looked at now", true, RETRY_MS
  end

  --- Counts an attempt; when there were too many, nil and the error.
  local function try(keys)
    for key, most in pairs(keys) do
      local wait_ms = attempts.wait_ms(key, most)
      if wait_ms then
        return nil, "rate_limited", "too many attempts; wait a while", true, wait_ms
      end
    end
    for key in pairs(keys) do attempts.count(key) end
    return true
  end

  --- What a password is checked against where there is no account: it takes as long.
  local function decoy()
    if not password.decoy then
      password.decoy = gate:share("decoy", function()
        return gate.crypto:hash_password(gate.crypto:token(32))
      end)
    end
    return password.decoy
  end

  --- Better parameters than those of the day it was made.
  local function renew(key, entry, word)
    local hash = gate.crypto:hash_password(word)
    if not hash then return end -- next time
    local changed = { hash = hash, created_at = entry.created_at, admin = entry.admin }
    gate.store:swap(key, entry, changed)
  end

  --- The entry, if the password is its; else nil and the error.
  local function check(key, word)
    local entry, reason = gate.store:get(key)
    if reason then return unavailable() end
    local hash = entry and entry.hash or decoy()
    if not hash then return unavailable() end
    local is_right, is_old = gate.crypto:check_password(word, hash)
    if is_right == nil then return unavailable() end
    if not entry or not is_right then return nil, "bad_password", WRONG end
    if is_old then renew(key, entry, word) end
    return entry
  end

  --- Whose name and password these are.
  ---@param data table of the request
  ---@param conn moongate.Conn
  function password.login(data, conn)
    local code, text = problem_of(data)
    if code then return nil, code, text end
    local of_user, of_address = "u" .. data.user, "a" .. key_of(conn.address)
    local entry, temporary, wait_ms
    entry, code, text, temporary, wait_ms = try { [of_user] = given.attempts_per_user,
      [of_address] = given.attempts_per_address }
    if not entry then return nil, code, text, temporary, wait_ms end
    entry, code, text, temporary, wait_ms = check("user:" .. data.user, data.password)
    if not entry then return nil, code, text, temporary, wait_ms end
    attempts.forgive(of_user, true)
    attempts.forgive(of_address)
    return { user = data.user, method = "password", admin = entry.admin }
  end

  --- Makes an account.
  ---@param data table of the request
  ---@param conn moongate.Conn
  function password.register(data, conn)
    local code, text = problem_of(data)
    if code then return nil, code, text end
    local may, temporary, wait_ms
    may, code, text, temporary, wait_ms =
      try { ["r" .. key_of(conn.address)] = given.attempts_per_address }
    if not may then return nil, code, text, temporary, wait_ms end
    local hash = gate.crypto:hash_password(data.password)
    if not hash then return unavailable() end
    local done, reason = gate.store:swap("user:" .. data.user, nil,
      { hash = hash, created_at = gate:now_ms() })
    if reason == "changed" then return nil, "name_taken", "there is an account of this name" end
    if not done then return unavailable() end
    return { user = data.user, method = "password" }
  end

  --- For other plugins, in a task: makes an account, or gives one another password.
  ---@param user string
  ---@param word string
  ---@param is_admin? boolean
  ---@return true? done
  ---@return string? reason
  function password.set(user, word, is_admin)
    local code, text = problem_of { user = user, password = word }
    if code then return nil, text end
    local hash, reason = gate.crypto:hash_password(word)
    if not hash then return nil, reason end
    return gate.store:put("user:" .. user, { hash = hash, created_at = gate:now_ms(),
      admin = is_admin or nil })
  end

  return password
end
