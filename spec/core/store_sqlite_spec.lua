local ffi = require "ffi"
local signal = require "posix.signal"
local unistd = require "posix.unistd"
local core = require "spec.support.core"
local C = core.load_apart("core/store_sqlite.h", "sqlite")

local SIGXFSZ = 25

local FULL, NORMAL, OFF = 0, 1, 2 -- enum moon_sync
local GET, PUT, DELETE = C.MOON_STORE_GET, C.MOON_STORE_PUT, C.MOON_STORE_DELETE
local SWAP, SCAN = C.MOON_STORE_SWAP, C.MOON_STORE_SCAN
local DONE, ABSENT = C.MOON_STORE_DONE, C.MOON_STORE_ABSENT
local CHANGED, FAILED = C.MOON_STORE_CHANGED, C.MOON_STORE_FAILED

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = io.open(path, "r")
  if not file then return nil end
  local text = file:read "*a"
  file:close()
  return text
end

describe("store file", function()
  local folder, path, now_ms

  before_each(function()
    folder = run("mktemp -d"):match "%S+"
    path, now_ms = folder .. "/house.store", 1760000000000
  end)
  after_each(function()
    core.tidy()
    run("rm -rf " .. folder)
  end)

  --- The store; or nil and why not, without the folder's name.
  local function open(sync, at)
    local problem = ffi.cast("char *", core.keep(C.moon_alloc(C.MOON_SQLITE_PROBLEM_BYTES),
      C.moon_free))
    local store = C.moon_sqlite_open(at or path, sync or OFF, problem)
    if store == nil then return nil, ffi.string(problem) end
    return store
  end

  local function kept(...) return core.keep(assert(open(...)), C.moon_sqlite_close) end

  --- outcome, bytes, has_more
  local function ask(store, operation, asked)
    local space, key = asked.space or "rooms", asked.key or ""
    local value, expected = asked.value or "", asked.expected or ""
    local order, answer = ffi.new "struct moon_sqlite_order", ffi.new "struct moon_sqlite_answer"
    local bytes = core.exact(space .. key .. value .. expected)
    order.operation, order.bytes, order.now_ms = operation, bytes, now_ms
    order.query = { expires_ms = asked.expires_ms or 0, space_bytes = #space, key_bytes = #key,
      value_bytes = #value, expected_bytes = #expected, must_be_new = asked.expected and 0 or 1,
      limit = asked.limit or 1000 }
    C.moon_sqlite_obey(store, order, answer)
    return answer.outcome, ffi.string(answer.bytes, answer.length), answer.has_more == 1
  end

  local function put(store, key, value, more)
    more = more or {}
    more.key, more.value = key, value
    return ask(store, PUT, more)
  end

  local function get(store, key, space)
    local outcome, bytes = ask(store, GET, { key = key, space = space })
    if outcome == DONE then return bytes end
    assert.equal(ABSENT, outcome)
  end

  --- "a=1 b=2", and whether there is more.
  local function scan(store, prefix, more)
    more = more or {}
    more.key, more.value = prefix, more.after
    local outcome, bytes, has_more = ask(store, SCAN, more)
    assert.equal(DONE, outcome)
    local words, at = {}, 0
    local lengths = ffi.new "uint32_t[2]"
    while at < #bytes do
      ffi.copy(lengths, bytes:sub(at + 1, at + 8), 8)
      local key_end = at + 8 + lengths[0]
      words[#words + 1] = bytes:sub(at + 9, key_end) .. "="
        .. bytes:sub(key_end + 1, key_end + lengths[1])
      at = key_end + lengths[1]
    end
    return table.concat(words, " "), has_more
  end

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
      put(store, "a", "1", { expires_ms = now_ms + 10 })
      put(store, "b", "2")
      now_ms = now_ms + 9
      assert.equal("1", get(store, "a"))
      assert.equal("a=1 b=2", (scan(store, "")))
      now_ms = now_ms + 1
      assert.is_nil(get(store, "a"))
      assert.equal("b=2", (scan(store, "")))
      assert.equal(CHANGED, (ask(store, SWAP, { key = "a", value = "3", expected = "1" })))
      assert.equal(DONE, (ask(store, SWAP, { key = "a", value = "3" })))
      now_ms = now_ms + 1e9
      assert.equal("3", get(store, "a"))
    end)

    it("lets a put without a time lift the one there was", function()
      put(store, "a", "1", { expires_ms = now_ms + 10 })
      put(store, "a", "2")
      now_ms = now_ms + 10
      assert.equal("2", get(store, "a"))
      assert.equal(0, C.moon_sqlite_sweep(store, now_ms, 10))
    end)

    it("is swept of what is over, oldest first, as many at a time as is said", function()
      for i = 1, 7 do put(store, "k" .. i, "x", { expires_ms = now_ms + i }) end
      put(store, "stays", "x")
      assert.equal(0, C.moon_sqlite_sweep(store, now_ms, 10))
      assert.equal(2, C.moon_sqlite_sweep(store, now_ms + 5, 2))
      assert.equal("k3=x k4=x k5=x k6=x k7=x stays=x", (scan(store, "")))
      assert.equal(3, C.moon_sqlite_sweep(store, now_ms + 5, 10))
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
      local store = assert(open())
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

  describe("when opened", function()
    local function refuses(expected, sync)
      local store, problem = open(sync)
      assert.is_nil(store)
      assert.equal(expected, problem)
    end

    it("has what was committed before, in one file, whatever the sync", function()
      for sync = FULL, OFF do
        local store = assert(open(sync))
        put(store, "sync" .. sync, "1")
        C.moon_sqlite_commit(store)
        C.moon_sqlite_close(store)
        assert.equal("house.store\n", run("ls " .. folder))
      end
      assert.equal("sync0=1 sync1=1 sync2=1", (scan(kept(), "")))
    end)

    it("says of itself what it is", function()
      C.moon_sqlite_close((assert(open(NORMAL))))
      assert.equal("1836019566\n1\nwal\n", run(("sqlite3 %s 'PRAGMA application_id; "
        .. "PRAGMA user_version; PRAGMA journal_mode'"):format(path)))
    end)

    it("is refused to everybody else meanwhile", function()
      local store = kept()
      refuses "is in use by another process (database is locked); stop that one, or name another file"
      assert.matches("locked", run(("sqlite3 %s 'SELECT * FROM entry'"):format(path)))
      assert.equal(DONE, put(store, "a", "1"))
    end)

    it("is no text, and that is left alone", function()
      local text = ("Dear diary. "):rep(100)
      write(path, text)
      refuses("expected a store of moongate, found another file (file is not a database); "
        .. "name another one")
      assert.equal(text, read(path))
      assert.equal("house.store\n", run("ls " .. folder))
    end)

    it("is no database of another program, and that is left alone", function()
      run(("sqlite3 %s 'CREATE TABLE song (name)'"):format(path))
      local before = read(path)
      refuses("expected a store of moongate, found another SQLite file (application_id 0); "
        .. "name another one")
      run(("sqlite3 %s 'PRAGMA application_id = 7'"):format(path))
      refuses("expected a store of moongate, found another SQLite file (application_id 7); "
        .. "name another one")
      run(("sqlite3 %s 'PRAGMA application_id = 0'"):format(path))
      assert.equal(#before, #read(path))
    end)

    it("may be an empty file", function()
      write(path, "")
      assert.equal(DONE, put(kept(), "a", "1"))
    end)

    it("is refused when a newer moongate has made it", function()
      C.moon_sqlite_close((assert(open())))
      run(("sqlite3 %s 'PRAGMA user_version = 2'"):format(path))
      refuses("expected schema 1, found 2 of a newer moongate; use that one, or name another file")
    end)

    it("is refused when it is damaged", function()
      local store = assert(open())
      for i = 1, 200 do put(store, "key" .. i, ("x"):rep(100)) end
      C.moon_sqlite_commit(store)
      C.moon_sqlite_close(store)
      local text = read(path)
      write(path, text:sub(1, 4096 * 3) .. ("\255"):rep(4096) .. text:sub(4096 * 4 + 1))
      local again, problem = open()
      assert.is_nil(again)
      assert.matches("^is damaged %(.+%); put a backup in its place, or move it away to begin "
        .. "with an empty store$", problem)
      write(path, text:sub(1, 4096))
      assert.matches("^is damaged", select(2, open()))
      write(path, text)
      assert.equal("xxxx", get(kept(), "key7"):sub(1, 4))
    end)

    it("is refused when its table is missing", function()
      C.moon_sqlite_close((assert(open())))
      run(("sqlite3 %s 'DROP TABLE entry'"):format(path))
      refuses("is damaged (no such table: entry); put a backup in its place, or move it away to "
        .. "begin with an empty store")
    end)

    it("is refused where no file can be", function()
      local expected = "cannot be opened (unable to open database file: %s); expected a file, in "
        .. "a folder, that may be read and written"
      assert.equal(expected:format "No such file or directory",
        select(2, open(OFF, folder .. "/nowhere/file")))
      assert.equal(expected:format "Is a directory", select(2, open(OFF, folder)))
    end)
  end)

  describe("without room", function()
    --- Files of this process may not grow beyond it.
    local function limit(bytes)
      run(("prlimit --pid %d --fsize=%s:"):format(unistd.getpid(), bytes))
    end

    before_each(function() signal.signal(SIGXFSZ, signal.SIG_IGN) end)
    after_each(function() limit "unlimited" end)

    it("fails, says why, and works again when there is some", function()
      local store = kept(NORMAL)
      put(store, "a", "1")
      assert.is_true(C.moon_sqlite_commit(store))
      limit "65536"
      local outcome, is_committed = DONE, true
      for i = 1, 20 do
        if outcome == DONE then outcome = put(store, "long" .. i, ("x"):rep(100000)) end
      end
      if outcome == DONE then is_committed = C.moon_sqlite_commit(store) end
      local problem = ffi.string(C.moon_sqlite_problem(store))
      C.moon_sqlite_rollback(store)
      limit "unlimited"
      assert.is_true(outcome == FAILED or not is_committed)
      assert.matches("^disk I/O error %(SQLite 778%)$", problem)
      assert.equal("a=1", (scan(store, "")))
      assert.equal(DONE, put(store, "b", ("y"):rep(100000)))
      assert.is_true(C.moon_sqlite_commit(store))
      assert.equal(100000, #get(store, "b"))
    end)
  end)
end)
