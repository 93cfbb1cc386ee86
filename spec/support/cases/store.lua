--- What gate.store promises, whatever is behind it: { what, Lua for store_probe.lua }.
return {
{ "gives back what was put", [[
  local values = { "text", "", 0, -1, 1.5, 1/3, 2^53 - 1, -2^53, 1e300, 5e-324, 0.1,
    123456789012.25, true, false, null, {}, { 1, 2, 3 }, { "a", { "b", { {} } } },
    { a = 1, ["b c"] = { d = null } },
    { list = { false, true }, [""] = "empty name" } }
  for _, value in ipairs(values) do
    same({ true }, store:put("key", value))
    same({ value }, store:get "key")
  end
  same({ true }, store:put("key", { none = gate.json.empty_list }))
  same({ { none = {} } }, store:get "key")
  same({ true }, store:swap("key", { none = {} }, gate.json.empty_list))
  same({ {} }, store:get "key")
  local bytes = {}
  for i = 0, 255 do bytes[i + 1] = string.char(i) end
  bytes = table.concat(bytes)
  store:put("key", { [bytes] = bytes })
  same({ { [bytes] = bytes } }, store:get "key")]] },

{ "gives back tables of its own", [[
  local value = { a = { 1 } }
  store:put("key", value)
  value.a[1] = 2
  local first = store:get "key"
  same({ { a = { 1 } } }, first)
  first.a[1] = 3
  same({ { a = { 1 } } }, store:get "key")]] },

{ "has nothing, and no reason, where nothing is", [[
  same({ nil, nil }, store:get "nobody")
  same({ true }, store:delete "nobody")]] },

{ "forgets what is deleted", [[
  store:put("key", 1)
  same({ true }, store:delete "key")
  same({ nil, nil }, store:get "key")]] },

{ "swaps what is expected, and says when it is something else", [[
  same({ nil, "changed" }, store:swap("key", 1, 2))
  same({ true }, store:swap("key", nil, 1))
  same({ nil, "changed" }, store:swap("key", nil, 2))
  same({ nil, "changed" }, store:swap("key", 2, 3))
  same({ nil, "changed" }, store:swap("key", "1", 3))
  same({ 1 }, store:get "key")
  same({ true }, store:swap("key", 1, false))
  same({ nil, "changed" }, store:swap("key", nil, 2))
  same({ true }, store:swap("key", false, 2))
  same({ 2 }, store:get "key")]] },

{ "knows an expected table by what is in it, however it was built", [[
  local one, other = {}, {}
  for i = 1, 30 do one["name" .. i] = i end
  for i = 30, 1, -1 do other["name" .. i] = i end
  for i = 1, 100 do other["more" .. i] = i end
  for i = 1, 100 do other["more" .. i] = nil end
  store:put("key", one)
  same({ true }, store:swap("key", other, { x = -0.0 }))
  same({ true }, store:swap("key", { x = 0 }, {}))
  same({ nil, "changed" }, store:swap("key", { 1 }, 1))
  same({ true }, store:swap("key", {}, 1))]] },

{ "lets one of many swappers through at a time", [[
  store:put("count", 0)
  local function add()
    repeat
      local before = store:get "count"
    until store:swap("count", before, before + 1)
  end
  local adders = {}
  for i = 1, 20 do adders[i] = add end
  gate:gather(unpack(adders))
  same({ 20 }, store:get "count")]] },

{ "scans in the order of the bytes", [[
  for _, key in ipairs { "b", "\255", "a", "B", "aa", "\0", "a\0" } do store:put(key, #key) end
  local keys = {}
  for i, entry in ipairs(store:scan "") do keys[i] = entry.key end
  same({ { "\0", "B", "a", "a\0", "aa", "b", "\255" } }, keys)
  same({ { { key = "a", value = 1 }, { key = "a\0", value = 2 }, { key = "aa", value = 2 } }, nil },
    store:scan "a")
  same({ { { key = "\255", value = 1 } }, nil }, store:scan "\255")
  same({ {}, nil }, store:scan "c")]] },

{ "scans page by page, each entry once, with a cursor until the last", [[
  for i = 1, 25 do store:put(("user:%02d"):format(i), i) end
  store:put("user", 0)
  store:put("user;", 0)
  local seen, pages, cursor = {}, 0, nil
  repeat
    local entries
    entries, cursor = store:scan("user:", { limit = 10, after = cursor })
    for _, entry in ipairs(entries) do seen[#seen + 1] = entry.value end
    pages = pages + 1
  until not cursor
  same({ 3 }, pages)
  same({ 25 }, #seen)
  for i = 1, 25 do same({ i }, seen[i]) end
  local entries
  entries, cursor = store:scan("user:", { limit = 25 })
  same({ 25, nil }, #entries, cursor)
  entries, cursor = store:scan("user:", { limit = 24 })
  same({ 24, "user:24" }, #entries, cursor)
  same({ { { key = "user:24", value = 24 }, { key = "user:25", value = 25 } }, nil },
    store:scan("user:", { after = "user:23x" }))
  same({ 10 }, #store:scan("user:", { after = "a", limit = 10 }))
  same({ {}, nil }, store:scan("user:", { after = "v" }))
  same({ 27 }, #store:scan "")]] },

{ "scans a hundred when it is not told how many, and a thousand at most", [[
  for i = 1, 1001 do store:put("k" .. i, {}) end
  local entries, cursor = store:scan "k"
  same({ 100, entries[100].key }, #entries, cursor)
  entries, cursor = store:scan("k", { limit = 1000 })
  same({ 1000, "k998" }, #entries, cursor)
  same({ { { key = "k999", value = {} } }, nil }, store:scan("k", { after = "k998" }))
  fails("gate.store:scan, limit: expected a whole number from 1 to 1000, got 1001", store.scan,
    store, "k", { limit = 1001 })]] },

{ "scans up to 256 KiB, or one entry that is longer", [[
  local half = ("x"):rep(131072 - 11) -- a key, two quotes and two lengths make it whole
  store:put("a", half)
  store:put("b", half)
  store:put("c", 1)
  local entries, cursor = store:scan ""
  same({ 2, "b" }, #entries, cursor)
  store:put("b", half .. "x")
  entries, cursor = store:scan ""
  same({ 1, "a" }, #entries, cursor)
  local longest = ("y"):rep(262144 - 2)
  store:put(("k"):rep(512), longest)
  entries, cursor = store:scan "k"
  same({ 1, nil }, #entries, cursor)
  same({ longest }, entries[1].value)]] },

{ "has nothing of an entry whose time is over", [[
  same({ true }, store:put("short", 1, { ttl_ms = 20 }))
  same({ true }, store:put("long", 2, { ttl_ms = 3600000 }))
  same({ true }, store:swap("swapped", nil, 3, { ttl_ms = 20 }))
  same({ 2 }, store:get "long")
  eventually(function() return store:get "short" == nil and store:get "swapped" == nil end)
  same({ { { key = "long", value = 2 } }, nil }, store:scan "")
  same({ nil, "changed" }, store:swap("short", 1, 4))
  same({ true }, store:swap("short", nil, 4))
  same({ 4 }, store:get "short")]] },

{ "lets a put without a time lift the one there was", [[
  store:put("a", 1, { ttl_ms = 20 })
  store:put("b", 1, { ttl_ms = 20 })
  store:put("a", 2)
  eventually(function() return store:get "b" == nil end)
  same({ 2 }, store:get "a")]] },

{ "has keys of 1 to 512 bytes", [[
  local key = ("k"):rep(512)
  same({ true }, store:put(key, 1))
  same({ 1 }, store:get(key))
  same({ true }, store:delete(key))
  for _, bad in ipairs { "", key .. "k" } do
    same({ nil, "bad_key" }, store:put(bad, 1))
    same({ nil, "bad_key" }, store:get(bad))
    same({ nil, "bad_key" }, store:delete(bad))
    same({ nil, "bad_key" }, store:swap(bad, nil, 1))
  end
  same({ {}, nil }, store:scan(key))
  same({ nil, "bad_key" }, store:scan(key .. "k"))
  same({ nil, "bad_key" }, store:scan("", { after = key .. "k" }))]] },

{ "has values of at most 256 KiB as JSON", [[
  local longest = ("x"):rep(262144 - 2)
  same({ true }, store:put("key", longest))
  same({ longest }, store:get "key")
  same({ nil, "too_big" }, store:put("key", longest .. "x"))
  same({ nil, "too_big" }, store:swap("key", nil, longest .. "x"))
  same({ nil, "changed" }, store:swap("key", longest .. "x", 1))
  local other = ("y"):rep(262144 - 2)
  for i = 1, 20 do -- two at once, wherever in the ring to the store they come to lie
    same({ true }, store:swap("key", longest, other))
    same({ true }, store:put("filler", ("z"):rep(i * 5000)))
    longest, other = other, longest
  end
  same({ longest }, store:get "key")]] },

{ "raises where a call cannot be meant", [[
  fails("gate.store:get, key: expected a string, got a number", store.get, store, 7)
  fails("gate.store:delete, key: expected a string, got a nil", store.delete, store)
  fails("gate.store:put, key: expected a string, got a table", store.put, store, {}, 1)
  fails("gate.store:put: a value is missing; to delete, gate.store:delete", store.put, store, "k")
  fails('gate.store:put: value["a"][2] is a function; stored are strings, numbers, booleans, '
    .. "json.null, json.empty_list and tables of them", store.put, store, "k", { a = { 1, print } })
  fails("gate.store:swap, expected: value is a function", store.swap, store, "k", print, 1)
  fails('gate.store:put: there is no "ttl", there are: ttl_ms', store.put, store, "k", 1,
    { ttl = 5 })
  fails("gate.store:put: expected a table of options, got a number", store.put, store, "k", 1, 5)
  fails("gate.store:put, ttl_ms: expected a whole number from 1 to 3155760000000, got 0.5",
    store.put, store, "k", 1, { ttl_ms = 0.5 })
  fails("gate.store:scan, prefix: expected a string, got a nil", store.scan, store)
  fails("gate.store:scan, after: expected a string, got a number", store.scan, store, "",
    { after = 5 })
  fails("example:48: gate.store:get, key", function() store:get(7) end) -- where it was called
  local long = {}
  for i = 1, 10001 do long[i] = i end
  fails("gate.store:put: value has more than 10000 items", store.put, store, "k", long)
  same({ {}, nil }, store:scan "")]] },

{ "is for tasks only", [[
  local ok, problem = coroutine.resume(coroutine.create(function() return store:get "k" end))
  same({ false }, ok)
  fails("gate.store:get: only in a task", error, problem)]] },
}
