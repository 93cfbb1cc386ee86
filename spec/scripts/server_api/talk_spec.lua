local talk = require "server_api.talk"

describe("what a server says by the API", function()
  local desk, published, slept

  --- A connection of an encoding, which counts how often it is encoded for.
  local function conn_of(user, name, sent)
    local codec = { name = name, protocol = "moongate.v1." .. name, is_binary = name == "msgpack",
      encode = function(message)
        sent.encoded = (sent.encoded or 0) + 1
        return name .. " " .. message.data
      end }
    return { user = user, is_open = true, codec = codec, route = "/ws", state = {},
      send = function(_, bytes, how)
      sent[#sent + 1] = { user, bytes, how and how.binary }
      return user ~= "full" or nil
    end }
  end

  before_each(function()
    published, slept = {}, 0
    desk = { server_name = "server", max_rooms = 3, is_utf8 = function() return true end,
      rooms = { find = function(name) return { archived = name == "old" } end },
      messages = { problem = function(data)
        if data == "long" then return "too_big", "data: too long" end
      end, publish = function(name, from, data)
        if name == "none" then return nil, "no_such_room", "there is none" end
        published[#published + 1] = { name, from, data }
        return { id = #published, at = 7 }
      end },
      gate = { now_ms = function() return 7 end, sleep = function() slept = slept + 1 end } }
  end)

  it("is said as the server, or as who is named", function()
    assert.same({ room = "tea", id = 1, at = 7 },
      talk.publish(desk, "api:ops", { room = "tea", data = "x" }))
    talk.publish(desk, "api:ops", { room = "tea", data = "x", from = "ann" })
    assert.same({ { "tea", "server", "x" }, { "tea", "ann", "x" } }, published)
    for _, from in ipairs { "", " ann", "a\226\128\139nn", "api:bot" } do
      assert.equal("bad_request",
        (select(2, talk.publish(desk, "api:ops", { room = "tea", data = "x", from = from }))))
    end
    assert.is_truthy(talk.publish(desk, "api:ops", { room = "tea", data = 1, from = "api:ops" }))
    assert.equal("archived",
      (select(2, talk.publish(desk, "api:ops", { room = "old", data = "x" }))))
  end)

  it("is said once in each of many rooms, whatever becomes of the others", function()
    local answer = talk.broadcast(desk, "api:ops", { rooms = { "old", "none", "tea" }, data = 1 })
    assert.same({ 1, 3 }, { answer.count, #answer.results })
    assert.same({ "archived", "no_such_room", nil },
      { answer.results[1].error.code, answer.results[2].error.code })
    assert.equal(1, #talk.broadcast(desk, "", { rooms = { "tea", "tea" }, data = 1 }).results)
    for _, rooms in ipairs { {}, { "a", "b", "c", "d" }, { "" }, { ("a"):rep(301) } } do
      assert.equal("bad_request",
        (select(2, talk.broadcast(desk, "", { rooms = rooms, data = 1 }))))
    end
    assert.equal("bad_request", (select(2, talk.broadcast(desk, "", { data = 1 }))))
    for _, args in ipairs { { rooms = { "tea" } }, { everybody = true } } do
      args.data = "long"
      assert.equal("too_big", (select(2, talk.broadcast(desk, "", args))))
    end
  end)

  it("is encoded once an encoding for all who have a name, and pauses now and then", function()
    local conns, json, msgpack = {}, {}, {}
    for n = 1, 500 do conns[n] = conn_of("u" .. n, "json", json) end
    conns[501] = conn_of("bob", "msgpack", msgpack)
    conns[502] = conn_of("full", "json", json)
    conns[503] = conn_of(nil, "json", json)
    conns[504] = conn_of("gone", "json", json)
    conns[504].is_open = false
    for n, state in ipairs { { appeal = "open" }, { ended = "logged_out" } } do
      conns[504 + n] = conn_of("dora", "json", json)
      conns[504 + n].state = state
    end
    conns[507] = conn_of("dora", "json", json)
    conns[507].route = "/game"
    desk.gate.conns = function() return pairs(conns) end
    local answer = talk.broadcast(desk, "", { everybody = true, data = "x" })
    assert.same({ count = 501, at = 7 }, answer)
    assert.same({ 1, 1, 501, 1 }, { json.encoded, msgpack.encoded, #json, slept })
    assert.same({ "bob", "msgpack x", true }, msgpack[1])
    assert.is_nil(json[1][3])
  end)
end)
