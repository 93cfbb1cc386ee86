local client = require "spec.support.client"
local server = require "spec.support.server"

-- Each deadline takes the place of the one before, which is cancelled.
local PLUGIN = [[return function(gate)
  gate:on("work", function()
    for _ = 1, 200000 do gate:deadline(86400000) end
    gate:sleep(1)
    return {}
  end)
end]]

-- As many as never let the scripts come to rest.
local RESTLESS = [[return function(gate)
  local count = 0
  local function again()
    count = count + 1
    gate:after_ms(1, again)
  end
  for _ = 1, 5000 do gate:spawn(again) end
  gate:on("wait", function(_, message)
    local last = count + message.count
    repeat gate:sleep(1) until count >= last
    return {}
  end)
end]]

describe("timers that are always due", function()
  it("take no more memory the longer they go on", function()
    local house = server.start { plugins = { restless = RESTLESS } }
    local ann = client.guest(house.port, "ann", "tea")
    assert.is_true(ann:asks({ type = "wait", count = 100000 }).ok)
    local before_kb = house:rss_kb()
    assert.is_true(ann:asks({ type = "wait", count = 500000 }).ok)
    local grown_kb = house:rss_kb() - before_kb
    assert.is_true(grown_kb < 8000, ("grown by %d KB"):format(grown_kb))
    ann:close()
    house:stop()
  end)
end)

describe("a timer that is cancelled", function()
  it("leaves nothing behind, however far its time is", function()
    local house = server.start { plugins = { deadlines = PLUGIN }, is_patient = true }
    local ann = client.guest(house.port, "ann", "tea")
    assert.is_true(ann:asks({ type = "work" }).ok)
    local before_kb = house:rss_kb()
    for _ = 1, 3 do assert.is_true(ann:asks({ type = "work" }).ok) end
    local grown_kb = house:rss_kb() - before_kb
    assert.is_true(grown_kb < 20000, ("grown by %d KB"):format(grown_kb))
    ann:close()
    house:stop()
  end)
end)
