local client = require "spec.support.client"
local operator = require "spec.support.operator"
local server = require "spec.support.server"

-- ThreadSanitizer keeps signals back while a thread calls no C function.
if server.BINARY:find "tsan" then return end

local HUNGRY = [[return function(gate)
  local kept = {}
  gate:on("big", function() return { n = #string.rep("x", 2e9) } end)
  gate:on("own", function()
    local list = {}
    while true do list[#list + 1] = { #list } end
  end)
  gate:on("garbage", function()
    for n = 1, 200000 do kept[n % 100] = ("x"):rep(1000) .. n end
    kept = {}
    return { is_done = true }
  end)
  gate:on("leak", function() while true do kept[#kept + 1] = ("x"):rep(1000) .. #kept end end)
  gate:on("short strings", function() while true do kept[#kept + 1] = "x" .. #kept end end)
  gate:on("timers", function() while true do gate:after_ms(1000000, function() end) end end)
  gate:on("tasks", function()
    while true do gate:spawn(function() gate:sleep(1000000) end) end
  end)
end]]

local FINE = [[return function(gate)
  gate:on("fine", function() return { text = ("x"):rep(1000) } end)
end]]

--- The scripts report it once a second.
local function heap_mb(house)
  local function bytes() return house:metrics().moongate_script_heap_bytes end
  return server.eventually("the size of the heap", bytes) / 1048576
end

describe("the memory of the scripts", function()
  local house, ann

  before_each(function()
    house = server.start { arguments = { "--script-memory-mb", "64" },
      plugins = { hungry = HUNGRY, fine = FINE, init = [[return { trust = "trusted",
        budget = { hard_ms = 60000 }, "auth", "rooms", "messages", "router", "hungry",
        "fine" }]] } }
    for _, text in ipairs { "memory limit exceeded", "not enough memory", "switched off" } do
      house:expects(text)
    end
    ann = client.guest(house.port, "ann", "tea")
  end)
  after_each(function() house:stop() end)

  local function works()
    assert.is_true(ann:asks({ type = "fine" }).ok)
    ann:says { type = "say", room = "tea", data = "still here" }
    assert.equal("still here", ann:hears({ type = "said" }).data)
  end

  it("is refused to one who wants more than there is at once, and it is said who", function()
    assert.equal("internal", ann:asks({ type = "big" }).error.code)
    house:logs "hungry#1: on big: not enough memory"
    works()
    assert.is_true(ann:asks({ type = "garbage" }).ok)
  end)

  it("comes back from one who is aborted for it, who goes on", function()
    local function asks(type_name)
      return server.eventually("the end of its garbage", function()
        local reply = ann:asks { type = type_name }
        return (reply.ok or reply.error.code ~= "unavailable") and reply
      end)
    end
    for _ = 1, 2 do assert.equal("internal", asks("own").error.code) end
    house:logs "hungry#1: on own: "
    works()
    assert.is_true(asks("garbage").ok)
    assert.is_true(house:rss_kb() < 200000, house:rss_kb() .. " KB")
  end)

  it("is not given to code that would be loaded, and no other is blamed", function()
    while ann:asks({ type = "leak" }).error.code ~= "unavailable" do end
    for n = 1, 3 do
      house:save("hungry", ([[return function()
        local list = { %d }
        while true do list[#list + 1] = { #list } end
      end]]):format(n))
      server.eventually("refusal " .. n, function()
        return select(2, house:log():gsub("not reloaded, generation 1 goes on: [^\n]*hungry.lua:3: "
          .. "memory limit exceeded", "")) == n
      end)
      works()
    end
    assert.is_nil(house:log():find "hungry#[234]: switched off")
  end)

  for _, type_name in ipairs { "leak", "short strings", "timers", "tasks" } do
    it("is not given to one who keeps it, and the others go on: " .. type_name, function()
      -- A large block may be refused while there is still some left for the others.
      local count = 0
      repeat
        count = count + 1
        assert.is_true(count <= 10)
      until ann:asks({ type = type_name }).error.code == "unavailable"
      house:logs "hungry#1: switched off: it was aborted for want of memory"
      works()
      assert.equal("unavailable", ann:asks({ type = "garbage" }).error.code)
      house:logs "the scripts have "
      assert.is_true(house:rss_kb() < 300000, house:rss_kb() .. " KB")
    end)
  end

  it("comes back when the code that kept it in a variable is replaced", function()
    while ann:asks({ type = "leak" }).error.code ~= "unavailable" do end
    house:save("hungry", HUNGRY .. "\n")
    house:logs "generation 2: hungry (changed)"
    server.eventually("the memory", function()
      return heap_mb(house) < 32
    end)
    assert.is_true(ann:asks({ type = "garbage" }).ok)
  end)
end)

-- It is collected in steps, on account of who makes it, and so never at once, which takes a second
-- for a gigabyte: that is done only when the limit has been reached.
describe("garbage of one who keeps much", function()
  local KEEPS = [[return function(gate)
    local kept = {}
    local make = {
      large = function(n) return ("x"):rep(1000000) .. n end,
      small = function(n)
        local list = {}
        for i = 1, 10000 do list[i] = { n } end
        return list
      end,
    }
    gate:on("keep", function()
      while collectgarbage "count" < 46 * 1024 do kept[#kept + 1] = { #kept } end
      return {}
    end)
    gate:on("make", function(_, message)
      for n = 1, 100 do make[message.what](n) end
      return {}
    end)
  end]]

  for _, what in ipairs { "large", "small" } do
    it("is gone before the limit is reached: " .. what .. " blocks", function()
      local house = server.start { arguments = { "--script-memory-mb", "64" },
        plugins = { keeps = KEEPS, init = [[return { trust = "trusted",
          budget = { hard_ms = 60000 }, "auth", "rooms", "messages", "router", "keeps" }]] } }
      local ann = client.guest(house.port, "ann", "tea")
      assert.is_true(ann:asks({ type = "keep" }).ok)
      for _ = 1, 5 do assert.is_true(ann:asks({ type = "make", what = what }).ok) end
      assert.is_nil(house:log():find "has filled the memory")
      house:stop()
    end)
  end
end)

-- What is in `gate.state` outlives the code: who has filled it is to be mended all the same.
describe("a state that fills the memory", function()
  local FULL = [[return function(gate)
    gate:on("fill", function()
      local list = gate.state.list or {}
      gate.state.list = list
      while true do list[#list + 1] = { #list } end
    end)
  end]]
  local MENDED = [[return function(gate)
    %s
    gate:on("count", function() return { count = gate.state.list and #gate.state.list or 0 } end)
  end]]
  local EMPTIES = [[gate:migrate(1, function(state) state.list = nil end)]]
  local DOUBLES = [[gate:migrate(1, function(state)
    local list = {}
    for i = 1, #state.list do list[i] = { i, {}, {}, {} } end
    state.list = list
  end)]]

  -- It uses some memory in a run of its own, all the time: who could be blamed.
  local INNOCENT = [[return function(gate)
    gate:every(20, function()
      local list = {}
      for i = 1, 2000 do list[i] = { i } end
    end, "work")
    gate:on("fine", function() return {} end)
  end]]
  local LIST = [[return { trust = "trusted", budget = { hard_ms = 60000 }, "auth", "rooms",
    "messages", "router", "innocent", { "full", trust = "guarded" } }]]
  local function list(is_there)
    return is_there and LIST or (LIST:gsub(', { "full"[^}]*}', ' --[["full"]]'))
  end

  local house, ann, chief, path

  before_each(function()
    path = operator.free_path()
    house = server.start { arguments = { "--script-memory-mb", "64", "--admin", path },
      plugins = { full = FULL, innocent = INNOCENT, init = list(true) } }
    house:expects "full#1: "
    chief, ann = operator.connect(path), client.guest(house.port, "ann", "tea")
    server.eventually("the end of it", function()
      return ann:asks({ type = "fill" }).error.code == "unavailable"
    end)
    house:logs "full#1: switched off: it was aborted for want of memory"
  end)

  after_each(function()
    chief:close()
    house:stop()
  end)

  local function refusals() return select(2, house:log():gsub("not reloaded, generation 1", "")) end

  --- Saves a file and waits until it is refused.
  local function is_refused(text)
    local before = refusals()
    house:save("full", text)
    server.eventually("the refusal", function() return refusals() > before end)
  end

  --- Nobody else is aborted, nor off.
  local function others_work()
    assert.is_true(ann:asks({ type = "fine" }).ok)
    ann:says { type = "say", room = "tea", data = "still here" }
    assert.equal("still here", ann:hears({ type = "said" }).data)
    assert.is_nil(house:log():find "innocent#%d+: [^\n]*aborted")
    assert.is_nil(house:log():find "router#%d+: [^\n]*aborted")
  end

  local function comes_free()
    server.eventually("the memory", function()
      others_work()
      return heap_mb(house) < 32
    end)
  end

  it("takes nothing from the others when the plugin is on again, and fills it again", function()
    for _ = 1, 2 do
      assert.equal("full#1 is on", chief:asks("on", { "full" }).text)
      for _ = 1, 20 do others_work() end
      assert.equal("internal", ann:asks({ type = "fill" }).error.code)
      assert.equal("unavailable", ann:asks({ type = "fill" }).error.code)
      others_work()
    end
  end)

  it("is freed by code that empties it, and what held it is let go of", function()
    house:save("full", MENDED:format(EMPTIES))
    house:logs "generation 2: full (changed)"
    assert.equal(0, ann:asks({ type = "count" }).data.count)
    house:logs "memory is short: what is older than generation 2 is let go of"
    comes_free()
    assert.equal("there is no generation before 2 to go back to",
      chief:asks("rollback").error.message)
  end)

  it("is what it was, when code that needs too much for it is refused, again and again", function()
    house:expects "not reloaded, generation 1 goes on"
    local full_mb = heap_mb(house)
    for n = 1, 4 do
      is_refused(MENDED:format(DOUBLES) .. ("\n"):rep(n))
      others_work()
    end
    house:logs "full.lua: the migration to version 1 failed: "
    server.eventually("its size", function() return heap_mb(house) < full_mb + 8 end)
    assert.is_nil(house:log():find("full#2", 1, true))
    house:save("full", MENDED:format "")
    house:logs "generation 2: full (changed)"
    assert.is_true(ann:asks({ type = "count" }).data.count > 100000)
    others_work()
  end)

  it("goes with a plugin that is taken out of the list, and is empty when it comes back", function()
    chief:asks("off", { "full" })
    house:save("init", list(false))
    house:logs "full (removed)"
    comes_free()
    house:save("full", MENDED:format "")
    house:save("init", list(true))
    house:logs "full (new)"
    assert.equal(0, ann:asks({ type = "count" }).data.count)
  end)
end)
