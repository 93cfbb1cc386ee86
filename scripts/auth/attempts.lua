--- How often somebody may try, by a key: a user, an address. A bounded number of keys is known.
--
-- Two tables, as in auth.cache: those who have not tried for the longest are forgotten first.

---@param now_ms fun(): integer
---@param given { window_ms: integer, max_keys: integer }
return function(now_ms, given)
  local young, old, count = {}, {}, 0
  local attempts = {}

  local function find(key)
    local entry = young[key] or old[key]
    return entry and now_ms() < entry.until_ms and entry or nil
  end

  local function keep(key, entry)
    if not young[key] then count = count + 1 end
    young[key] = entry
    if count >= given.max_keys then young, old, count = {}, young, 0 end
  end

  --- nil when there may be one more, else how long to wait.
  ---@param key string
  ---@param most integer in a window, which begins with the first of them
  ---@return integer? wait_ms
  function attempts.wait_ms(key, most)
    local entry = find(key)
    if entry and entry.count >= most then return entry.until_ms - now_ms() end
  end

  --- There is one more.
  function attempts.count(key)
    local entry = find(key) or { count = 0, until_ms = now_ms() + given.window_ms }
    entry.count = entry.count + 1
    keep(key, entry)
  end

  --- It was right: the last one does not count, or none does.
  function attempts.forgive(key, are_all)
    local entry = find(key)
    if entry then entry.count = are_all and 0 or math.max(entry.count - 1, 0) end
  end

  return attempts
end
