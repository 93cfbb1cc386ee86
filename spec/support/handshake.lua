--- A handshake to be judged, for specs: one that is granted, but for the changes made.
local ffi = require "ffi"
local assert = require "luassert"
local core = require "spec.support.core"
local C = core.load "core/handshake.h"

local ROUTES = [[
GET /page
ws /ws moongate.v1.json mqtt bearer.x
ws /relay/{room}
ws /quiet +auth json
ws /secret +token +auth json
]]
local KEY = "dGhlIHNhbXBsZSBub25jZQ=="
local NONE = {} -- in a change: that header was not sent

local OF_ADMISSION = {}
for name in ([[origins token_cookie reason is_stopping is_full is_crowded is_denied is_too_fast
  is_out_of_room retry_after_s]]):gmatch "%S+" do OF_ADMISSION[name] = true end

local verdict = ffi.new "struct moon_verdict"

local function fill(struct, name, value)
  if value == NONE then
    struct[name] = nil
  elseif type(value) == "string" then
    struct[name] = core.terminated(value)
  else
    struct[name] = value
  end
end

--- Judges a request that is granted, with the changes made: to its headers, and to what
--- holds for newcomers. Returns the status.
local function judge(changes)
  ffi.fill(verdict, ffi.sizeof(verdict), 0xa5) -- whatever was there before
  local handshake = ffi.new "struct moon_handshake"
  local admission = ffi.new "struct moon_admission"
  local fields = {
    path = "/ws", upgrade = "websocket", connection = "Upgrade", version = "13", key = KEY,
    host = "chat.test:8080", is_get = true, is_http_1_1 = true, origins = "",
    token_cookie = "session", routes = ROUTES,
  }
  for name, value in pairs(changes) do fields[name] = value end
  local routes = core.terminated(fields.routes)
  fields.routes = nil
  for name, value in pairs(fields) do
    fill(OF_ADMISSION[name] and admission or handshake, name, value)
  end
  C.moon_handshake_judge(handshake, routes, admission, verdict)
  return verdict.status
end

local function message() return ffi.string(verdict.message) end

local function protocol() return ffi.string(verdict.protocol) end

local function token()
  return verdict.token ~= nil and ffi.string(verdict.token, verdict.token_bytes) or nil
end

--- Checks all that a refusal says.
local function refuses(status, refusal, changes, retry_after_s)
  assert.equal(status, judge(changes))
  assert.equal(C["MOON_REFUSED_" .. refusal], verdict.refusal)
  assert.equal(retry_after_s or 0, verdict.retry_after_s)
  assert.matches("^[%g ]+$", message())
  assert.equal("", protocol())
  assert.is_nil(token())
  assert.is_false(verdict.wants_auth)
end

local function grants(changes)
  assert.equal(101, judge(changes))
  assert.equal(0, verdict.refusal)
  assert.equal(0, verdict.retry_after_s)
  assert.equal("", message())
end

return {
  KEY = KEY,
  NONE = NONE,
  verdict = verdict,
  judge = judge,
  message = message,
  protocol = protocol,
  token = token,
  refuses = refuses,
  grants = grants,
}
