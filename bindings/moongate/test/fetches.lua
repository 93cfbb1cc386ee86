--- What plugins are expected to fetch in a test, and what they get.
local fetches = {}

---@class moongate.ExpectedFetch
---@field method? string any
---@field url? string any
---@field reply? { status?: integer, headers?: table<string, string>, body?: string }
---@field error? string the code that gate:fetch returns instead: "timeout", "connect", ...
---@field request? table what was asked, once it was: { method, url, headers, body }

local CODES = { timeout = true, refused_address = true, connect = true, dns = true, tls = true,
  too_big = true, redirects = true, full = true, bad_url = true, protocol = true }

local Fetches = {}
local fetches_mt = { __index = Fetches }

local function check(expected)
  local reply = expected.reply or {}
  if (expected.reply == nil) == (expected.error == nil) then
    error("expect_fetch: expected reply = { ... } or error = \"...\", and not both", 4)
  end
  if expected.error and not CODES[expected.error] then
    error(('expect_fetch: error: gate:fetch has no code "%s"'):format(tostring(expected.error)), 4)
  end
  local status = reply.status or 200
  if status >= 300 and status < 400 and status ~= 304 then
    error("expect_fetch: a redirect is followed before a plugin sees it; expect where it leads", 4)
  end
end

---@param expected moongate.ExpectedFetch
---@return moongate.ExpectedFetch
function Fetches:expect(expected)
  check(expected)
  table.insert(self.list, expected)
  return expected
end

local function fits(expected, asked)
  return not expected.request and (expected.method or asked.method) == asked.method
    and (expected.url or asked.url) == asked.url
end

--- The reply to a request; nil when nobody has expected it, which is noted.
---@param asked table { method, url, headers, body }
---@return moongate.ExpectedFetch?
function Fetches:take(asked)
  for _, expected in ipairs(self.list) do
    if fits(expected, asked) then
      expected.request = { method = asked.method, url = asked.url, headers = asked.headers,
        body = asked.body }
      return expected
    end
  end
  table.insert(self.unexpected, ("an unexpected fetch: %s %s"):format(asked.method, asked.url))
end

--- What was fetched and not expected, since the last call.
---@return string[]
function Fetches:take_unexpected()
  local list = self.unexpected
  self.unexpected = {}
  return list
end

--- What was expected and has not been fetched.
---@return string[]
function Fetches:missing()
  local missing = {}
  for _, expected in ipairs(self.list) do
    if not expected.request then
      missing[#missing + 1] = ("expected, and never fetched: %s %s"):format(
        expected.method or "any method of", expected.url or "any URL")
    end
  end
  return missing
end

---@return table
function fetches.new() return setmetatable({ list = {}, unexpected = {} }, fetches_mt) end

return fetches
