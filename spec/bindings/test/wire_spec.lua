local wire = require "moongate.test.wire"

describe("wire of a test", function()
  --- As a server sends it: without a mask.
  local function unmasked(opcode, payload)
    local bytes = wire.frame(opcode, payload)
    local head = #payload < 126 and 2 or #payload < 65536 and 4 or 10
    return bytes:sub(1, 1) .. string.char(bytes:byte(2) - 128) .. bytes:sub(3, head) .. payload
  end

  it("writes frames of each length as RFC 6455 has them", function()
    assert.equal("\129\129\0\0\0\0a", wire.frame(wire.TEXT, "a"))
    assert.equal("\130\254\0\126\0\0\0\0", wire.frame(wire.BINARY, ("x"):rep(126)):sub(1, 8))
    assert.equal("\129\255\0\0\0\0\0\1\0\0\0\0\0\0",
      wire.frame(wire.TEXT, ("x"):rep(65536)):sub(1, 14))
    assert.equal("\65\128\0\0\0\0", wire.frame(wire.TEXT, "", { more = true, rsv = 64 }))
    assert.equal("\136\130\0\0\0\0\3\233", wire.close(1001))
  end)

  it("takes whole frames, one after the other", function()
    for _, length in ipairs { 0, 125, 126, 65535, 65536 } do
      local payload = ("y"):rep(length)
      local bytes = unmasked(wire.BINARY, payload)
      for _, cut in ipairs { 1, 2, #bytes - 1 } do
        if cut < #bytes then assert.is_nil(wire.take_frame(bytes:sub(1, cut))) end
      end
      assert.same({ wire.BINARY, payload, "rest" }, { wire.take_frame(bytes .. "rest") })
    end
  end)

  it("reads close codes", function()
    assert.equal(4008, wire.close_code "\15\168slow")
    assert.equal(1005, wire.close_code "")
  end)

  it("takes whole messages of HTTP", function()
    local head = "POST /x HTTP/1.1\r\nContent-Length: 3\r\nX-Y:  z\r\n\r\n"
    assert.is_nil(wire.take_message(head:sub(1, -2)))
    assert.is_nil(wire.take_message(head .. "ab"))
    assert.same({ first = "POST /x HTTP/1.1", headers = { ["content-length"] = "3", ["x-y"] = "z" },
      body = "abc", rest = "d" }, wire.take_message(head .. "abcd"))
    assert.equal("all", wire.take_message("HTTP/1.1 200 OK\r\nA: b\r\n\r\nall", true).body)
    assert.equal("HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", wire.head("HTTP/1.1 200 OK", { A = 1 }))
  end)
end)
