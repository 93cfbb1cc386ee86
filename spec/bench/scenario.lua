--- What is measured: how the generator is called, and which of its numbers counts.
local ROOM_IN_FLIGHT, CHAT_IN_FLIGHT = 1, 1
local BYTES = 64

-- kind: which app; measure: the table it stands in; a rate is below what the slowest of
-- floor, bun and moongate can do.
local all = {
  { id = "echo-1", title = "echo, 200 connections, 1 in flight", kind = "echo",
    measure = "throughput", "echo", "--connections", 200, "--in-flight", 1 },
  { id = "echo-16", title = "echo, 200 connections, 16 in flight", kind = "echo",
    measure = "throughput", "echo", "--connections", 200, "--in-flight", 16 },
  { id = "room-1000", title = "one room of 1,000, one speaks", kind = "room",
    measure = "throughput",
    "room", "--rooms", 1, "--members", 1000, "--in-flight", ROOM_IN_FLIGHT },
  { id = "rooms-100x10", title = "100 rooms of 10, one speaks in each", kind = "room",
    measure = "throughput",
    "room", "--rooms", 100, "--members", 10, "--in-flight", ROOM_IN_FLIGHT },
  { id = "chat-50x20", title = "50 rooms of 20, all speak", kind = "room",
    measure = "throughput",
    "chat", "--rooms", 50, "--members", 20, "--in-flight", CHAT_IN_FLIGHT },
  { id = "chat-2x100", title = "2 rooms of 100, all speak", kind = "room",
    measure = "throughput",
    "chat", "--rooms", 2, "--members", 100, "--in-flight", CHAT_IN_FLIGHT },
  { id = "echo-rate", title = "echo, 200 connections, 20,000 messages a second", kind = "echo",
    measure = "latency", "echo", "--connections", 200, "--rate", 20000 },
  { id = "room-rate", title = "one room of 1,000, 50 messages a second", kind = "room",
    measure = "latency", "room", "--rooms", 1, "--members", 1000, "--rate", 50 },
  { id = "chat-rate", title = "50 rooms of 20, 2,000 messages a second", kind = "room",
    measure = "latency", "chat", "--rooms", 50, "--members", 20, "--rate", 2000 },
  { id = "idle", title = "10,000 connections in rooms of 10", kind = "room", max_s = 2,
    measure = "memory", "idle", "--connections", 10000, "--members", 10 },
  { id = "storm", title = "connections come and go, 50 at once", kind = "room",
    measure = "upgrades", "storm", "--concurrency", 50 },
}

for _, scenario in ipairs(all) do
  if scenario.measure == "throughput" or scenario.measure == "latency" then
    scenario[#scenario + 1] = "--bytes"
    scenario[#scenario + 1] = BYTES
  end
end

return { all = all, BYTES = BYTES, ROOM_IN_FLIGHT = ROOM_IN_FLIGHT,
  CHAT_IN_FLIGHT = CHAT_IN_FLIGHT }
