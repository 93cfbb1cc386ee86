--- A backend that knows what a token is worth: it is asked by HTTP.
--
-- One call for each token at a time, whoever waits for it; answers are kept for a while, good ones
-- longer than bad ones. A backend that fails again and again is left alone, and then tried by one.
local names = require "auth.names"
local new_breaker = require "auth.breaker"
local new_cache = require "auth.cache"

local REFUSED_MS = 5000  -- so long a refusal is kept
local MAX_KEPT = 10000   -- answers, twice
local MAX_BYTES = 65536  -- of an answer
local MAX_INFO = 4096    -- bytes, as JSON

local function is_time(value)
  return value == nil or (type(value) == "number" and value > 0 and value < 2 ^ 53)
end

local function absent(gate, value)
  if value ~= gate.json.null then return value end
end

--- What a 200 says; nil when it is none that counts.
local function read_answer(gate, response)
  local body = response:json()
  if type(body) ~= "table" then return end
  local expires_at, info = absent(gate, body.expires_at), absent(gate, body.info)
  if not names.is_user(body.user) or not is_time(expires_at) then return end
  if info ~= nil and (type(info) ~= "table" or #gate.json.encode(info) > MAX_INFO) then return end
  return { user = body.user, method = "backend", expires_at = expires_at, info = info,
    admin = body.admin == true or nil }
end

local BAD = { code = "bad_token" }
local REFUSALS = { [401] = true, [403] = true }

---@param gate moongate.Gate
---@param given { url: string, headers: table, cache_ms: integer, retry_ms: integer,
--- deadline_ms: integer }
---@param sessions table of auth.sessions
return function(gate, given, sessions)
  if not given.url:find "^https?://" then
    error('option "backend_url": expected a URL of http or https', 0)
  end
  local function now_ms() return gate:now_ms() end
  local cache, breaker = new_cache(now_ms, MAX_KEPT), new_breaker(now_ms, given.retry_ms)
  local calls = gate:counter("backend_calls_total",
    { about = "calls of the backend that knows tokens", labels = { "outcome" } })
  local backend = {}

  --- The answer; nil when there is none.
  local function call(token, address)
    local response, code = gate:fetch(given.url, { json = { token = token, address = address },
      headers = given.headers, timeout_ms = given.deadline_ms, max_bytes = MAX_BYTES,
      redirects = 0 })
    if not response then return nil, code end
    if REFUSALS[response.status] then return BAD, "refused" end
    if response.status ~= 200 then return nil, "status " .. response.status end
    local answer = read_answer(gate, response)
    return answer, answer and "accepted" or "bad answer"
  end

  local function lifetime(answer)
    if answer == BAD then return REFUSED_MS end
    local left_ms = answer.expires_at and answer.expires_at - gate:now_ms() or math.huge
    return math.min(given.cache_ms, left_ms)
  end

  --- What a call says, once for all who ask at the same time.
  local function ask(hash, token, address)
    local kept = cache.find(hash)
    if kept then return kept end
    local wait_ms = breaker.wait_ms()
    if wait_ms then return nil, wait_ms end
    local stamp = sessions.stamp()
    local answer, outcome = call(token, address)
    calls:add(1, answer and outcome or "failed")
    local news = breaker.note(answer ~= nil)
    if news then gate:warn("the backend that knows tokens is %s", news) end
    if not answer then
      gate:debug("the backend: %s", outcome)
      return nil, given.retry_ms
    end
    -- Not what was found out before a logout.
    if answer == BAD or not sessions.is_stale(answer.user, stamp) then
      cache.keep(hash, answer, lifetime(answer))
    end
    return answer
  end

  --- Who has this token.
  ---@param token string
  ---@param conn moongate.Conn
  function backend.check(token, conn)
    local hash = gate.crypto:sha256(token)
    local answer, wait_ms = cache.find(hash), nil
    if not answer then
      answer, wait_ms = gate:share(hash, function() return ask(hash, token, conn.address) end)
    end
    if not answer then
      wait_ms = type(wait_ms) == "number" and wait_ms or given.retry_ms
      return nil, "unavailable", "tokens cannot be looked at now", true, wait_ms
    end
    if answer == BAD then return nil, "bad_token", "this token is worth nothing" end
    if answer.expires_at and answer.expires_at <= gate:now_ms() then
      return nil, "expired_token", "the token has run out"
    end
    return answer
  end

  --- The next one with a token of this user has it looked at again.
  ---@param user string
  function backend.forget(user)
    cache.drop(function(answer) return answer.user == user end)
  end

  return backend
end
