--- Answers that are kept for a while, by a key; a bounded number of them.
--
-- Two tables: when the young one is full it becomes the old one, whose entries go all at once.

---@param now_ms fun(): integer
---@param max_entries integer of each of the two
return function(now_ms, max_entries)
  local young, old, count = {}, {}, 0
  local cache = {}

  --- What is kept under the key, as long as its time is not over.
  ---@param key string
  ---@return any answer
  function cache.find(key)
    local entry = young[key] or old[key]
    return entry and now_ms() < entry.until_ms and entry.answer or nil
  end

  ---@param key string
  ---@param answer any
  ---@param for_ms number
  function cache.keep(key, answer, for_ms)
    if not young[key] then count = count + 1 end
    young[key] = { answer = answer, until_ms = now_ms() + for_ms }
    if count >= max_entries then young, old, count = {}, young, 0 end
  end

  --- Drops the answers that are meant.
  ---@param is_meant fun(answer: any): boolean
  function cache.drop(is_meant)
    for _, entries in ipairs { young, old } do
      for key, entry in pairs(entries) do
        if is_meant(entry.answer) then entries[key] = nil end
      end
    end
  end

  return cache
end
