--- Lists of nothing, as they come over the wire: arrays, in both encodings.
local server = require "spec.support.server"
local talker = require "spec.support.talker"

local none = talker.json.empty_list

local LIST = [[return {
  "auth", "presence", { "rooms", options = { large_room = 2 } }, "messages", "moderation",
  "router", "crown", trust = "trusted",
}]]

-- Makes whoever asks an admin.
local CROWN = [[return function(gate)
  gate:on("crown", function(conn) conn.state.admin = true return {} end)
  gate:on("nothing", function() return gate.json.empty_list end)
end]]

describe("an empty list", function()
  local house

  setup(function() house = server.start { plugins = { init = LIST, crown = CROWN } } end)
  teardown(function() house:stop() end)

  for _, encoding in ipairs { "json", "msgpack" } do
    local function enter(name)
      local one = talker.connect(house.port, encoding)
      one.user = ("%s_%s"):format(name, encoding)
      one:asks("auth", { data = { name = one.user } })
      return one
    end

    it("in a reply is an array, in " .. encoding, function()
      local ann, room = enter "ann", "of " .. encoding
      ann:asks("create", { room = room })
      for _, type_name in ipairs { "bans", "reports", "audit" } do
        local expected = { room = room, list = none }
        assert.same(expected, ann:asks(type_name, { room = room }).data, type_name)
      end
      ann:asks("join", { room = room })
      ann:asks "crown"
      for _, type_name in ipairs { "bans", "audit" } do
        assert.same({ list = none }, ann:asks(type_name).data, type_name)
      end
      assert.equal(none, ann:asks("say", { room = room, data = "/bans" }).data.list)
      assert.same({ list = none }, ann:asks("rooms", { data = { prefix = "no such" } }).data)
      local page = ann:asks("members", { room = room, data = { after = "zzz" } }).data
      assert.same({ none, 1 }, { page.members, page.count })
      assert.equal(none, ann:asks("nothing").data)
      assert.same({}, ann:asks("crown").data) -- an object is one
      ann:closes()
    end)

    it("in a push is an array, in " .. encoding, function()
      local ann, dora, room = enter "anna", enter "dora", "crowd of " .. encoding
      for _, one in ipairs { ann, enter "bob", enter "carl" } do
        one:asks("join", { room = room })
      end
      ann:hears { type = "members_changed" } -- Carl makes it a large one
      dora:asks("join", { room = room })
      local change = ann:hears { type = "members_changed" }
      assert.same({ { dora.user }, none }, { change.joined, change.left })
      dora:asks("leave", { room = room })
      change = ann:hears { type = "members_changed" }
      assert.same({ none, { dora.user } }, { change.joined, change.left })
      for _, one in ipairs { ann, dora } do one:closes() end
    end)
  end
end)
