local client = require "spec.support.client"
local server = require "spec.support.server"

describe("auth", function()
  local house

  setup(function() house = server.start() end)
  teardown(function() house:stop() end)

  local function connect()
    local conn = client.connect(house.port, "/ws",
      { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
    conn:hears { type = "hello" }
    return conn
  end

  --- A guest with a key, and a device if there is one.
  local function guest(name, device)
    local conn = connect()
    assert.same({ user = name }, conn:asks({ type = "auth",
      data = { name = name, key = "k", device = device } }).data)
    return conn
  end

  it("closes the older connection of a device with 4503, and the newer one goes on", function()
    local old = guest("ann", "phone")
    assert.is_true(old:asks({ type = "join", room = "tea" }).ok)
    local new = guest("ann", "phone")
    assert.same({ 4503, "replaced" }, { old:is_closed() })
    assert.is_true(new:asks({ type = "join", room = "tea" }).ok)
    new:close()
  end)

  it("replies to logout, and closes with 4502: this connection, or all of the user", function()
    local one, two, three = guest "bob", guest "bob", guest "bob"
    assert.same({}, one:asks({ type = "logout" }).data)
    assert.same({ 4502, "logged_out" }, { one:is_closed() })
    assert.same({}, two:asks({ type = "logout", data = { everywhere = true } }).data)
    assert.same({ 4502, "logged_out" }, { two:is_closed() })
    assert.same({ 4502, "logged_out" }, { three:is_closed() })
    local other = connect()
    assert.is_true(other:asks({ type = "auth", data = { name = "bob", key = "other" } }).ok)
    other:close()
  end)

  it("leaves guests with a token in their handshake as they are", function()
    local conn = client.connect(house.port, "/ws", { Authorization = "Bearer whatever",
      ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
    assert.same({ user = "eve" }, conn:asks({ type = "auth", data = { name = "eve" } }).data)
    conn:close()
  end)
end)
