--- What plugins may know of the process: gate.facts.
local core = require "moongate.ffi"

---@class moongate.Facts
---@field version string
---@field max_message_bytes integer of a message that a client sends
---@field ping_interval_ms integer
---@field auth_timeout_ms integer on routes with `auth`, for conn:admit
---@field has_store boolean the server runs with --store

local facts = {}

local known = core.C.moon_facts()

--- A table of its own for who asks: it may be changed.
---@return moongate.Facts
function facts.new()
  return {
    version = core.string(known.version),
    max_message_bytes = known.max_message_bytes,
    ping_interval_ms = known.ping_interval_ms,
    auth_timeout_ms = known.auth_timeout_ms,
    has_store = known.has_store == 1,
  }
end

return facts
