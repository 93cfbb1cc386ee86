--- What one slow reader costs the other 999 members of a room: ./dev slow
--
-- 5,000 messages of 2,000 bytes, latest and volatile by turns, sent on a schedule whatever
-- comes back (so that waiting is counted): once while all read, once while one does not.
-- Prints the latency of the others, the memory of the server, and the books of the slow one.
package.path = "./?.lua;" .. package.path
local crowd = require "spec.support.crowd"
local server = require "spec.support.server"
local socket = require "socket"

local MEMBERS = tonumber(arg[1]) or 1000
local MESSAGES = tonumber(arg[2]) or 5000
local PER_SECOND = tonumber(arg[3]) or 50
local KEYS = 10
local SIZE = 2000 -- in all more than the buffers of a socket hold

local PLUGIN = [[return function(gate)
  local room = "bench"
  gate:raw("/bench", {
    opened = function(conn) gate:room(room):add(conn) end,
    received = function(_, bytes)
      local class, n = bytes:match "^(%a+) (%d+)"
      gate:room(room):publish(bytes,
        { class = class, key = class == "latest" and n % ]] .. KEYS .. [[ or nil })
    end,
    closed = function(conn, reason, _, books)
      if books.dropped.volatile > 0 then gate:info("%s %s", reason, gate.json.encode(books)) end
    end,
  })
end]]

local function percentile(values, p) return values[math.max(1, math.ceil(#values * p / 100))] end

local function send_all(many, latencies)
  local began = socket.gettime()
  many.heard = function(member, payload, opcode)
    if opcode ~= 1 then return end
    local class, n, at = payload:match "^(%a+) (%d+) (%S+)"
    member.last = member.last or {}
    if class == "latest" then member.last[n % KEYS] = tonumber(n) end
    if member.number <= 100 and not member.deaf then
      latencies[#latencies + 1] = (socket.gettime() - at) * 1000
    end
    member.count = (member.count or 0) + 1
  end
  local classes = { "latest", "volatile", "reliable" }
  for n = 1, MESSAGES do
    local due = began + n / PER_SECOND
    many:run(function() return socket.gettime() >= due end, "the schedule")
    -- No reliable ones, or the slow reader would be closed for them, as it should.
    local class = classes[n % 2 + 1]
    local text = ("%s %d %.6f "):format(class, n, due)
    many[1]:send(text .. ("x"):rep(SIZE - #text))
  end
  many:run(function() return (many[2].count or 0) >= MESSAGES end, "the last message")
  table.sort(latencies)
end

local function run(is_slow)
  local house = server.start { tls = false, plugins = { bench = PLUGIN },
    arguments = { "--threads", "1", "--max-outbox-bytes", "262144", "--max-outbox-age-ms",
      "600000", "--ping-interval-ms", "600000" } } -- or it would be closed within half a minute
  os.execute(("taskset -apc 0 %d >/dev/null"):format(house.pid))
  local many = crowd.connect(house.port, MEMBERS, "/bench", { receive_bytes = 8192 }):enter()
  local slow = many[MEMBERS]
  if is_slow then slow:set_deaf(true) end
  local before_kb, latencies = house:rss_kb(), {}
  send_all(many, latencies)
  local now = house:metrics()
  print(("%s: p50 %.2f ms, p99 %.2f ms, max %.2f ms; RSS %d -> %d KB; queued %d bytes")
    :format(is_slow and "one slow reader" or "all read      ", percentile(latencies, 50),
    percentile(latencies, 99), latencies[#latencies], before_kb, house:rss_kb(),
    now["moongate_queued_bytes"]))
  if is_slow then
    slow:set_deaf(false)
    local newest = MESSAGES - MESSAGES % 2
    many:run(function() return slow.last and slow.last[newest % KEYS] == newest end,
      "the newest value")
    local last = {}
    for key, n in pairs(slow.last) do last[#last + 1] = ("%d:%d"):format(key, n) end
    table.sort(last)
    print(("the slow one got %d of %d; newest by key: %s"):format(slow.count, MESSAGES,
      table.concat(last, " ")))
    slow:cut()
    house:logs "lost "
    print("its books: " .. house:log():match "lost (%b{})")
  end
  many:leave()
  house:stop()
end

os.execute(("taskset -pc 1 %d >/dev/null"):format(require("posix.unistd").getpid()))
run(false)
run(true)
