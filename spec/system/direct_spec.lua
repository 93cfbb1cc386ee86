local server = require "spec.support.server"
local talker = require "spec.support.talker"

-- Two users with two devices each; of each user one speaks JSON, the other MessagePack.
describe("a room of two", function()
  local house, devices

  before_each(function() house = server.start() end)
  after_each(function() house:stop() end)

  local function connect(user, encoding)
    local device = talker.connect(house.port, encoding)
    device:hears { type = "hello" }
    assert.is_true(device:asks("auth", { data = { name = user, key = "of " .. user } }).ok)
    devices[#devices + 1] = device
    return device
  end

  --- All of them hear it, once: after it there is only what comes later.
  local function all_hear(wanted)
    for _, device in ipairs(devices) do device:hears(wanted) end
    for _, device in ipairs(devices) do
      device:says { type = "ping", id = "after it" }
      local message = device:next()
      while message.id ~= "after it" do
        assert.is_true(message.type ~= wanted.type, "heard twice: " .. message.type)
        message = device:next()
      end
    end
  end

  for _, first in ipairs { "json", "msgpack" } do
    it("is heard on all devices of both, joined or not, the first in " .. first, function()
      local second = first == "json" and "msgpack" or "json"
      devices = {}
      local ann = connect("ann", first)
      connect("ann", second)
      local bob = connect("bob", second)
      connect("bob", first)
      local room = ann:asks("direct", { data = { user = "bob" } }).data.room
      local id = ann:asks("say", { room = room, data = "hi bob" }).data.id
      -- Ann's own device has heard it before the reply.
      table.remove(devices, 1)
      all_hear { type = "said", room = room, id = id, from = "ann", data = "hi bob" }
      table.insert(devices, 1, ann)

      assert.is_true(bob:asks("direct", { data = { user = "ann" } }).ok)
      bob.client:cut()
      table.remove(devices, 3)
      bob = connect("bob", second)
      ann:says { type = "say", id = "hi 3", room = room, data = "hi 3" }
      all_hear { type = "said", data = "hi 3" }
      ann:says { type = "edit", id = "edit", room = room, message_id = id, data = "hi, bob" }
      all_hear { type = "edited", id = id, data = "hi, bob" }
      assert.is_true(bob:asks("join", { room = room }).ok)
      bob:says { type = "react", id = "react", room = room, message_id = id, emoji = ":tea:" }
      all_hear { type = "reacted", id = id, user = "bob" }
      ann:says { type = "delete", id = "delete", room = room, message_id = id }
      all_hear { type = "deleted", id = id }
      for _, device in ipairs(devices) do device:closes() end
    end)
  end
end)
