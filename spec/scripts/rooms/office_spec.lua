local houses = require "spec.support.house"

describe("rooms, for other plugins,", function()
  local house, gate, ann

  -- Each request of the plugin is a call of the rooms' API.
  local OTHER = [[return function(gate)
    gate:needs "rooms"
    local rooms = gate:use("rooms", "1.0")
    gate:on("act", function(_, message)
      return rooms.act(message.verb, "api:ops", message.room, message.data)
    end)
    gate:on("list", function(_, message) return rooms.page(message.data) end)
    gate:on("look", function(_, message) return rooms.members(message.room, message.data) end)
    gate:on("wait", function() return { ready = rooms.ready() } end)
  end]]

  before_each(function()
    house = houses.open({ max_owned = 1 }, { other = OTHER })
    gate = house.gate
    ann = gate:connect "ann"
  end)

  local function request(message)
    local answer = gate:ask(ann, message)
    for _ = 1, 100 do
      if answer.is_given then return answer.data, answer.code, answer.text end
      gate:later(10)
    end
  end

  local function act(verb, room, data)
    return request { type = "act", verb = verb, room = room, data = data }
  end

  it("are made without an owner, or for one, who may have as many as anybody", function()
    assert.equal("admin", act("create", "tea").role)
    assert.is_nil(act("describe", "tea").owner)
    assert.is_truthy(act("create", "more"))
    assert.is_truthy(act("create", "den", { owner = "ann", kind = "private" }))
    assert.equal("ann", act("describe", "den").owner)
    assert.equal("owner", house:ask(ann, "join", "den").role)
    assert.equal("too_many_rooms", (select(2, act("create", "cave", { owner = "ann" }))))
    for _, owner in ipairs { "", 7, "a\tb", "a\194\133b", "ann ", ("x"):rep(129) } do
      assert.same({ nil, "bad_request", "data.owner: expected the name of a user" },
        { act("create", "cave", { owner = owner }) })
    end
  end)

  it("take what is null as what is left out, as requests do", function()
    local null = gate.world.json.null
    assert.equal("admin", act("create", "tea", { owner = null, kind = null, title = null,
      options = { history = null, max_members = 7 } }).role)
    assert.equal(9, act("set", "tea", { topic = null, options = { max_members = 9,
      history = null } }).options.max_members)
    assert.is_nil(act("describe", "tea", null).owner)
  end)

  it("of users are counted as before", function()
    assert.is_truthy(house:ask(ann, "create", "mine"))
    assert.equal("ann", act("describe", "mine").owner)
    assert.equal("too_many_rooms", house:refused(ann, "create", "more"))
  end)

  it("are changed with the rights of an admin, in the name of the caller", function()
    house:ask(ann, "create", "tea")
    house:ask(ann, "join", "tea")
    house:heard(ann)
    assert.equal("Tea", act("set", "tea", { title = "Tea" }).title)
    local pushed = house:heard(ann)[1]
    assert.same({ "room_changed", "api:ops" }, { pushed.type, pushed.by })
    assert.equal("not_archived", (select(2, act("delete_room", "tea"))))
    assert.is_true(act("archive", "tea").archived)
    assert.is_truthy(act("delete_room", "tea"))
    assert.equal("no_such_room", (select(2, act("describe", "tea"))))
  end)

  it("raise for a verb that there is not", function()
    assert.equal("internal", (select(2, act("join", "tea"))))
    assert.is_truthy(gate:logged "no such verb: join")
  end)

  it("are listed in pages, whoever may find them, and say what is wrong", function()
    house:ask(ann, "create", "den", { kind = "private" })
    house:ask(gate:connect "bob", "join", "tea")
    local page = request { type = "list", data = { limit = 1 } }
    assert.same({ { room = "den", kind = "private", count = 0 } }, page.list)
    assert.equal("den", page.next)
    page = request { type = "list", data = { after = "den" } }
    assert.same({ { room = "tea", kind = "ephemeral", count = 1 } }, page.list)
    assert.is_nil(page.next)
    assert.equal(2, #request({ type = "list" }).list)
    for _, data in ipairs { { kind = 7 }, { limit = 0 } } do
      assert.equal("bad_request", (select(2, request { type = "list", data = data })))
    end
  end)

  it("tell who is in, in pages", function()
    for _, name in ipairs { "bob", "carl" } do house:ask(gate:connect(name), "join", "tea") end
    local page = request { type = "look", room = "tea", data = { limit = 1 } }
    assert.same({ room = "tea", members = { "bob" }, count = 2, next = "bob" }, page)
    assert.same({ "bob", "carl" }, request({ type = "look", room = "tea" }).members)
    assert.equal("no_such_room", (select(2, request { type = "look", room = "milk" })))
    assert.equal("bad_room", (select(2, request { type = "look", room = "" })))
    assert.equal("bad_request",
      (select(2, request { type = "look", room = "tea", data = { limit = 0 } })))
  end)

  it("of a kind tell it, too", function()
    house = houses.open(nil, { other = OTHER, game = [[return function(gate)
      gate:room_kind("table", {})
      gate:on("play", function(conn) return gate:open_room("table", "chess"):add(conn) end)
    end]] })
    gate = house.gate
    ann = gate:connect "ann"
    request { type = "play" }
    assert.same({ "ann" }, request({ type = "look", room = "chess" }).members)
    assert.equal("table", request({ type = "list", data = { kind = "table" } }).list[1].kind)
  end)

  it("are waited for", function() assert.is_true(request({ type = "wait" }).ready) end)
end)
