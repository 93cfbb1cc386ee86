local fake_core = require "spec.support.fake_core"

describe("conn", function()
  local core, C, conns, id, conn

  local function open(...)
    id = core:open(...)
    return conns.open(id, table.remove(core.events).bytes)
  end

  before_each(function()
    local world = fake_core.world()
    core, conns = world.core, world.conn
    C = core.C
    conn = open()
  end)

  it("knows what the client has asked for", function()
    local asked = open("/relay/tea", "a=1&b=2", "moongate.v1.json", "::1", "secret", "a.example")
    assert.equal("/relay/tea", asked.path)
    assert.equal("a=1&b=2", asked.query)
    assert.equal("moongate.v1.json", asked.protocol)
    assert.equal("::1", asked.address)
    assert.equal("secret", asked.token)
    assert.equal("a.example", asked.host)
    assert.equal(id, asked.id)
    assert.is_true(asked.is_open)
  end)

  it("knows it also when most of it is empty", function()
    assert.equal("", conn.query)
    assert.equal("", conn.protocol)
    assert.equal("127.0.0.1", conn.address)
    assert.is_nil(conn.token)
  end)

  it("begins with state, rooms and params of its own", function()
    local other = open()
    for _, field in ipairs { "state", "rooms", "params" } do
      assert.same({}, conn[field])
      assert.are_not.equal(conn[field], other[field])
    end
  end)

  it("sends a table as one JSON text", function()
    assert.is_true(conn:send { type = "hello" })
    assert.same({ '{"type":"hello"}' }, core.conns[conn.id].heard)
    assert.equal(C.MOON_TEXT, core:issued("send")[1].opcode)
  end)

  it("sends a table by the codec of the subprotocol", function()
    assert.equal("json", conn.codec.name)
    local one = open("/ws", "moongate.v1.msgpack", "moongate.v1.json")
    local other = open("/ws", "", "moongate.v1.msgpack")
    one:send { n = 1 }
    other:send { n = 1 }
    other:send "plain"
    assert.same({ '{"n":1}' }, core.conns[one.id].heard)
    assert.same({ "\129\161n\1", "plain" }, core.conns[other.id].heard)
    assert.equal(C.MOON_BINARY, core:issued("send")[2].opcode)
    assert.equal(C.MOON_TEXT, core:issued("send")[3].opcode)
  end)

  it("says in a word what a table has too much of, and sends nothing", function()
    local long = {}
    for i = 1, 10001 do long[i] = 1 end
    assert.same({ nil, "too_big" }, { conn:send { long } })
    assert.same({ nil, "bad_utf8" }, { open("/", "", "moongate.v1.msgpack"):send { ["\255"] = 1 } })
    assert.same({}, core:issued "send")
  end)

  it("sends a string as it is, as text or as binary", function()
    assert.is_true(conn:send "plain")
    assert.is_true(conn:send("\0\255", { binary = true }))
    assert.same({ "plain", "\0\255" }, core.conns[conn.id].heard)
    assert.equal(C.MOON_TEXT, core:issued("send")[1].opcode)
    assert.equal(C.MOON_BINARY, core:issued("send")[2].opcode)
  end)

  it("sends in a class, reliable by itself", function()
    conn:send "1"
    conn:send("2", { class = "latest", key = 7 })
    conn:send("3", { class = "volatile" })
    conn:send("4", { class = "control" })
    local classes = {}
    for i, command in ipairs(core:issued "send") do classes[i] = command.class end
    assert.same({ "reliable", "latest", "volatile", "control" }, classes)
    assert.equal("7", core:issued("send")[2].key)
  end)

  it("sends in order", function()
    for i = 1, 5 do conn:send(tostring(i)) end
    assert.same({ "1", "2", "3", "4", "5" }, core.conns[conn.id].heard)
  end)

  it("says in a word why a message is refused", function()
    assert.same({ nil, "too_big" }, { conn:send(("x"):rep(C.MOON_MAX_FRAME_BYTES + 1)) })
    assert.same({ nil, "bad_utf8" }, { conn:send "\255" })
    core.answers.moon_send = C.MOON_EFULL
    assert.same({ nil, "full" }, { conn:send "x" })
    core.answers.moon_send = C.MOON_EGONE
    assert.same({ nil, "gone" }, { conn:send "x" })
    assert.same({}, core.conns[conn.id].heard)
  end)

  it("blames the caller for what cannot be sent", function()
    local function send(message, how) conn:send(message, how) end
    local _, problem = pcall(send, 7)
    assert.matches("conn_spec.lua:%d+: a message is a table or a string", problem)
    _, problem = pcall(send, nil)
    assert.matches("conn_spec.lua:%d+: a message is a table or a string", problem)
    _, problem = pcall(send, { f = print })
    assert.matches("conn_spec.lua:%d+: cannot encode: ", problem)
    _, problem = pcall(send, "x", { class = "fast" })
    assert.matches('conn_spec.lua:%d+: there is no class "fast"', problem)
    assert.same({}, core.commands)
  end)

  it("is admitted as a user, and as another one", function()
    assert.is_true(conn:admit "ann")
    assert.equal("ann", conn.user)
    assert.is_true(conn:admit "bob")
    assert.equal("bob", conn.user)
    assert.equal(2, #core:issued "admit")
  end)

  it("is not admitted as nobody", function()
    local _, problem = pcall(function() conn:admit(nil) end)
    assert.matches("conn_spec.lua:%d+: conn:admit: expected the name of a user, got nil", problem)
    assert.same({}, core.commands)
  end)

  it("is not admitted when it has gone", function()
    core.answers.moon_admit = C.MOON_EGONE
    assert.same({ nil, "gone" }, { conn:admit "ann" })
    assert.is_nil(conn.user)
  end)

  it("is limited in what is given", function()
    assert.is_true(conn:limit { outbox_bytes = 4096, messages_per_second = 5, on_flood = "close" })
    assert.same({ { verb = "limit", status = 0, conn = conn.id, outbox_bytes = 4096,
      rate_messages = 5, flood_action = C.MOON_FLOOD_CLOSE } }, core:issued "limit")
  end)

  it("blames the caller for limits that are none", function()
    local _, problem = pcall(function() conn:limit { outbox_size = 1 } end)
    assert.matches('conn_spec.lua:%d+: conn:limit: there is no "outbox_size", there are: ', problem)
    _, problem = pcall(function() conn:limit() end)
    assert.matches("conn_spec.lua:%d+: conn:limit: expected a table", problem)
    assert.same({}, core.commands)
  end)

  it("is charged for messages that it has not sent", function()
    assert.is_true(conn:charge(63))
    assert.same({ { verb = "charge", status = 0, conn = conn.id, messages = 63 } },
      core:issued "charge")
    core.answers.moon_charge = C.MOON_EFULL
    assert.same({ nil, "full" }, { conn:charge(1) })
    for _, messages in ipairs { 0, -1, 1.5, 1e7, 0 / 0, "many" } do
      local _, problem = pcall(function() conn:charge(messages) end)
      assert.matches("conn_spec.lua:%d+: conn:charge: expected a whole number from 1 to 1000000, ",
        problem)
    end
  end)

  it("says in a word why it is not limited", function()
    core.answers.moon_limit = C.MOON_EINVAL
    assert.same({ nil, "invalid" }, { conn:limit { outbox_bytes = 1 } })
  end)

  it("closes with 1000 and no reason by itself", function()
    assert.is_true(conn:close())
    local asked = core:issued("close")[1]
    assert.equal(1000, asked.code)
    assert.equal("", asked.reason)
  end)

  it("closes with the code and the reason given", function()
    assert.is_true(conn:close(4500, "kicked"))
    local asked = core:issued("close")[1]
    assert.equal(4500, asked.code)
    assert.equal("kicked", asked.reason)
  end)

  it("says in a word why it cannot be closed like that", function()
    local _, problem = pcall(function() conn:close(4000, 5) end)
    assert.matches("conn_spec.lua:%d+: conn:close, reason: expected a string, got number", problem)
    assert.same({ nil, "invalid" }, { conn:close(1005) })
    assert.same({ nil, "invalid" }, { conn:close(4000, ("x"):rep(124)) })
    assert.same({ nil, "bad_utf8" }, { conn:close(4000, "\255") })
    core.answers.moon_close = C.MOON_EFULL
    assert.same({ nil, "full" }, { conn:close() })
    assert.is_true(core.conns[conn.id].is_open)
  end)

  it("stays open for scripts until its closed hooks", function()
    conn:close()
    assert.is_true(conn.is_open)
    assert.equal(conn, conns.all[conn.id])
  end)

  it("does nothing more once it is forgotten", function()
    conns.forget(conn)
    assert.is_false(conn.is_open)
    assert.same({ nil, "gone" }, { conn:send "late" })
    assert.same({ nil, "gone" }, { conn:close() })
    assert.same({ nil, "gone" }, { conn:admit "ann" })
    assert.same({ nil, "gone" }, { conn:limit { outbox_bytes = 1 } })
    assert.same({ nil, "gone" }, { conn:charge(1) })
    assert.same({}, core.commands)
  end)

  it("is listed until it is forgotten", function()
    assert.equal(conn, conns.all[conn.id])
    conns.forget(conn)
    assert.is_nil(conns.all[conn.id])
  end)
end)
