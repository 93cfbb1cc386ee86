local cases = require "spec.support.cases.store"
local client = require "spec.support.client"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local probe = require "spec.support.store_probe"
local server = require "spec.support.server"

local PLUGINS = { probe = probe.plugin "/run", other = probe.plugin "/other" }

--- Sends one request and reads the whole response.
local function post(port, path, body)
  local response = client.request(port, ("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    .. "Content-Length: %d\r\n\r\n%s"):format(path, #body, body))
  local text = response.socket:receive "*a"
  response.socket:close()
  return response.status, text
end

-- A function that starts one, and returns run(source, path), which raises what the source
-- raises, and stop().
local backends = {}

function backends.memory()
  local gate = fake_gate.load(PLUGINS)
  local function run(source, path)
    local response = gate:http("POST", path or "/run", { body = probe.PRELUDE .. source })
    for _ = 1, 10000 do
      if response.is_given then break end
      gate:later(1)
    end
    assert(response.status == 200, response.body)
    return response.body
  end
  return run, function() end
end

local function house_with(path, options)
  options = options or {}
  local arguments = { "--store", path }
  for _, argument in ipairs(options) do arguments[#arguments + 1] = argument end
  local plugins = options.plugins or PLUGINS
  local house = server.start { plugins = plugins, arguments = arguments }
  local function run(source, where)
    local status, text = post(house.port, where or "/run", probe.PRELUDE .. source)
    assert(status == 200, text)
    return text
  end
  return house, run
end

function backends.sqlite()
  local folder = file.folder()
  local house, run = house_with(folder .. "/house.store", { "--store-sync", "off" })
  return run, function()
    house:stop()
    local left = file.list(folder .. "/*")
    assert.same({ folder .. "/house.store" }, left) -- the log beside it has gone into it
    file.run("rm -r " .. folder)
  end
end

for name, start in pairs(backends) do
  describe("the store on " .. name, function()
    local run, stop

    setup(function() run, stop = start() end)
    teardown(function() stop() end)
    after_each(function()
      run [[
        repeat
          local entries = store:scan("", { limit = 1000 })
          for _, entry in ipairs(entries) do store:delete(entry.key) end
        until not entries[1] ]]
    end)

    for _, case in ipairs(cases) do
      local what, source = unpack(case)
      it(what, function() run(source) end)
    end

    it("shows no plugin the entries of another", function()
      run [[store:put("key", "ours")]]
      run([[
        same({ nil, nil }, store:get "key")
        same({ {}, nil }, store:scan "")
        same({ true }, store:swap("key", nil, "theirs"))
        store:delete "key"]], "/other")
      run [[same({ "ours" }, store:get "key")]]
    end)
  end)
end

describe("the store's file", function()
  local folder, path

  before_each(function()
    folder = file.folder()
    path = folder .. "/house.store"
  end)
  after_each(function() file.run("rm -r " .. folder) end)

  --- Exit status, and what the server says, when it is to start with this file.
  local function refusal(...)
    local status, _, err = server.run_to_end { "run", "--port", "0", "--store", path, ... }
    return status, (err:gsub(folder .. "/", ""))
  end

  it("has everything after a restart", function()
    local house, run = house_with(path)
    run [[
      store:put("ann", { karma = 3 })
      store:put("gone", 1)
      store:delete "gone"
      store:put("short", 1, { ttl_ms = 1 })]]
    house:stop()
    house, run = house_with(path)
    run [[
      eventually(function() return store:get "short" == nil end)
      same({ { { key = "ann", value = { karma = 3 } } }, nil }, store:scan "")]]
    assert.is_nil(house:log():find("without --store", 1, true))
    house:stop()
  end)

  it("has what scripts store while the server stops", function()
    local plugins = { last = [[return function(gate)
      gate:raw("/last", { closed = function()
        gate:spawn(function()
          for _ = 1, 1000 do
            gate.store:put("count", (gate.store:get "count" or 0) + 1)
          end
        end)
      end })
    end]], probe = probe.plugin "/run" }
    local house = house_with(path, { "--close-timeout-ms", "100", "--store-sync", "off",
      plugins = plugins })
    local ann = client.connect(house.port, "/last")
    house:stop()
    ann:cut()
    local run
    house, run = house_with(path, { plugins = { last = probe.plugin "/run" } })
    run [[same({ 1000 }, store:get "count")]]
    house:stop()
  end)

  for _, sync in ipairs { "full", "normal", "off" } do
    it("has everything that was answered before a kill -9, with " .. sync, function()
      local plugins = { writer = [[return function(gate)
        gate:raw("/write", { received = function(conn, bytes)
          gate:spawn(function()
            local value = { text = bytes, more = ("x"):rep(2000) }
            if gate.store:put(bytes, value) then conn:send(bytes) end
          end)
        end })
        gate:http("POST", "/run", function(request)
          return gate.store:get(request.body).text
        end)
      end]] }
      local house = house_with(path, { "--store-sync", sync, plugins = plugins })
      local ann = client.connect(house.port, "/write")
      local answered = {}
      for i = 1, 6000 do ann:send_text(("key%d"):format(i)) end
      for _ = 1, 500 do answered[#answered + 1] = ann:read() end
      house:kill() -- in the middle: others have been asked for
      for key in function() return ann:read() end do answered[#answered + 1] = key end
      house = house_with(path, { plugins = plugins })
      for _, key in ipairs(answered) do
        local _, text = post(house.port, "/run", key)
        assert.equal(key, text)
      end
      house:stop()
    end)
  end

  it("takes many writes in one commit", function()
    local house, run = house_with(path)
    run [[
      local done = 0
      for i = 1, 1000 do
        gate:spawn(function()
          same({ true }, store:put("key" .. i, i))
          done = done + 1
        end)
      end
      eventually(function() return done == 1000 end)]]
    local metrics
    server.eventually("all threads to publish their numbers", function()
      metrics = house:metrics()
      return metrics['moongate_store_operations_total{operation="put"}'] == 1000
        and metrics.moongate_store_pending == 0
    end)
    assert.is_true(metrics.moongate_store_commit_seconds_count < 50)
    assert.equal(0, metrics.moongate_store_failures_total)
    house:stop()
  end)

  it("refuses what is more than 4096 operations at once, and takes them again later", function()
    local house, run = house_with(path)
    run [[
      store:get "key" -- the rooms have been read by then
      local done, full = 0, 0
      for i = 1, 5000 do
        gate:spawn(function()
          local value, reason = store:get "key"
          if reason == "full" then full = full + 1 else done = done + 1 end
        end)
      end
      same({ 904 }, full)
      eventually(function() return done == 4096 end)
      same({ true }, store:put("key", 1))]]
    house:stop()
  end)

  it("loses what has expired, in the background", function()
    local house, run = house_with(path)
    run [[
      for i = 1, 600 do gate:spawn(function() store:put("short" .. i, i, { ttl_ms = 1 }) end) end
      store:put("stays", 1)]]
    server.eventually("the expired to be removed", function()
      return house:metrics().moongate_store_expired_total == 600
    end)
    house:stop()
    assert.equal("1\n", file.output(("sqlite3 %s 'SELECT count(*) FROM entry'"):format(path)))
  end)

  it("costs only the operations when the disk is full, and says so once", function()
    local house, run = house_with(path)
    house:expects "disk I/O error"
    run [[same({ true }, store:put("small", "before"))]]
    local function limit(bytes)
      file.run(("prlimit --pid %d --fsize=%s:"):format(house.pid, bytes))
    end
    limit(200000)
    run [[
      local long, failed = ("x"):rep(100000), 0
      for i = 1, 10 do
        local ok, reason = store:put("long" .. i, long)
        if not ok then
          same({ "store_failed" }, reason)
          same({ nil, nil }, store:get("long" .. i))
          failed = failed + 1
        end
      end
      if failed < 5 then error(failed .. " have failed") end
      local _, seen = gate:gather( -- who asks with it is not told of what is not kept
        function() return store:put("together", long) end,
        function() return { store:get "together" } end)
      same({ { nil, "store_failed" } }, seen)
      same({ "before" }, store:get "small")]]
    server.eventually("the failures to be counted", function()
      return house:metrics().moongate_store_failures_total >= 5
    end)
    limit "unlimited"
    run [[
      same({ true }, store:put("long", ("y"):rep(100000)))
      same({ ("y"):rep(100000) }, store:get "long")]]
    local log = house:stop()
    local _, lines = log:gsub("disk I/O error", "")
    assert.equal(1, lines)
    assert.matches("error store: %S+/house.store: disk I/O error %(SQLite %d+%); scripts are told "
      .. "store_failed\n", log)
  end)

  it("stops no server but its own start when it cannot be used", function()
    local house = house_with(path)
    local status, err = refusal()
    assert.equal(2, status)
    assert.equal("moongate: --store house.store: is in use by another process (database is "
      .. "locked); stop that one, or name another file\n", err)
    house:stop()
    file.run("head -c 100 /dev/zero >" .. path)
    status, err = refusal()
    assert.equal(2, status)
    assert.equal("moongate: --store house.store: expected a store of moongate, found another "
      .. "file (file is not a database); name another one\n", err)
  end)

  it("has a path, and a sync that there is", function()
    path = ":memory:"
    local status, err = refusal()
    assert.equal(2, status)
    assert.equal("moongate: --store :memory:: expected the path of a file\n", err)
    path = folder .. "/x"
    status, err = refusal("--store-sync", "sometimes")
    assert.equal(2, status)
    assert.equal("moongate: --store-sync sometimes: expected one of: full normal off\n", err)
  end)

  it("is missed once by each plugin that uses it", function()
    local house = server.start { plugins = PLUGINS }
    for _, where in ipairs { "/run", "/run", "/other" } do
      assert.equal(200, (post(house.port, where, probe.PRELUDE .. [[store:put("a", 1)]])))
    end
    local log = house:stop()
    for _, name in ipairs { "probe", "other" } do
      local _, lines = log:gsub("warn  " .. name .. "#1: gate.store: the server runs without "
        .. "%-%-store, so that nothing of it survives the end of the process\n", "")
      assert.equal(1, lines)
    end
  end)
end)
