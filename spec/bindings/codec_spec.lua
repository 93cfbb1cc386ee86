local fake_core = require "spec.support.fake_core"

describe("codec", function()
  local codec, null

  before_each(function()
    local world = fake_core.world()
    codec, null = world.codec, world.json.null
  end)

  it("follows from the subprotocol", function()
    assert.equal(codec.msgpack, codec.of "moongate.v1.msgpack")
    for _, protocol in ipairs { "moongate.v1.json", "", "soap", "moongate.v1",
      "MOONGATE.V1.MSGPACK" } do
      assert.equal(codec.json, codec.of(protocol))
    end
    assert.equal(codec.json, codec.default)
  end)

  it("says what it is called and how its messages travel", function()
    assert.same({ "json", "moongate.v1.json", false },
      { codec.json.name, codec.json.protocol, codec.json.is_binary })
    assert.same({ "msgpack", "moongate.v1.msgpack", true },
      { codec.msgpack.name, codec.msgpack.protocol, codec.msgpack.is_binary })
  end)

  -- From here on: each of them, the same.
  for _, name in ipairs { "json", "msgpack" } do
    describe(name, function()
      local one

      before_each(function() one = codec[name] end)

      local function round(value) return (one.decode((assert(one.encode(value))))) end

      it("brings back every kind of value", function()
        for _, value in ipairs { "", "tea", "\195\169\0", 0, -1, 127, 128, 65536, 1760000000123,
          2 ^ 53, -2 ^ 53, 0.5, -0.1, 1e300, true, false, null, {}, { 1, 2, 3 }, { a = { b = {} } },
          { null, null }, { ["1"] = "names that look like numbers" } } do
          assert.same(value, round(value))
        end
      end)

      it("makes an array of 1 to n, and names of all other keys", function()
        assert.same({ "a", null, "c" }, round { "a", nil, "c" })
        assert.same({ ["1"] = "a", x = "b" }, round { "a", x = "b" })
        assert.same({ ["0"] = true }, round { [0] = true })
        assert.same({ ["1000"] = true }, round { [1000] = true })
        for _, digits in ipairs { "99999999999999", "100000000000000", "123456789012345",
          "9007199254740992", "-9007199254740991" } do
          assert.same({ [digits] = { ["0.5"] = 1 }, x = 1e14 },
            round { [tonumber(digits)] = { [0.5] = 1 }, x = 1e14 })
        end
      end)

      it("says why not, without a code, where a script is wrong", function()
        local endless = {}
        endless.itself = endless
        for _, value in ipairs { print, 0 / 0, 1 / 0, { [{}] = 1 },
          { [1 / 0] = 1 }, { [-1 / 0] = 1 }, endless } do
          local bytes, reason, code = one.encode(value)
          assert.is_nil(bytes)
          assert.is_string(reason)
          assert.is_nil(code)
        end
      end)

      it("says too_big where a client may have sent as much", function()
        local long = {}
        for i = 1, 10001 do long[i] = i end
        assert.equal("too_big", select(3, one.encode(long)))
        assert.equal("too_big", select(3, one.encode { x = { long } }))
      end)

      it("says why bytes are not decoded", function()
        for _, bytes in ipairs { "", "\193", "\255\255", "\146\1", "nope" } do
          local value, reason = one.decode(bytes)
          assert.is_nil(value)
          assert.is_string(reason)
        end
      end)
    end)
  end

  it("reads in each what was written in the other", function()
    local text = '{"type":"said","at":1760000000123,"data":{"list":[1,[],null,-0.5],"x":{"y":"z"}}}'
    local value = codec.json.decode(text)
    assert.same(value, codec.msgpack.decode((codec.msgpack.encode(value))))
    assert.same(value, codec.json.decode((codec.json.encode(
      (codec.msgpack.decode((codec.msgpack.encode(value))))))))
  end)
end)
