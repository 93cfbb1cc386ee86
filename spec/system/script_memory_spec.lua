local client = require "spec.support.client"
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
    for _ = 1, 2 do assert.equal("internal", ann:asks({ type = "own" }).error.code) end
    house:logs "hungry#1: on own: "
    works()
    assert.is_true(ann:asks({ type = "garbage" }).ok)
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
end)
