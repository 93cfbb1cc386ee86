local changing = require "spec.support.changing"
local client = require "spec.support.client"
local crowd = require "spec.support.crowd"
local json = require "cjson"
local operator = require "spec.support.operator"
local server = require "spec.support.server"

local ROOMS, MEMBERS = 10, 10
local IN_FLIGHT = 4 -- messages of a member on their way at once
local LAPS = 2
local TEXT, CLOSE = 1, 8 -- opcodes

--- Says in the room what comes, behind a label of this code, and counts it.
local function talk(label)
  return ([[
  gate.state.said = gate.state.said or 0
  local function room_of(conn) return gate:room("talk/" .. conn.params.room) end
  gate:raw("/talk/{room}", {
    opened = function(conn)
      room_of(conn):add(conn)
      conn:send "in"
    end,
    received = function(conn, bytes)
      gate.state.said = gate.state.said + 1
      room_of(conn):publish(%q .. bytes)
    end,
  })]]):format(label .. " ")
end

describe("reloads under traffic", function()
  local house, bob, many
  local rooms     -- number -> { payloads, in the order in which its first listener has heard them }
  local is_over   -- nobody begins to say anything
  local latest    -- label of the code that was heard last
  local shortest  -- what the member who has said least had said when the step began
  local refused   -- reloads
  local awaited   -- what the crowd talks for

  local function say(member)
    member.said = member.said + 1
    member:send(("%d %d"):format(member.number, member.said))
  end

  --- Each room has one order, in which each member's numbers are 1, 2, 3, ... Whoever hears itself
  --- goes on.
  local function hear(member, payload, opcode)
    assert.are_not.equal(CLOSE, opcode)
    if opcode ~= TEXT or payload == "in" then return end
    local room = rooms[member.number % ROOMS]
    local label, number, n = payload:match "^(%S+) (%d+) (%d+)$"
    local speaker = assert(many[tonumber(number)], payload)
    member.heard = member.heard + 1
    if member.heard > #room then
      speaker.published = speaker.published + 1
      assert.equal(("%d %d"):format(number, speaker.published), number .. " " .. n)
      room[#room + 1] = payload
      latest = label
    end
    assert.equal(room[member.heard], payload)
    if speaker == member and not is_over then say(member) end
  end

  local function least_said()
    local least = math.huge
    for _, member in ipairs(many) do least = math.min(least, member.said) end
    return least
  end

  --- Lets the crowd talk until this is so, and each has said some more since the step began.
  local function talk_until(what, is_so)
    awaited = what
    while not is_so() or least_said() < shortest + IN_FLIGHT + 1 do
      assert.equal(0, many.gone, "connections have gone while waiting for " .. what)
      coroutine.yield()
    end
    shortest = least_said()
  end

  local function takes_over(version, label)
    house:save("changing", changing.good(version, talk(label)))
    talk_until("code " .. label, function() return latest == label end)
  end

  local function refusals_in_log() return select(2, house:log():gsub("not reloaded", "")) end

  local function is_refused(bad, version)
    refused = refused + 1
    house:save("changing", bad.code(version))
    talk_until("refusal " .. refused, function() return refusals_in_log() == refused end)
    local last = house:log():match ".*(not reloaded[^\n]*)"
    assert.is_truthy(last:find(bad.says, 1, true), last)
  end

  --- Code without a migration, so that the state keeps what was said meanwhile.
  local function is_rolled_back(version, before)
    takes_over(version, "rolled_back")
    bob:sends '{"command":"rollback"}\n'
    talk_until("a rollback to " .. before, function() return latest == before end)
    assert.is_true(bob:hears().ok)
  end

  local function reload_in_all_ways()
    local version = 1
    for _ = 1, LAPS do
      for _, bad in ipairs(changing.BAD) do
        version = version + 1
        takes_over(version, "v" .. version)
        is_refused(bad, version)
      end
      is_rolled_back(version, "v" .. version)
    end
    return version
  end

  local function all_have_heard_all()
    for _, member in ipairs(many) do
      local said = 0
      for number = member.number % ROOMS, #many, ROOMS do
        said = said + (number > 0 and many[number].said or 0)
      end
      if member.heard < said then return false end
    end
    return true
  end

  local function all_are_in()
    for _, member in ipairs(many) do
      if member.frames == 0 then return false end
    end
    return true
  end

  before_each(function()
    local path = operator.free_path()
    house = server.start { tls = false, arguments = { "--threads", "2", "--admin", path },
      plugins = { changing = changing.good(1, talk "v1") } }
    house:expects "not reloaded"
    bob = assert(operator.connect(path))
    rooms, is_over, latest, shortest, refused = {}, false, nil, 0, 0
    for number = 0, ROOMS - 1 do rooms[number] = {} end
    many = crowd.connect(house.port, ROOMS * MEMBERS, function(number)
      return "/talk/" .. number % ROOMS
    end, { heard = hear }):enter()
    for _, member in ipairs(many) do member.said, member.heard, member.published = 0, 0, 0 end
    many:run(all_are_in, "all to be in their rooms")
  end)

  after_each(function()
    many:leave()
    bob:close()
    house:stop()
  end)

  local function state()
    local response = client.request(house.port, "GET /state HTTP/1.1\r\nHost: x\r\n\r\n")
    local text = response.socket:receive "*a"
    response.socket:close()
    return json.decode(text)
  end

  it("lose, double and reorder nothing, drop nobody, and keep the state", function()
    local version
    for _, member in ipairs(many) do
      for _ = 1, IN_FLIGHT do say(member) end
    end
    local script = coroutine.wrap(function()
      version = reload_in_all_ways()
      return true
    end)
    many:run(script, function() return awaited end)
    is_over = true
    many:run(all_have_heard_all, "what was said")
    for _, member in ipairs(many) do say(member) end -- behind whatever else is still to come
    many:run(all_have_heard_all, "the last words")
    local said = 0
    for _, member in ipairs(many) do said = said + member.said end
    assert.same({ said = said, version = version - 1, entries = version - 1 }, state())
    assert.same({ ROOMS * MEMBERS, 0 }, { many.open, many.gone })
    assert.equal(refused, refusals_in_log())
  end)
end)
