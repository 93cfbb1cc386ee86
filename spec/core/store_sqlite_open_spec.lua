local files = require "spec.support.file"
local ffi = require "ffi"
local signal = require "posix.signal"
local unistd = require "posix.unistd"
local store_file = require "spec.support.store_file"

local C, run = store_file.C, store_file.run
local DONE, FAILED = C.MOON_STORE_DONE, C.MOON_STORE_FAILED
local FULL, NORMAL, OFF = 0, 1, 2 -- enum moon_sync
local SIGXFSZ = 25

local read, write = files.read, files.write

describe("store file", function()
  local file, folder, path
  before_each(function()
    file = store_file.new()
    folder, path = file.folder, file.path
  end)
  after_each(function() file:remove() end)

  local function open(...) return file:open(...) end
  local function kept(sync) return file:kept(sync) end
  local function put(...) return file:put(...) end
  local function get(...) return file:get(...) end
  local function scan(...) return file:scan(...) end

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
      refuses("is in use by another process (database is locked); stop that one, or name another "
        .. "file")
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
