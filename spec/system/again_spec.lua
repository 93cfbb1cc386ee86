local file = require "spec.support.file"
local server = require "spec.support.server"
local talker = require "spec.support.talker"

describe("a request that is sent again", function()
  local house, bob

  setup(function()
    house = server.start { arguments = { "--threads", "2" }, plugins = { slow = [[
      return function(gate)
        gate:on("dawdle", function(conn)
          gate:info "dawdle begins"
          while not gate.state.go do gate:sleep(10) end
          gate:room("tea"):publish { type = "said", room = "tea", from = conn.user, data = "slow" }
          return { done = true }
        end)
        gate:on("go", function() gate.state.go = true end)
      end]] } }
  end)
  teardown(function() house:stop() end)

  local function guest(name, encoding)
    local one = talker.connect(house.port, encoding or "json")
    assert.is_true(one:asks("auth", { data = { name = name, key = "k" } }).ok)
    assert.is_true(one:asks("join", { room = "tea" }).ok)
    return one
  end

  before_each(function() bob = guest "bob" end)
  after_each(function() bob:closes() end)

  --- What was said in the room until now.
  local function said()
    local found = {}
    bob:says { type = "say", room = "tea", data = "mark" }
    while true do
      local message = bob:next()
      if message.type == "said" and message.data == "mark" then return found end
      if message.type == "said" then found[#found + 1] = message.data end
    end
  end

  it("is carried out once, though the connection breaks and the code is replaced", function()
    local id = "5f1c2c1e-7d0b-4a7f-9d0e-000000000001"
    local first = guest "ann":asks("say", { room = "tea", data = "once", id = id })
    assert.is_true(first.ok)
    local ann = guest("ann", "msgpack")
    assert.same(first, ann:asks("say", { room = "tea", data = "once", id = id }))
    house:save("router", file.read(house.app .. "/router.lua") .. "\n-- anew\n")
    house:logs "generation 2"
    assert.same(first, ann:asks("say", { room = "tea", data = "once", id = id }))
    assert.same({ "once" }, said())
  end)

  it("gets the reply of the first when that is under way on another connection", function()
    local ann, again = guest "ann", guest "ann"
    ann:says { type = "dawdle", id = "0123456789abcdef" }
    house:logs "dawdle begins"
    again:says { type = "dawdle", id = "0123456789abcdef" }
    assert.is_true(again:asks("ping").ok)
    bob:asks "go"
    assert.same({ done = true }, ann:hears({ id = "0123456789abcdef" }).data)
    assert.same({ done = true }, again:hears({ id = "0123456789abcdef" }).data)
    assert.same({ "slow" }, said())
  end)

  it("is carried out again when it changes the connection", function()
    local id = "5f1c2c1e-7d0b-4a7f-9d0e-000000000002"
    local first = guest "ann"
    assert.is_true(first:asks("join", { room = "den", id = id }).ok)
    first.client:cut()
    local again = guest "ann"
    assert.equal("not_a_member", again:asks("say", { room = "den", data = "x" }).error.code)
    assert.is_true(again:asks("join", { room = "den", id = id }).ok)
    assert.is_true(again:asks("say", { room = "den", data = "x" }).ok)
  end)

  it("leaves a guest's name to who has its key when the connection breaks", function()
    local carl = guest "carl"
    assert.equal("online", bob:asks("watch", { users = { "carl" } }).data.users[1].state)
    carl.client:cut()
    assert.equal("away", bob:hears({ type = "presence" }).changes[1].state)
    local other = talker.connect(house.port, "json")
    local reply = other:asks("auth", { data = { name = "carl", key = "other" } })
    assert.equal("name_taken", reply.error.code)
    reply = other:asks("auth", { data = { name = "carl\226\128\139" } })
    assert.equal("bad_name", reply.error.code)
    guest "carl"
  end)
end)
