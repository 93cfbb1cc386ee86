---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Response
---@field status integer of HTTP
---@field headers table<string, string> names in lower case; several of a name are joined by ", ",
--- of set-cookie by line ends
---@field body string
---@field url string that has answered, after all redirects
local Response = {}

--- The body as JSON; null is gate.json.null.
---@return any value nil when it is not JSON
---@return string? reason
function Response:json() end
