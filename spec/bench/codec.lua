--- What the codecs cost: luajit spec/bench/codec.lua, or ./dev bench --codec for the release build.
--
-- CPU time for a message, garbage collection included; the fastest of some runs, because others
-- may use the machine meanwhile.
package.path = "./?.lua;" .. package.path
local codecs = require("spec.support.fake_core").world().codec
local file = require "spec.support.file"

local RUNS, RUN_S = 7, 0.2

local function presence(count)
  local members = {}
  for i = 1, count do
    members[i] = { user = ("guest-%03d"):format(i), state = i % 5 == 0 and "away" or "here",
      since = 1760000000000 + i * 1117 }
  end
  return { type = "reply", id = 8, ok = true,
    data = { room = "tea", count = count, members = members } }
end

local TEXT = "Shall we meet at five? Bring the good cups \226\128\147 and sugar."

local MESSAGES = {
  { "`say` request", { type = "say", id = 7, room = "tea", data = { text = TEXT } } },
  { "`said` push", { type = "said", room = "tea", from = "ann", at = 1760000000123,
    data = { text = TEXT } } },
  { "presence of 100", presence(100) },
}

local function repeated(times, fn, argument)
  for _ = 1, times do fn(argument) end
end

--- Nanoseconds a call.
local function cost(fn, argument)
  local times, seconds = 100, 0
  while seconds < RUN_S do -- how many make a run; warms up, too
    times = times * 2
    local start = os.clock()
    repeated(times, fn, argument)
    seconds = os.clock() - start
  end
  local least = math.huge
  for _ = 1, RUNS do
    collectgarbage()
    local start = os.clock()
    repeated(times, fn, argument)
    least = math.min(least, (os.clock() - start) / times * 1e9)
  end
  return least
end

local function load_average() return file.read("/proc/loadavg"):match "^%S+ %S+ %S+" end

print(("- load average %s; the fastest of %d runs of at least %g s"):format(load_average(), RUNS,
  RUN_S))
print "- nanoseconds of CPU time for a message\n"
print "| message | codec | bytes | encode | decode |"
print "| --- | --- | ---: | ---: | ---: |"
for _, each in ipairs(MESSAGES) do
  local name, message = unpack(each)
  for _, codec in ipairs { codecs.json, codecs.msgpack } do
    local bytes = assert(codec.encode(message))
    print(("| %s | %s | %d | %.0f | %.0f |"):format(name, codec.name, #bytes,
      cost(codec.encode, message), cost(codec.decode, bytes)))
  end
end
