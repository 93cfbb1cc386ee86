local ffi = require "ffi"
local core = require "spec.support.core"
local wire = require "spec.support.wire"
local C = core.load "core/parser.h"

local KINDS = {
  [tonumber(C.MOON_PARSED_DATA)] = "data", [tonumber(C.MOON_PARSED_PING)] = "ping",
  [tonumber(C.MOON_PARSED_PONG)] = "pong", [tonumber(C.MOON_PARSED_CLOSE)] = "close",
  [tonumber(C.MOON_PARSED_BAD)] = "bad",
}

describe("a parser", function()
  local parser, pool
  local part, at = ffi.new "struct moon_part", ffi.new "char *[1]"

  before_each(function()
    parser = ffi.new "struct moon_parser"
    pool = core.keep(C.moon_pool_create(65536), C.moon_pool_destroy)
  end)
  after_each(function()
    C.moon_parser_clear(parser, pool)
    assert.equal(0, tonumber(C.moon_pool_taken_bytes(pool)))
    core.tidy()
  end)

  --- What comes out of bytes that have just been read, up to what is bad.
  local function reads(bytes)
    local room = core.exact(("?"):rep(C.MOON_PARSER_REST) .. bytes)
    local fresh = room + C.MOON_PARSER_REST
    local stop, parts = fresh + #bytes, {}
    at[0] = C.moon_parser_recall(parser, pool, fresh)
    while true do
      local what = C.moon_parser_next(parser, at, stop, part)
      if what == C.MOON_PARSED_ALL then break end
      parts[#parts + 1] = { kind = KINDS[tonumber(what)] }
      if what == C.MOON_PARSED_BAD then return parts end
      local found = parts[#parts]
      found.bytes = ffi.string(part.bytes, part.length)
      if found.kind == "data" then
        found.opcode, found.left, found.last = part.opcode, tonumber(part.still_to_come),
          part.is_last
      end
    end
    C.moon_parser_keep(parser, pool, at[0], stop)
    return parts
  end

  local function data(bytes, opcode, last, left)
    return { kind = "data", bytes = bytes, opcode = opcode, last = last ~= false,
      left = left or 0 }
  end

  local function row(frames)
    for i, frame in ipairs(frames) do frames[i] = wire.encode(frame) end
    return table.concat(frames)
  end

  for _, size in ipairs { 0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 70001 } do
    it(("unmasks a message of %d bytes"):format(size), function()
      local text = ("moongate!"):rep(math.ceil(size / 9)):sub(1, size)
      assert.same({ data(text, 1) }, reads(wire.encode(wire.text(text))))
      assert.same({ data(text, 2) }, reads(wire.encode(wire.binary(text))))
    end)
  end

  it("takes one frame after the other", function()
    assert.same({
      data("one", 1), { kind = "ping", bytes = "a" }, data("", 2), { kind = "pong", bytes = "" },
      { kind = "close", bytes = "\3\232bye" },
    }, reads(row { wire.text "one", wire.ping "a", wire.binary "", wire.pong "",
      wire.close(1000, "bye") }))
  end)

  it("gives fragments the opcode of their message, with control frames in between", function()
    assert.same({
      data("a", 2, false), { kind = "ping", bytes = "p" }, data("", 2, false), data("b", 2),
      data("next", 1),
    }, reads(row { wire.binary("a", { more = true }), wire.ping "p",
      wire.continuation("", { more = true }), wire.continuation "b", wire.text "next" }))
  end)

  it("says what is still to come as soon as the header is there", function()
    local bytes = wire.encode(wire.text(("x"):rep(300)))
    assert.same({}, reads(bytes:sub(1, 7)))
    assert.same({ data("", 1, false, 300) }, reads(bytes:sub(8, 8)))
    assert.same({ data(("x"):rep(299), 1, false, 1) }, reads(bytes:sub(9, 307)))
    assert.same({}, reads "")
    assert.same({ data("x", 1) }, reads(bytes:sub(308)))
  end)

  it("comes to the same wherever what it reads is cut", function()
    local bytes = row { wire.text "Hello, world!", wire.ping(("p"):rep(125)),
      wire.binary(("moongate"):rep(20), { more = true }), wire.continuation(("gate"):rep(7)),
      wire.close(1001) }
    for size = 1, #bytes - 1 do
      local whole, kinds, current = {}, {}, ""
      for _, piece in ipairs(wire.cut(bytes, size)) do
        for _, found in ipairs(reads(piece)) do
          current = current .. found.bytes
          if found.kind ~= "data" or found.left == 0 then
            whole[#whole + 1], kinds[#kinds + 1], current = current, found.kind, ""
          end
        end
      end
      assert.same({ "data", "ping", "data", "data", "close" }, kinds)
      assert.same({ "Hello, world!", ("p"):rep(125), ("moongate"):rep(20), ("gate"):rep(7),
        "\3\233" }, whole)
    end
  end)

  for what, bytes in pairs {
    ["a frame without a mask"] = wire.encode(wire.text("x", { bare = true })),
    ["a reserved bit"] = wire.encode(wire.text("x", { rsv = 1 })),
    ["a reserved data opcode"] = wire.encode(wire.describe(3, "x")),
    ["a reserved control opcode"] = wire.encode(wire.describe(11, "x")),
    ["a continuation of nothing"] = wire.encode(wire.continuation "x"),
    ["a ping in fragments"] = wire.encode(wire.ping("x", { more = true })),
    ["a ping of 126 bytes"] = wire.encode(wire.ping(("x"):rep(126))),
    ["a message within a message"] = row { wire.text("x", { more = true }), wire.text "y" },
    ["a length of 5 in two bytes"] = "\129\254\0\5\0\0\0\0hello",
    ["a length of 5 in eight bytes"] = "\129\255\0\0\0\0\0\0\0\5\0\0\0\0hello",
    ["a length with its highest bit set"] = "\129\255\128\0\0\0\0\0\0\1\0\0\0\0x",
  } do
    it("refuses " .. what, function()
      local parts = reads(wire.encode(wire.text "good") .. bytes)
      assert.same(data("good", 1), parts[1])
      assert.equal("bad", parts[#parts].kind)
    end)
  end

  it("refuses a header at its second byte", function()
    assert.same({}, reads "\129")
    assert.same({ { kind = "bad" } }, reads "\5")
  end)
end)
