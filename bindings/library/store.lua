---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Store
local Store = {}

--- The value of this key.
---@param key string 1 to 512 bytes
---@return any value nil when there is none
---@return moongate.StoreReason? reason why it is not known; nil: there is no such entry
function Store:get(key) end

--- Sets the value of this key, whatever it was.
---@param key string
---@param value any data of at most 256 KiB as JSON, 10,000 items a table, 100,000 values in all
---@param options? { ttl_ms: integer } after that time the entry is gone
---@return true? stored it outlives the process, as --store-sync says
---@return moongate.StoreReason? reason
function Store:put(key, value, options) end

--- Takes the entry away; fine when there is none.
---@param key string
---@return true? deleted
---@return moongate.StoreReason? reason
function Store:delete(key) end

--- Sets the value of this key if it is the one that is expected, else "changed".
---@param key string
---@param expected any nil: there must be no such entry
---@param value any
---@param options? { ttl_ms: integer }
---@return true? swapped
---@return moongate.StoreReason? reason
function Store:swap(key, expected, value, options) end

--- The entries whose keys begin with the prefix, ordered by the bytes of their keys: at most
--- `limit`, and 256 KiB unless it is one.
---@param prefix string "" for all
---@param options? { limit: integer, after: string } limit 1 to 1000, else 100; after: the key to
--- begin behind, as the last call has returned it
---@return { key: string, value: any, problem?: string }[]? entries problem: why there is no value,
--- as somebody else has written into the file
---@return string? cursor for `after`, when there are more; without entries, the reason
function Store:scan(prefix, options) end
