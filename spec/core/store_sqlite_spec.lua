local core = require "spec.support.core"
local store_file = require "spec.support.store_file"

local C = store_file.C
local DELETE, SWAP = C.MOON_STORE_DELETE, C.MOON_STORE_SWAP
local DONE, CHANGED = C.MOON_STORE_DONE, C.MOON_STORE_CHANGED

describe("store file", function()
  local file
  before_each(function() file = store_file.new() end)
  after_each(function() file:remove() end)

  local function kept(sync) return file:kept(sync) end
  local function ask(...) return file:ask(...) end
  local function put(...) return file:put(...) end
  local function get(...) return file:get(...) end
  local function scan(...) return file:scan(...) end

  describe("with entries", function()
    local store

    before_each(function() store = kept() end)

    it("gives back what was put, until it is deleted", function()
      assert.is_nil(get(store, "ann"))
      assert.equal(DONE, put(store, "ann", "1"))
      assert.equal("1", get(store, "ann"))
      assert.equal(DONE, put(store, "ann", "22"))
      assert.equal("22", get(store, "ann"))
      assert.equal(DONE, ask(store, DELETE, { key = "ann" }))
      assert.is_nil(get(store, "ann"))
      assert.equal(DONE, ask(store, DELETE, { key = "ann" }))
    end)

    it("keeps any bytes, also none, also the longest", function()
      local every = {}
      for i = 0, 255 do every[i + 1] = string.char(i) end
      local key = table.concat(every)
      local long = (key .. key):rep(512)
      assert.equal(C.MOON_STORE_MAX_VALUE_BYTES, #long)
      put(store, key .. key, long)
      put(store, "\0", "")
      assert.equal(long, get(store, key .. key))
      assert.equal("", get(store, "\0"))
      assert.is_nil(get(store, key))
      assert.equal(DONE, (ask(store, SWAP, { key = key .. key, value = "x", expected = long })))
    end)

    it("shows no space the entries of another", function()
      put(store, "key", "ours", { space = "rooms" })
      put(store, "key", "theirs", { space = "room" })
      put(store, "y", "close", { space = "roomske" })
      assert.equal("ours", get(store, "key", "rooms"))
      assert.equal("theirs", get(store, "key", "room"))
      assert.equal("key=ours", (scan(store, "", { space = "rooms" })))
      ask(store, DELETE, { key = "key", space = "rooms" })
      assert.equal("theirs", get(store, "key", "room"))
    end)

    it("swaps what is expected, and nothing else", function()
      assert.equal(CHANGED, (ask(store, SWAP, { key = "a", value = "1", expected = "" })))
      assert.equal(DONE, (ask(store, SWAP, { key = "a", value = "1" })))
      assert.equal(CHANGED, (ask(store, SWAP, { key = "a", value = "2" })))
      assert.equal(CHANGED, (ask(store, SWAP, { key = "a", value = "2", expected = "12" })))
      assert.equal(CHANGED, (ask(store, SWAP, { key = "a", value = "2", expected = "2" })))
      assert.equal("1", get(store, "a"))
      assert.equal(DONE, (ask(store, SWAP, { key = "a", value = "", expected = "1" })))
      assert.equal(DONE, (ask(store, SWAP, { key = "a", value = "3", expected = "" })))
      assert.equal("3", get(store, "a"))
    end)

    it("says nothing more of a swap than its outcome", function()
      put(store, "a", "secret")
      local outcome, bytes = ask(store, SWAP, { key = "a", value = "2", expected = "1" })
      assert.equal(CHANGED, outcome)
      assert.equal("", bytes)
    end)

    it("shows no entry whose time is over, from that millisecond on", function()
      put(store, "a", "1", { expires_ms = file.now_ms + 10 })
      put(store, "b", "2")
      file.now_ms = file.now_ms + 9
      assert.equal("1", get(store, "a"))
      assert.equal("a=1 b=2", (scan(store, "")))
      file.now_ms = file.now_ms + 1
      assert.is_nil(get(store, "a"))
      assert.equal("b=2", (scan(store, "")))
      assert.equal(CHANGED, (ask(store, SWAP, { key = "a", value = "3", expected = "1" })))
      assert.equal(DONE, (ask(store, SWAP, { key = "a", value = "3" })))
      file.now_ms = file.now_ms + 1e9
      assert.equal("3", get(store, "a"))
    end)

    it("lets a put without a time lift the one there was", function()
      put(store, "a", "1", { expires_ms = file.now_ms + 10 })
      put(store, "a", "2")
      file.now_ms = file.now_ms + 10
      assert.equal("2", get(store, "a"))
      assert.equal(0, C.moon_sqlite_sweep(store, file.now_ms, 10))
    end)

    it("is swept of what is over, oldest first, as many at a time as is said", function()
      for i = 1, 7 do put(store, "k" .. i, "x", { expires_ms = file.now_ms + i }) end
      put(store, "stays", "x")
      assert.equal(0, C.moon_sqlite_sweep(store, file.now_ms, 10))
      assert.equal(2, C.moon_sqlite_sweep(store, file.now_ms + 5, 2))
      assert.equal("k3=x k4=x k5=x k6=x k7=x stays=x", (scan(store, "")))
      assert.equal(3, C.moon_sqlite_sweep(store, file.now_ms + 5, 10))
      assert.equal("k6=x k7=x stays=x", (scan(store, "")))
    end)
  end)

  describe("scan", function()
    local store

    before_each(function() store = kept() end)

    it("is in the order of the bytes", function()
      for _, key in ipairs { "b", "\255", "a", "B", "aa", "\0", "a\0", "\195\164" } do
        put(store, key, "")
      end
      assert.equal("\0= B= a= a\0= aa= b= \195\164= \255=", (scan(store, "")))
    end)

    it("has the keys that begin with its prefix", function()
      for _, key in ipairs { "a", "ab", "ab\0", "abc", "ab\255", "ac", "b", "\255", "\255\255" } do
        put(store, key, "")
      end
      assert.equal("ab= ab\0= abc= ab\255=", (scan(store, "ab")))
      assert.equal("\255= \255\255=", (scan(store, "\255")))
      assert.equal("\255\255=", (scan(store, "\255\255")))
      assert.equal("", (scan(store, "bb")))
    end)

    it("goes on behind the key it is told, whether or not that is there", function()
      for _, key in ipairs { "a", "b", "b\0", "ba", "c" } do put(store, key, "") end
      assert.equal("b\0= ba= c=", (scan(store, "", { after = "b" })))
      assert.equal("ba=", (scan(store, "b", { after = "b\0" })))
      assert.equal("b= b\0= ba=", (scan(store, "b", { after = "a" })))
      assert.equal("ba=", (scan(store, "b", { after = "b\0\0" })))
      assert.equal("", (scan(store, "b", { after = "c" })))
      assert.equal("b\0= ba=", (scan(store, "b", { after = "b" })))
    end)

    it("says whether its limit has left something out", function()
      for _, key in ipairs { "a1", "a2", "a3", "b" } do put(store, key, "") end
      local words, has_more = scan(store, "a", { limit = 2 })
      assert.equal("a1= a2=", words)
      assert.is_true(has_more)
      words, has_more = scan(store, "a", { limit = 3 })
      assert.equal("a1= a2= a3=", words)
      assert.is_false(has_more)
      assert.is_false(select(2, scan(store, "a", { limit = 2, after = "a1" })))
    end)

    it("takes entries up to 256 KiB, or one that is longer", function()
      local half = ("x"):rep(131072 - 9)
      put(store, "a", half)
      put(store, "b", half)
      put(store, "c", "")
      local words, has_more = scan(store, "")
      assert.equal(2 * (#half + 2) + 1, #words)
      assert.is_true(has_more)
      put(store, "b", half .. "x")
      assert.equal("a=" .. half, (scan(store, "")))
      local longest = ("y"):rep(C.MOON_STORE_MAX_VALUE_BYTES)
      local key = ("k"):rep(C.MOON_STORE_MAX_KEY_BYTES)
      put(store, key, longest)
      words, has_more = scan(store, "k")
      assert.equal(key .. "=" .. longest, words)
      assert.is_false(has_more)
    end)

    it("shows each entry once, page by page, whatever the prefix and the limit", function()
      local random, keys = core.random(7), {}
      for _ = 1, 300 do
        local key = {}
        for i = 1, random(1, 4) do key[i] = ("\0ab\255"):sub(random(1, 4)):sub(1, 1) end
        keys[table.concat(key)] = true
      end
      for key in pairs(keys) do put(store, key, "") end
      for _, prefix in ipairs { "", "a", "\0", "\255", "\255\255", "ab" } do
        local expected, seen, after, has_more = {}, {}, nil, true
        for key in pairs(keys) do
          if key:sub(1, #prefix) == prefix then expected[#expected + 1] = key end
        end
        table.sort(expected)
        while has_more do
          local words
          words, has_more = scan(store, prefix, { limit = random(1, 9), after = after })
          for key in words:gmatch "([^=]*)=%s?" do seen[#seen + 1], after = key, key end
        end
        assert.same(expected, seen)
      end
    end)
  end)

  describe("transaction", function()
    it("is begun by the first write, and by no read", function()
      local store = kept()
      get(store, "a")
      scan(store, "")
      ask(store, SWAP, { key = "a", value = "1", expected = "0" })
      assert.is_false(C.moon_sqlite_is_writing(store))
      put(store, "a", "1")
      assert.is_true(C.moon_sqlite_is_writing(store))
      assert.is_true(C.moon_sqlite_commit(store))
      assert.is_false(C.moon_sqlite_is_writing(store))
    end)

    it("is there as a whole when committed, and not at all when rolled back", function()
      local store = assert(file:open())
      put(store, "a", "1")
      put(store, "b", "2")
      C.moon_sqlite_commit(store)
      put(store, "a", "3")
      ask(store, DELETE, { key = "b" })
      C.moon_sqlite_rollback(store)
      assert.equal("a=1 b=2", (scan(store, "")))
      put(store, "c", "3") -- closed without a commit
      C.moon_sqlite_close(store)
      assert.equal("a=1 b=2", (scan(kept(), "")))
    end)
  end)
end)
