local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"

describe("rooms", function()
  local house

  local function ask(conn, type_name, room, data)
    local reply = conn:asks { type = type_name, room = room, data = data }
    return reply.ok and reply.data or nil, reply.error and reply.error.code
  end

  it("that were made survive the end of the process, with their roles; others do not", function()
    local store = file.free_path()
    house = server.start { arguments = { "--store", store } }
    local ann = client.guest(house.port, "ann", "bar")
    assert.equal("owner", ask(ann, "create", "tea", { title = "Tea", kind = "announcement",
      options = { history = 7 } }).role)
    assert.is_truthy(ask(ann, "role", "tea", { user = "bob", role = "moderator" }))
    assert.is_truthy(ask(ann, "create", "old"))
    assert.is_truthy(ask(ann, "archive", "old"))
    assert.is_truthy(ask(ann, "delete_room", "old"))
    assert.equal("@ann,bob", ask(ann, "direct", nil, { user = "bob" }).room)
    house:stop()

    house = server.start { arguments = { "--store", store } }
    local bob = client.guest(house.port, "bob")
    local view = ask(bob, "join", "tea")
    assert.same({ "announcement", "Tea", "moderator", 7, 1 },
      { view.kind, view.title, view.role, view.options.history, view.count })
    local carl = client.guest(house.port, "carl", "tea")
    bob:hears { type = "joined", user = "carl" }
    assert.same({ nil, "not_allowed" }, { ask(carl, "say", "tea", "hello") })
    assert.is_truthy(ask(bob, "say", "tea", "welcome"))
    carl:hears { type = "said", data = "welcome" }
    assert.same({ nil, "no_such_room" }, { ask(bob, "describe", "old") })
    assert.same({ nil, "no_such_room" }, { ask(bob, "describe", "bar") })
    assert.same({ nil, "no_such_room" }, { ask(carl, "join", "@ann,bob") })
    assert.equal("direct", ask(bob, "join", "@ann,bob").kind)
    bob:close()
    carl:close()
    house:stop()
    os.remove(store)
  end)

  it("remember that an invite is used up, and by whom", function()
    local store, code = file.free_path(), nil
    --- What one user does in a process of its own, of which the store is all that is left.
    local function visit(user, act)
      house = server.start { arguments = { "--store", store } }
      local conn = client.guest(house.port, user)
      act(conn)
      conn:close()
      house:stop()
    end

    visit("ann", function(ann)
      ask(ann, "create", "den", { kind = "private" })
      code = ask(ann, "invite", "den").code
    end)
    visit("bob", function(bob)
      assert.equal("member", ask(bob, "join", "den", { invite = code }).role)
    end)
    visit("carl", function(carl)
      assert.same({ nil, "bad_invite" }, { ask(carl, "join", "den", { invite = code }) })
    end)
    visit("bob", function(bob) assert.equal("member", ask(bob, "join", "den").role) end)
    os.remove(store)
  end)

  it("do not let in who is banned while the password is looked at", function()
    house = server.start()
    local ann, bob = client.guest(house.port, "ann"), client.guest(house.port, "bob")
    ask(ann, "create", "den", { kind = "private", password = "sesame" })
    bob:says { type = "join", id = 7, room = "den", data = { password = "sesame" } }
    assert.is_truthy(ask(ann, "ban", "den", { user = "bob" }))
    local reply = bob:hears { id = 7 }
    assert.same({ false, "banned" }, { reply.ok, reply.error.code })
    assert.same({}, ask(ann, "describe", "den").roles)
    ann:close()
    bob:close()
    house:stop()
  end)

  it("have a password for as many as there are behind an address", function()
    house = server.start()
    local ann = client.guest(house.port, "ann")
    ask(ann, "create", "den", { kind = "private", password = "sesame" })
    for n = 1, 8 do
      local other = client.guest(house.port, "u" .. n)
      assert.equal("member", ask(other, "join", "den", { password = "sesame" }).role)
      other:close()
    end
    ann:close()
    house:stop()
  end)

  it("are renamed, archived and deleted while somebody is in", function()
    house = server.start()
    local ann, bob = client.guest(house.port, "ann"), client.guest(house.port, "bob")
    ask(ann, "create", "tea")
    for _, conn in ipairs { ann, bob } do assert.is_truthy(ask(conn, "join", "tea")) end
    assert.is_truthy(ask(ann, "rename", "tea", { name = "chai" }))
    bob:hears { type = "room_renamed", room = "tea", name = "chai" }
    assert.is_truthy(ask(ann, "say", "chai", "hello"))
    bob:hears { type = "said", room = "chai", data = "hello" }
    assert.is_truthy(ask(ann, "archive", "chai"))
    bob:hears { type = "room_archived", room = "chai", archived = true }
    assert.same({ nil, "archived" }, { ask(bob, "say", "chai", "hello") })
    assert.is_truthy(ask(ann, "delete_room", "chai"))
    bob:hears { type = "room_deleted", room = "chai" }
    assert.same({ nil, "not_a_member" }, { ask(bob, "say", "chai", "hello") })
    ann:close()
    bob:close()
    house:stop()
  end)

  it("tell of who comes and goes once a second when they are large", function()
    house = server.start()
    house:save("init", (file.read(house.app .. "/init.lua"):gsub("max_per_connection = 50",
      "large_room = 2")))
    house:logs "generation 2"
    local ann = client.guest(house.port, "ann", "tea")
    local others = {}
    for n = 1, 3 do others[n] = client.guest(house.port, "u" .. n, "tea") end
    ann:hears { type = "joined", user = "u1" }

    --- Those that are told of until all are, in as few messages as it takes.
    local function gathered(field, wanted)
      local found = {}
      while #found < wanted do
        local push = ann:hears { type = "members_changed" }
        for _, user in ipairs(push[field]) do found[#found + 1] = user end
      end
      table.sort(found)
      return found
    end

    assert.same({ "u2", "u3" }, gathered("joined", 2))
    for _, conn in ipairs(others) do conn:cut() end
    assert.is_true(#gathered("left", 1) > 0)
    ann:close()
    house:stop()
  end)
end)
