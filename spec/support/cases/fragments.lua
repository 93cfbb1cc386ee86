--- Autobahn's section 5 (messages in fragments) and 10 (a client that cuts by itself).
--
-- For the shape of a case see spec/system/conformance_spec.lua.
local wire = require "spec.support.wire"

local text, ping, pong = wire.text, wire.ping, wire.pong
local continuation = wire.continuation

local cases = {}
local function add(case) cases[#cases + 1] = case end

-- The same frames in one write, a write for each frame, a write for each octet.
local CHOPS = { "write", "frame", "octet" }
local HOW = { write = "in one write", frame = "frame by frame", octet = "octet by octet" }

for i, kind in ipairs { ping, pong } do
  add { "5." .. i, ("refuses a %s in fragments"):format(kind == ping and "ping" or "pong"),
    sends = { kind("fragment1", { more = true }), continuation "fragment2" }, ends = 1002 }
end

local first, last = unpack(wire.fragments(wire.TEXT, { "fragment1", "fragment2" }))
local whole = text "fragment1fragment2"
local stray = continuation "nothing to continue"
local endless = continuation("nothing to continue", { more = true })
local hello = text "Hello, world!"

for i, chop in ipairs(CHOPS) do
  add { "5." .. 2 + i, "echoes a message in two fragments " .. HOW[chop],
    chop = chop, sends = { first, last }, hears = { whole } }
  add { "5." .. 5 + i, "answers a ping between two fragments " .. HOW[chop],
    chop = chop, sends = { first, ping "ping", last }, hears = { pong "ping", whole } }
  add { "5." .. 8 + i, "refuses a last fragment without a first, " .. HOW[chop],
    chop = chop, sends = { stray, hello }, ends = 1002 }
  add { "5." .. 11 + i, "refuses a middle fragment without a first, " .. HOW[chop],
    chop = chop, sends = { endless, hello }, ends = 1002 }
end

add { "5.15", "refuses a fragment after the last one of a message",
  sends = { first, last, endless, hello }, hears = { whole }, ends = 1002,
  really = { hears_some_of = { whole }, ends = 1002 } }
add { "5.16", "refuses a middle fragment before the first one, twice",
  sends = { endless, first, last, endless, first, last }, ends = 1002 }
add { "5.17", "refuses a last fragment before the first one, twice",
  sends = { stray, first, last, stray, first, last }, ends = 1002 }
add { "5.18", "refuses a second fragment that says it is a message",
  sends = { first, text "fragment2" }, ends = 1002 }

-- The pong is what is waited for, not the second that Autobahn lets pass.
local five = wire.fragments(wire.TEXT, { "one ", "two ", "three ", "four ", "five" })
for i, chop in ipairs { "write", "frame" } do
  add { "5." .. 18 + i, "answers pings between five fragments, after a pause, " .. HOW[chop],
    chop = chop,
    { sends = { five[1], five[2], ping "ping1" }, hears = { pong "ping1" } },
    { sends = { five[3], five[4], ping "ping2", five[5] },
      hears = { pong "ping2", text "one two three four five" } } }
end

local long = ("*"):rep(65536)
add { "10.1.1", "echoes a message of 65536 octets in fragments of 1300",
  sends = wire.fragments(wire.TEXT, wire.cut(long, 1300)), hears = { text(long) } }

return cases
