---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Request
---@field method string "HEAD" comes to the handler of GET
---@field path string
---@field query string what followed the question mark, percent-encoded where it would be ambiguous
---@field args table<string, string> its parts by name, decoded; of several with a name the last
---@field params table<string, string> what the braces of the route matched
---@field content_type? string
---@field authorization? string
---@field address string the peer's IP address
---@field host string the Host header, or ""
---@field body string
local Request = {}

--- The body as JSON; null is gate.json.null.
---@return any value nil when it is not JSON
---@return string? reason
function Request:json() end
