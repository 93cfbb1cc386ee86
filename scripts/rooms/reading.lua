--- Reads what the store has under a prefix, page by page, however long it fails.

local PAGE = 500 -- entries of one scan
local RETRY_MS = 1000

--- Waits until all is read.
---@param gate moongate.Gate
---@param prefix string
---@param take fun(entry: table) is called for each entry
---@param fail fun(reason: string) is called each time that the store has failed
return function(gate, prefix, take, fail)
  local after = nil
  repeat
    local entries, cursor = gate.store:scan(prefix, { limit = PAGE, after = after })
    for _, entry in ipairs(entries or {}) do take(entry) end
    if entries then
      after = cursor
    else
      fail(tostring(cursor))
      gate:sleep(RETRY_MS)
    end
  until entries and not cursor
end
