--- Autobahn's section 7: how a connection is closed.
--
-- For the shape of a case see spec/system/conformance_spec.lua.
local wire = require "spec.support.wire"

local text, ping, close = wire.text, wire.ping, wire.close

local cases = {}
local function add(case) cases[#cases + 1] = case end

local hello = text "Hello, world!"
local first, last = unpack(wire.fragments(wire.TEXT, { "fragment1", "fragment2" }))
local long = text(("*"):rep(262144))

add { "7.1.1", "answers a Close after an echo",
  { sends = { hello }, hears = { hello } }, { sends = { close(1000) } }, ends = 1000 }
add { "7.1.2", "answers the first of two Closes",
  sends = { close(1000), close(1000) }, ends = 1000 }
add { "7.1.3", "answers no ping after a Close", sends = { close(1000), ping "" }, ends = 1000 }
add { "7.1.4", "echoes nothing after a Close", sends = { close(1000), hello }, ends = 1000 }
add { "7.1.5", "echoes no message with a Close in it",
  sends = { first, close(1000), last }, ends = 1000 }
-- Whether the echo is still sent is the implementation's choice: Autobahn only takes notes.
add { "7.1.6", "answers a Close behind a message of 262144 octets, and no ping behind it",
  sends = { long, close(1000), ping "" }, hears_some_of = { long }, ends = 1000,
  may_be_cut = true }

add { "7.3.1", "answers an empty Close with an empty one", sends = { close() }, ends = 1005 }
add { "7.3.2", "refuses a Close of one octet",
  sends = { wire.describe(wire.CLOSE, "a") }, ends = 1002 }
add { "7.3.3", "answers a Close with a code", sends = { close(1000) }, ends = 1000 }
add { "7.3.4", "answers a Close with a reason", sends = { close(1000, "Hello") }, ends = 1000 }
add { "7.3.5", "answers a Close with a reason of 123 octets",
  sends = { close(1000, ("*"):rep(123)) }, ends = 1000 }
add { "7.3.6", "refuses a Close with a reason of 124 octets",
  sends = { close(1000, ("*"):rep(124)) }, ends = 1002 }
add { "7.5.1", "refuses a reason that is not UTF-8",
  sends = { close(1000, "\206\186\225\189\185\237\160\128edited") }, ends = 1007 }

for i, code in ipairs { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000,
  4999 } do
  add { "7.7." .. i, "answers a Close with code " .. code, sends = { close(code) }, ends = code }
end

-- RFC 6455 had reserved 1012 to 1014. They have been registered since: codes like others.
local registered = { [1012] = true, [1013] = true, [1014] = true }
for i, code in ipairs { 0, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000,
  2999 } do
  local is_registered = registered[code]
  add { "7.9." .. i, (is_registered and "answers" or "refuses") .. " a Close with code " .. code,
    sends = { close(code) }, ends = is_registered and code or 1002 }
end

-- No RFC says what these mean; Autobahn only takes notes.
add { "7.13.1", "refuses a Close with code 5000", sends = { close(5000) }, ends = 1002 }
add { "7.13.2", "refuses a Close with code 65535", sends = { close(65535) }, ends = 1002 }

return cases
