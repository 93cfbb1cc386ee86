local client = require "spec.support.client"
local fake_core = require "spec.support.fake_core"
local server = require "spec.support.server"

describe("messages", function()
  local house, msgpack

  setup(function()
    msgpack = fake_core.world().msgpack
    house = server.start()
  end)
  teardown(function() house:stop() end)

  -- What a client hears beside that which is told of messages.
  local OTHERS = { hello = true, reply = true, joined = true, left = true }

  --- For a client: hears one push of messages after the other, and asks as others do.
  local function add_next(one, next_of)
    one.pushes = {}
    one.next = function(self)
      local message = next_of(self)
      if not OTHERS[message.type] then table.insert(self.pushes, message) end
      return message
    end
    one.asks = function(self, message)
      self.last_id = (self.last_id or 0) + 1
      message.id = self.last_id
      self:says(message)
      repeat
        local reply = self:next()
        if reply.type == "reply" then
          assert.equal(message.id, reply.id)
          return reply.ok and reply.data or reply.error
        end
      until false
    end
    one.hears_push = function(self)
      while not self.pushes[1] do self:next() end
      return table.remove(self.pushes, 1)
    end
    return one
  end

  --- In either encoding.
  local function connect(encoding, name)
    local one = client.connect(house.port, "/ws",
      { ["Sec-WebSocket-Protocol"] = "moongate.v1." .. encoding })
    if encoding == "msgpack" then
      one.says = function(self, message)
        self:send(client.BINARY, assert(msgpack.encode(message)))
      end
      add_next(one, function(self)
        local bytes, opcode = self:read()
        assert.equal(client.BINARY, opcode)
        return assert(msgpack.decode(bytes))
      end)
    else
      add_next(one, one.next)
    end
    assert.equal(name, one:asks({ type = "auth", data = { name = name, key = name } }).user)
    return one
  end

  for _, pair in ipairs { { "json", "msgpack" }, { "msgpack", "json" }, { "json", "json" } } do
    local room = ("of %s and %s"):format(pair[1], pair[2])

    it("go through all that can become of them, in rooms " .. room, function()
      local ann, eve = connect(pair[1], "ann"), connect(pair[2], "eve")
      for _, one in ipairs { ann, eve } do one:asks { type = "join", room = room } end

      local told = ann:asks { type = "say", room = room, data = { text = "helo" },
        mentions = { "eve" } }
      assert.is_true(told.id >= told.at * 10)
      local said = { type = "said", room = room, id = told.id, at = told.at, from = "ann",
        data = { text = "helo" }, mentions = { "eve" } }
      assert.same(said, ann:hears_push())
      assert.same(said, eve:hears_push())

      local id = told.id
      local edited = ann:asks { type = "edit", room = room, message_id = id,
        data = { text = "hello" } }
      assert.same({ type = "edited", room = room, id = id, at = edited.at, by = "ann",
        data = { text = "hello" } }, eve:hears_push())

      assert.same({ id = id, emoji = "\240\159\145\141", on = true, count = 1 },
        eve:asks { type = "react", room = room, message_id = id, emoji = "\240\159\145\141" })
      assert.equal("edited", ann:hears_push().type)
      local reacted = ann:hears_push()
      assert.same({ type = "reacted", room = room, id = id, user = "eve", on = true, count = 1,
        emoji = "\240\159\145\141", at = reacted.at }, reacted)
      eve:hears_push()

      eve:asks { type = "typing", room = room }
      assert.same({ type = "typing", room = room, user = "eve", on = true }, ann:hears_push())
      eve:asks { type = "read", room = room, message_id = id }
      local read = ann:hears_push()
      assert.same({ type = "read", room = room, user = "eve", id = id, at = read.at }, read)

      local reply = eve:asks { type = "say", room = room, data = "well", reply_to = id }
      assert.is_true(reply.id > id)
      assert.equal(id, ann:hears_push().reply_to)
      local refused = ann:asks { type = "delete", room = room, message_id = reply.id }
      assert.equal("not_allowed", refused.code)
      local deleted = ann:asks { type = "delete", room = room, message_id = id }
      assert.same({ type = "deleted", room = room, id = id, at = deleted.at, by = "ann" },
        ann:hears_push())
      assert.equal("too_old", ann:asks({ type = "delete", room = room, message_id = id }).code)
      ann:close()
      eve:close()
    end)
  end

  it("are told of to those who are mentioned elsewhere", function()
    local ann, eve = connect("json", "ann"), connect("msgpack", "eve")
    ann:asks { type = "join", room = "tea" }
    local told = ann:asks { type = "say", room = "tea", data = "come", mentions = { "eve" } }
    assert.same({ type = "mentioned", room = "tea", id = told.id, from = "ann", at = told.at },
      eve:hears_push())
    ann:close()
    eve:close()
  end)
end)
