--- Autobahn's sections 1 to 4: messages, pings and pongs, reserved bits, reserved opcodes.
--
-- For the shape of a case see spec/system/conformance_spec.lua.
local wire = require "spec.support.wire"

local text, binary, ping, pong = wire.text, wire.binary, wire.ping, wire.pong

local cases = {}
local function add(case) cases[#cases + 1] = case end

for section, kind in ipairs { text, binary } do
  local letter = kind == text and "*" or "\254"
  local name = kind == text and "a text message" or "a binary message"
  for i, size in ipairs { 0, 125, 126, 127, 128, 65535, 65536 } do
    local message = kind(letter:rep(size))
    add { ("1.%d.%d"):format(section, i), ("echoes %s of %d octets"):format(name, size),
      sends = { message }, hears = { message } }
  end
  local message = kind(letter:rep(65536))
  add { ("1.%d.8"):format(section), ("echoes %s that comes in chops of 997"):format(name),
    chop = 997, sends = { message }, hears = { message } }
end

local noise = "\0\255\254\253\252\251\0\255"
for i, payload in ipairs { "", "Hello, world!", noise, ("\254"):rep(125) } do
  add { "2." .. i, ("answers a ping of %d octets"):format(#payload),
    sends = { ping(payload) }, hears = { pong(payload) } }
end
add { "2.5", "refuses a ping of 126 octets", sends = { ping(("\254"):rep(126)) }, ends = 1002 }
add { "2.6", "answers a ping of 125 octets that comes octet by octet", chop = "octet",
  sends = { ping(("\254"):rep(125)) }, hears = { pong(("\254"):rep(125)) } }
add { "2.7", "leaves a pong alone that is empty", sends = { pong "" } }
add { "2.8", "leaves a pong alone that has a payload", sends = { pong "unsolicited" } }
add { "2.9", "answers the ping after such a pong",
  sends = { pong "unsolicited", ping "ping" }, hears = { pong "ping" } }

local pings, pongs = {}, {}
for i = 1, 10 do pings[i], pongs[i] = ping("payload-" .. i), pong("payload-" .. i) end
add { "2.10", "answers all of ten pings in one write, in order",
  sends = pings, hears = pongs }
add { "2.11", "answers all of ten pings that come octet by octet, in order", chop = "octet",
  sends = pings, hears = pongs }

-- An error after a message: what comes behind the error is not looked at any more.
local hello = text "Hello, world!"
local function fails_after_hello(case)
  case.hears, case.ends = { hello }, 1002
  case.really = { hears_some_of = { hello }, ends = 1002 }
  table.insert(case.sends, 1, hello)
  case.sends[#case.sends + 1] = ping ""
  add(case)
end

add { "3.1", "refuses a text message with reserved bits 1",
  sends = { text("Hello, world!", { rsv = 1 }) }, ends = 1002 }
for i, chop in ipairs { "write", "frame", "octet" } do
  local rsv = i + 1
  fails_after_hello { "3." .. rsv, ("refuses reserved bits %d after a message"):format(rsv),
    chop = chop, sends = { text("Hello, world!", { rsv = rsv }) } }
end
add { "3.5", "refuses a binary message with reserved bits 5",
  sends = { binary(noise, { rsv = 5 }) }, ends = 1002 }
add { "3.6", "refuses a ping with reserved bits 6",
  sends = { ping("Hello, world!", { rsv = 6 }) }, ends = 1002 }
add { "3.7", "refuses a Close with reserved bits 7",
  sends = { wire.describe(wire.CLOSE, "\3\232", { rsv = 7 }) }, ends = 1002 }

for group, first in ipairs { 3, 11 } do
  for i = 1, 5 do
    local opcode = first + i - 1
    local case = { ("4.%d.%d"):format(group, i), "refuses opcode " .. opcode,
      chop = i == 5 and "octet" or nil,
      sends = { wire.describe(opcode, i % 2 == 0 and "reserved opcode" or "") } }
    if i < 3 then
      case.ends = 1002
      add(case)
    else
      case[2] = case[2] .. " after a message"
      fails_after_hello(case)
    end
  end
end

return cases
