--- Counts the system calls of a room of 100 where all talk: ./dev strace
package.path = "./?.lua;" .. package.path
local client = require "spec.support.client"
local server = require "spec.support.server"

local MEMBERS, ROUNDS = 100, 20

local house = server.start { app = "examples/relay.lua" }
local members = {}
for i = 1, MEMBERS do
  members[i] = client.connect(house.port, "/relay/tea")
  members[i]:send_text "hello"
  repeat until members[i]:read() == "hello"
end
for i = 1, MEMBERS do -- those who came later have said hello, too
  for _ = i + 1, MEMBERS do members[i]:read() end
end

local trace = os.tmpname()
os.execute(("strace -c -f -p %d -o %s 2>/dev/null &"):format(house.pid, trace))
server.eventually("strace to attach", function()
  local count, traced = 0, 0
  for path in io.popen(("ls -d /proc/%d/task/*"):format(house.pid)):lines() do
    local status = io.open(path .. "/status"):read "*a"
    count = count + 1
    if status:match "TracerPid:%s*(%d+)" ~= "0" then traced = traced + 1 end
  end
  return traced == count
end)

local deliveries = 0
for round = 1, ROUNDS do
  for i = 1, MEMBERS do members[i]:send_text(("%d says %d"):format(i, round)) end
  for i = 1, MEMBERS do
    for _ = 1, MEMBERS do
      assert(members[i]:read(), "closed")
      deliveries = deliveries + 1
    end
  end
end

os.execute(("pkill -INT -f 'strace -c -f -p %d'"):format(house.pid))
local report = server.eventually("strace's report", function()
  local text = io.open(trace):read "*a"
  return text:find "total" and text
end)
os.remove(trace)
for i = 1, MEMBERS do members[i]:cut() end
house:stop()

local calls = {}
for line in report:gmatch "[^\n]+" do
  local count, name = line:match "^%s*[%d.]+%s+[%d.]+%s+%d+%s+(%d+)%s+%d*%s*([%w_]+)$"
  if name then calls[name] = tonumber(count) end
end
local sends = (calls.sendto or 0) + (calls.write or 0) + (calls.sendmsg or 0)
print(report)
print(("%d members, %d messages, %d deliveries"):format(MEMBERS, MEMBERS * ROUNDS, deliveries))
print(("sends per delivery: %.4f (eventfd writes counted in)"):format(sends / deliveries))
print(("epoll_ctl per message: %.4f"):format((calls.epoll_ctl or 0) / (MEMBERS * ROUNDS)))
