local fake_gate = require "spec.support.fake_gate"
local messages = require "spec.support.messages"

local ROOM = "@ann,bob"

-- What a server says, and a moderator deletes.
local DESK = [[return function(gate)
  local messages = gate:use("messages", "1.0")
  gate:on("publish", function(_, message)
    local told, code = messages.publish(message.room, "server", message.data)
    if not told then return nil, code end
    return told
  end)
  gate:on("remove", function(_, message)
    return messages.delete(message.room, message.message_id, "root")
  end)
end]]

-- Who is shadow muted says it to themselves.
local HUSH = [[return function(gate)
  for _, name in ipairs { "say", "edit", "react" } do
    gate:before(name, function(conn, message)
      message.only_sender = gate.state.who == conn.user or nil
    end)
  end
  gate:on("hush", function(_, message) gate.state.who = message.who return {} end)
end]]

describe("messages in a room of two", function()
  local gate, conns

  --- A connection of the user; after a dot it says which of theirs.
  local function open(name, protocol)
    conns[name] = gate:connect(name:match "^%a+", { protocol = protocol })
    return conns[name]
  end

  local function ask(name, type_name, fields)
    local message = { type = type_name, room = ROOM }
    for key, value in pairs(fields or {}) do message[key] = value end
    return gate:deliver(conns[name], message)
  end

  local function heard(name, type_name)
    local list = {}
    for _, push in ipairs(conns[name].heard) do
      if push.type == type_name then list[#list + 1] = push end
    end
    conns[name].heard = {}
    return list
  end

  --- Who hears one push of this type, sorted; who has heard more is there more than once.
  local function hearers(type_name)
    local names = {}
    for name in pairs(conns) do
      for _ = 1, #heard(name, type_name) do names[#names + 1] = name end
    end
    table.sort(names)
    return names
  end

  local ALL = { "ann.1", "ann.2", "bob.1", "bob.2" }

  before_each(function()
    gate = fake_gate.load(messages.plugins { desk = DESK, hush = HUSH }, { messages = {} })
    conns = {}
    for _, name in ipairs(ALL) do open(name, name:find "2" and "moongate.v1.msgpack" or nil) end
    open "carl"
    ask("ann.1", "join")
    ask("ann.1", "make", { data = { kind = "direct",
      roles = { ann = "member", bob = "member" } } })
  end)

  it("are told to all connections of both, once, whichever have joined", function()
    local id = ask("ann.1", "say", { data = "hi" }).id
    local said = heard("ann.1", "said")
    for _, name in ipairs { "ann.2", "bob.1", "bob.2" } do
      assert.same(said, heard(name, "said"))
    end
    assert.same({ "hi", id }, { said[1].data, said[1].id })
    assert.same({}, conns.carl.heard)
    ask("bob.2", "join")
    ask("bob.2", "say", { data = "hi" })
    assert.same(ALL, hearers "said")
    gate:close(conns["bob.2"], "lost", 1006)
    open "bob.2"
    ask("ann.1", "say", { data = "again" })
    assert.same(ALL, hearers "said")
  end)

  it("are edited, deleted and reacted to before all of them", function()
    local id = ask("ann.1", "say", { data = "hi" }).id
    ask("ann.1", "edit", { message_id = id, data = "hello" })
    assert.same(ALL, hearers "edited")
    ask("ann.1", "react", { message_id = id, emoji = "\240\159\145\141" })
    assert.same(ALL, hearers "reacted")
    ask("ann.1", "delete", { message_id = id })
    assert.same(ALL, hearers "deleted")
  end)

  it("are typed before those who have joined only", function()
    ask("bob.1", "join")
    ask("ann.1", "typing")
    assert.same({ "bob.1" }, hearers "typing")
  end)

  it("are reacted to with a count of their own before who is not heard by the other", function()
    local id = ask("ann.1", "say", { data = "one" }).id
    ask("ann.1", "hush", { who = "bob" })
    ask("bob.2", "join")
    assert.equal(1, ask("bob.2", "react", { message_id = id, emoji = ":+1:" }).count)
    hearers "reacted"
    assert.equal(1, ask("ann.1", "react", { message_id = id, emoji = ":+1:" }).count)
    for name, count in pairs { ["ann.1"] = 1, ["ann.2"] = 1, ["bob.1"] = 2, ["bob.2"] = 2 } do
      local pushes = heard(name, "reacted")
      assert.same({ 1, "ann", count }, { #pushes, pushes[1].user, pushes[1].count })
    end
  end)

  it("of a server, and what is deleted by one, are told to them, too", function()
    local id = ask("carl", "publish", { data = "hi" }).id
    assert.same(ALL, hearers "said")
    ask("carl", "remove", { message_id = id })
    assert.same(ALL, hearers "deleted")
  end)

  it("that only the sender hears come to all connections of the sender", function()
    ask("bob.1", "join")
    gate:deliver(conns.carl, { type = "hush", who = "ann" })
    local id = ask("ann.1", "say", { data = "hi" }).id
    assert.same({ "ann.1", "ann.2" }, hearers "said")
    ask("ann.1", "edit", { message_id = id, data = "hello" })
    assert.same({ "ann.1", "ann.2" }, hearers "edited")
    ask("ann.1", "react", { message_id = id, emoji = "\240\159\145\141" })
    assert.same({ "ann.1", "ann.2" }, hearers "reacted")
  end)

  it("are no news to one who is mentioned and hears them", function()
    ask("ann.1", "say", { data = "hi", mentions = { "bob" } })
    assert.same({}, hearers "mentioned")
  end)

  it("are not told to one who has resigned, or is banned", function()
    ask("ann.1", "make", { data = { roles = { ann = "member" } } })
    ask("ann.1", "say", { data = "hi" })
    assert.same({ "ann.1", "ann.2" }, hearers "said")
    ask("ann.1", "make", { data = { roles = { ann = "member", bob = "member" },
      moderation = { users = { bob = { by = "root", expires_at = gate.core.now_ms + 1000 } } } } })
    ask("ann.1", "say", { data = "hi" })
    assert.same({ "ann.1", "ann.2" }, hearers "said")
    gate:later(1000)
    ask("ann.1", "say", { data = "hi" })
    assert.same(ALL, hearers "said")
  end)

  it("are not told to connections that are about to end, or that speak something else", function()
    conns["bob.1"].state.appeal, conns["bob.2"].state.ended = "open", "kicked"
    conns["ann.2"].route, conns["ann.2"].protocol = "/game", "dice"
    ask("ann.1", "say", { data = "hi" })
    assert.same({ "ann.1" }, hearers "said")
    gate:deliver(conns.carl, { type = "hush", who = "ann" })
    ask("ann.1", "say", { data = "hi" })
    assert.same({ "ann.1" }, hearers "said")
  end)

  it("with bytes are refused when one of them cannot be told, and nobody is", function()
    assert.equal("bad_request", (select(2, ask("ann.1", "say", { data = "\255" }))))
    gate:close(conns["ann.1"])
    ask("ann.2", "join")
    assert.equal("bad_request", (select(2, ask("ann.2", "say", { data = "\255" }))))
    assert.same({}, hearers "said")
  end)

  it("with bytes are refused for all alike, when the sender alone hears them", function()
    gate:deliver(conns.carl, { type = "hush", who = "ann" })
    gate:close(conns["ann.1"])
    ask("ann.2", "join")
    assert.equal("bad_request", (select(2, ask("ann.2", "say", { data = "\255" }))))
    assert.same({}, hearers "said")
    gate:close(conns["bob.1"])
    assert.is_truthy(ask("ann.2", "say", { data = "\255" }))
    for _, name in ipairs { "ann.2", "carl" } do
      gate:deliver(conns[name], { type = "join", room = "tea" })
    end
    local function say_in_tea()
      return select(2, gate:deliver(conns["ann.2"], { type = "say", room = "tea", data = "\255" }))
    end
    assert.equal("bad_request", say_in_tea())
    gate:close(conns.carl)
    assert.is_nil((say_in_tea()))
    assert.same({ "ann.2", "ann.2" }, hearers "said")
  end)

  it("are of no other room: there each connection hears what it has joined", function()
    for _, name in ipairs { "ann.1", "bob.1" } do
      gate:deliver(conns[name], { type = "join", room = "tea" })
    end
    gate:deliver(conns["ann.1"], { type = "say", room = "tea", data = "hi" })
    assert.same({ "ann.1", "bob.1" }, hearers "said")
  end)
end)
