local core = require "spec.support.core"
local one = require "spec.support.roster"

local C, id_of = one.C, one.id_of
local join, leave, drop, size = one.join, one.leave, one.drop, one.size
local publish, catch_up, end_tick = one.publish, one.catch_up, one.end_tick

--- A quick assertion, for those made a hundred thousand times.
local function check(is_right)
  if not is_right then error("the roster and the model disagree", 2) end
end

describe("roster", function()
  local roster

  before_each(function() roster = one.open() end)
  after_each(core.tidy)

  it("agrees with a plain model through thousands of random turns", function()
    local random = core.random(31)
    local ROOMS, SLOTS = 90, 40
    local conns = {} -- slot -> { id, rooms = { room -> list of frames owed } }
    local sizes, said = {}, 0
    for room = 1, ROOMS do sizes[room] = 0 end
    for slot = 0, SLOTS - 1 do conns[slot] = { id = id_of(slot, 1), generation = 1, rooms = {} } end

    local function count_rooms(conn)
      local count = 0
      for _ in pairs(conn.rooms) do count = count + 1 end
      return count
    end

    local function conn_by_id(id) return conns[C.moon_conn_slot(id)] end

    --- A share has to be one room's whole debt to that connection, and settles it.
    local function settle(taken)
      local conn = conn_by_id(taken.conn)
      check(conn.id == taken.conn)
      check((count_rooms(conn) == 1) == taken.is_only_room)
      local room = tonumber(taken.frames:match "^(%d+):")
      local owed = conn.rooms[room]
      check(owed ~= nil and #owed > 0)
      check(table.concat(owed) == taken.frames)
      check(#owed == taken.messages)
      conn.rooms[room] = {}
    end

    local function settle_all(conn)
      for _, taken in ipairs(catch_up(conn.id)) do settle(taken) end
      for _, owed in pairs(conn.rooms) do check(#owed == 0) end
    end

    local function forget(conn)
      for room in pairs(conn.rooms) do sizes[room] = sizes[room] - 1 end
      drop(conn.id)
      conn.generation = conn.generation + 1
      conn.id = id_of(C.moon_conn_slot(conn.id), conn.generation)
      conn.rooms = {}
    end

    local function model_join(room, conn)
      check((conn.rooms[room] == nil) == join(room, conn.id))
      if conn.rooms[room] == nil then
        conn.rooms[room] = {}
        sizes[room] = sizes[room] + 1
      end
    end

    local function model_leave(room, conn)
      if random(1, 2) == 1 then settle_all(conn) end
      check((conn.rooms[room] ~= nil) == leave(room, conn.id))
      if conn.rooms[room] ~= nil then
        conn.rooms[room] = nil
        sizes[room] = sizes[room] - 1
      end
    end

    local function model_publish(room, conn)
      local is_excepted = random(1, 3) == 1
      said = said + 1
      local frame = ("%d:%d;"):format(room, said) .. ("."):rep(random(0, 40))
      local class = random(0, C.MOON_CLASSES - 1)
      if is_excepted then settle_all(conn) end
      check((sizes[room] > 0) == publish(room, frame, is_excepted and conn.id or 0, class))
      for _, other in pairs(conns) do
        local owed = other.rooms[room]
        if owed ~= nil and not (is_excepted and other == conn) then owed[#owed + 1] = frame end
      end
    end

    local function model_end_tick()
      local lost = random(1, 4) == 1 and random(1, 10) or 0
      end_tick(function(taken)
        settle(taken)
        lost = lost - 1
        if lost == 0 then
          local victim = random(1, 2) == 1 and conn_by_id(taken.conn) or conns[random(0, SLOTS - 1)]
          forget(victim)
        end
      end)
      for _, conn in pairs(conns) do
        for _, owed in pairs(conn.rooms) do check(#owed == 0) end
      end
      check(not C.moon_roster_is_dirty(roster))
    end

    for _ = 1, 20000 do
      local kind = random(1, 100)
      local conn = conns[random(0, SLOTS - 1)]
      local room = random(1, 3) == 1 and random(1, ROOMS) or random(1, 8)
      if kind <= 30 then
        model_join(room, conn)
      elseif kind <= 48 then
        model_leave(room, conn)
      elseif kind <= 51 then
        forget(conn)
      elseif kind <= 90 then
        model_publish(room, conn)
      elseif kind <= 94 then
        settle_all(conn)
      else
        model_end_tick()
      end
      check(sizes[room] == size(room))
    end
    for room = 1, ROOMS do assert.equal(sizes[room], size(room)) end
    for _, conn in pairs(conns) do forget(conn) end
    model_end_tick()
    for room = 1, ROOMS do assert.equal(0, size(room)) end
  end)
end)
