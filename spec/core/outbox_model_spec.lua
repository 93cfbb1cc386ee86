local ffi = require "ffi"
local core = require "spec.support.core"
local box = require "spec.support.outbox"
local C = core.load "core/outbox.h"

local RELIABLE, LATEST = tonumber(C.MOON_RELIABLE), tonumber(C.MOON_LATEST)
local VOLATILE, CONTROL = tonumber(C.MOON_VOLATILE), tonumber(C.MOON_CONTROL)
local FULL, REPLACED = tonumber(C.MOON_DROP_FULL), tonumber(C.MOON_DROP_REPLACED)
local SHED, GONE = tonumber(C.MOON_DROP_SHED), tonumber(C.MOON_DROP_GONE)

--- A quick assertion, for those made a hundred thousand times.
local function check(is_right, what)
  if not is_right then error("the outbox and the model disagree: " .. what, 2) end
end

--- The same outbox as two plain lists of messages { text, class, key, ms }.
local function new_model(limits)
  local self = { waiting = {}, flying = {} }
  self.why = { [FULL] = 0, [REPLACED] = 0, [SHED] = 0, [GONE] = 0 }
  for _, book in ipairs { "sent", "delivered", "dropped" } do
    self[book], self[book .. "_bytes"] = {}, {}
    for class = 0, 3 do
      self[book][class], self[book .. "_bytes"][class] = 0, 0
    end
  end

  local function count(book, message)
    self[book][message.class] = self[book][message.class] + 1
    self[book .. "_bytes"][message.class] = self[book .. "_bytes"][message.class] + #message.text
  end

  local function drop(message, why)
    count("dropped", message)
    self.why[why] = self.why[why] + 1
  end

  --- Messages and bytes of both lists, but for those that `is_left_out` says.
  function self.sums(is_left_out)
    local messages, bytes = 0, 0
    for _, list in ipairs { self.waiting, self.flying } do
      for _, message in ipairs(list) do
        if not (is_left_out and is_left_out(message)) then
          messages, bytes = messages + 1, bytes + #message.text
        end
      end
    end
    return messages, bytes
  end

  --- Drops the volatile ones that wait, the oldest first, until enough() says so.
  local function drop_volatile(why, enough)
    local i = 1
    while i <= #self.waiting do
      local message = self.waiting[i]
      if message.class == VOLATILE and not enough(message) then
        drop(table.remove(self.waiting, i), why)
      else
        i = i + 1
      end
    end
  end

  local function find(message)
    for i, other in ipairs(self.waiting) do
      if message.class == LATEST and other.class == LATEST and other.key == message.key then
        return i
      end
    end
  end

  local function has_room(message, old, is_left_out)
    local messages, bytes = self.sums(is_left_out)
    messages, bytes = messages + 1, bytes + #message.text
    if old then messages, bytes = messages - 1, bytes - #old.text end
    local is_control = message.class == CONTROL
    return bytes <= limits.outbox_bytes + (is_control and C.MOON_OUTBOX_RESERVE_BYTES or 0)
      and messages <= limits.outbox_messages + (is_control and C.MOON_OUTBOX_RESERVE_MESSAGES or 0)
  end

  local function make_room(message, old)
    if has_room(message, old) or old and #message.text <= #old.text then return true end
    if message.class == VOLATILE or message.class == CONTROL then return false end
    local is_waiting = {}
    for _, other in ipairs(self.waiting) do is_waiting[other] = true end
    local function may_go(other) return other.class == VOLATILE and is_waiting[other] end
    if not has_room(message, old, may_go) then return false end
    drop_volatile(FULL, function() return has_room(message, old) end)
    return true
  end

  function self.push(message)
    local place = find(message)
    local old = self.waiting[place]
    if not make_room(message, old) then
      if message.class ~= VOLATILE then return false end
      count("sent", message)
      drop(message, FULL)
      return true
    end
    count("sent", message)
    if old == nil then
      self.waiting[#self.waiting + 1] = message
    else
      drop(old, REPLACED)
      self.waiting[find(message)] = message
    end
    return true
  end

  function self.push_control(message)
    count("sent", message)
    self.waiting[#self.waiting + 1] = message
  end

  --- What peek has to show, and how many messages that is.
  function self.peek(max_bytes)
    local texts, bytes = {}, 0
    for i, message in ipairs(self.waiting) do
      if i > 1 and bytes + #message.text > max_bytes then break end
      texts[i], bytes = message.text, bytes + #message.text
    end
    return #texts > 0 and table.concat(texts) or nil, #texts
  end

  function self.take(messages)
    for _ = 1, messages do table.insert(self.flying, table.remove(self.waiting, 1)) end
  end

  function self.fly(message)
    count("sent", message)
    table.insert(self.flying, message)
  end

  function self.land()
    for _, message in ipairs(self.flying) do count("delivered", message) end
    self.flying = {}
  end

  function self.flying_bytes()
    local bytes = 0
    for _, message in ipairs(self.flying) do bytes = bytes + #message.text end
    return bytes
  end

  function self.shed() drop_volatile(SHED, function() return false end) end

  function self.expire(now_ms)
    drop_volatile(SHED, function(message) return now_ms - message.ms <= limits.outbox_age_ms end)
  end

  function self.clear()
    for _, message in ipairs(self.waiting) do drop(message, GONE) end
    self.waiting = {}
  end

  function self.abandon()
    self.clear()
    for _, message in ipairs(self.flying) do drop(message, GONE) end
    self.flying = {}
  end

  function self.oldest_ms()
    local oldest = 2 ^ 64
    for _, list in ipairs { self.waiting, self.flying } do
      for _, message in ipairs(list) do
        if message.class ~= VOLATILE then oldest = math.min(oldest, message.ms) end
      end
    end
    return oldest
  end

  return self
end

describe("outbox", function()
  local outbox, post, limits, model, random
  local now_ms
  local books = ffi.new "struct moon_books"
  local tally = ffi.new "struct moon_tally"
  local crowd -- one of CROWDS
  local is_staying -- the frames that come
  local happened -- what the turns have come to, so that none of it is left out by chance

  local function note(what) happened[what] = (happened[what] or 0) + 1 end

  local function compare_books()
    C.moon_outbox_books(outbox, post, books)
    local queued = { [0] = 0, 0, 0, 0 }
    for _, list in ipairs { model.waiting, model.flying } do
      for _, message in ipairs(list) do queued[message.class] = queued[message.class] + 1 end
    end
    for class = 0, 3 do
      check(books.queued[class] == queued[class], "queued")
      for _, book in ipairs { "sent", "delivered", "dropped" } do
        check(books[book][class] == model[book][class], book)
        check(post[book][class] == model[book][class], book .. " of all")
        check(post[book .. "_bytes"][class] == model[book .. "_bytes"][class], book .. "_bytes")
      end
    end
    for why = 0, 3 do check(post.dropped_by[why] == model.why[why], "dropped_by") end
  end

  local function compare()
    local messages, bytes = model.sums()
    check(C.moon_outbox_bytes(outbox) == bytes, "bytes")
    check(C.moon_outbox_is_empty(outbox) == (#model.waiting == 0), "is_empty")
    local has_age = outbox.slip.first == 0 -- what is written in this turn has none
    if not has_age then note "stayed" end
    local oldest_ms = tonumber(C.moon_outbox_oldest_ms(outbox))
    check(not has_age or oldest_ms == model.oldest_ms(), "oldest_ms")
    check(C.moon_outbox_is_high(outbox, limits) ==
      (bytes * 2 >= limits.outbox_bytes or messages * 2 >= limits.outbox_messages), "is_high")
    check(C.moon_outbox_is_low(outbox, limits) ==
      (bytes * 8 <= limits.outbox_bytes and messages * 8 <= limits.outbox_messages), "is_low")
    local more = random(1, 2000)
    check(C.moon_outbox_has_room(outbox, limits, more) ==
      (bytes + more <= limits.outbox_bytes and messages < limits.outbox_messages), "has_room")
    check(post.in_flight_bytes == model.flying_bytes(), "in_flight_bytes")
    compare_books()
    check(books.queued_bytes == bytes, "queued_bytes")
    if books.queued[LATEST] > 16 then note "many latest" end
  end

  local function any_text()
    return (random(0, 9) .. ""):rep(random(1, random(1, 10) == 1 and 700 or 40))
  end

  --- What is in the tray is as old as its turn once it leaves it.
  local function age_all()
    if outbox.slip.first == 0 then return end
    for _, message in ipairs(model.waiting) do message.ms = tonumber(post.turn_ms) end
  end

  local function push_random()
    local class = ({ RELIABLE, LATEST, LATEST, VOLATILE, VOLATILE, CONTROL })[random(1, 6)]
    if is_staying and random(1, 10) > 1 then class = RELIABLE end
    if class == CONTROL and random(1, 4) > 1 then class = RELIABLE end
    local message = {
      text = any_text(), class = class, key = class == LATEST and random(1, crowd.keys) or 0,
      ms = now_ms,
    }
    age_all()
    local letter = ffi.new("struct moon_letter", core.exact(message.text), #message.text, class,
      message.key * 0x9e3779b97f4a7c15ULL, is_staying)
    local is_taken = C.moon_outbox_push(outbox, post, limits, letter, now_ms) == C.MOON_OK
    check(is_taken == model.push(message), "room")
    note(is_taken and "taken" or "refused")
  end

  local function push_ping()
    local text = any_text()
    age_all()
    C.moon_outbox_push_control(outbox, post, text, #text, now_ms)
    model.push_control { text = text, class = CONTROL, ms = now_ms }
  end

  local function keep()
    if outbox.slip.first == 0 then return end
    age_all()
    C.moon_outbox_keep(outbox, post)
    C.moon_tray_clear(post.tray)
    note "kept"
  end

  local function take_some()
    if random(1, crowd.size) > 1 then return end
    local max_bytes = random(1, 3) == 1 and random(1, 100) or random(1, 3000) * crowd.size
    local expected, messages = model.peek(max_bytes)
    local shown = box.peek(max_bytes)
    check(shown == expected, "order")
    if expected ~= nil and random(1, 3) > 1 then
      age_all()
      C.moon_outbox_take(outbox, post, #expected)
      model.take(messages)
      note "written"
    end
  end

  local function fly_past()
    ffi.fill(tally, ffi.sizeof(tally))
    for _ = 1, random(1, 3) do
      local message = { text = any_text(), class = random(0, 3), ms = now_ms }
      tally.messages[message.class] = tally.messages[message.class] + 1
      tally.bytes[message.class] = tally.bytes[message.class] + #message.text
      model.fly(message)
    end
    C.moon_outbox_fly(outbox, post, tally, now_ms)
  end

  local function land()
    box.land()
    model.land()
  end

  local function shed()
    local held_bytes = box.taken_bytes()
    local _, before = model.sums()
    model.shed()
    local _, after = model.sums()
    check(C.moon_outbox_shed(outbox, post) == before - after, "shed")
    if box.taken_bytes() < held_bytes then note "trimmed" end
  end

  local function expire()
    C.moon_outbox_expire(outbox, post, limits, now_ms)
    model.expire(now_ms)
  end

  local function end_it()
    if random(1, crowd.size) > 1 then return end
    local way = random(1, 2) == 1 and "clear" or "abandon"
    C["moon_outbox_" .. way](outbox, post)
    model[way]()
  end

  local function change_limits()
    box.limit(random(500, 4000) * crowd.size, random(5, 40) * crowd.size, random(20, 200))
  end

  -- what to do, and how often in a thousand turns
  local TURNS = {
    { push_random, 640 }, { push_ping, 20 }, { keep, 10 }, { take_some, 130 }, { fly_past, 20 },
    { land, 110 }, { shed, 20 }, { expire, 30 }, { end_it, 5 }, { change_limits, 15 },
  }

  --- For some time all that comes stays where it is, for a reader that takes it all.
  local function change_reader()
    if random(1, is_staying and 30 or 500) > 1 then return end
    is_staying = not is_staying
    if not is_staying then return end
    for _ = 1, 100 do
      local expected, messages = model.peek(100000)
      if expected == nil then break end
      check(box.peek(100000) == expected, "order")
      age_all()
      C.moon_outbox_take(outbox, post, #expected)
      model.take(messages)
    end
    land()
  end

  local function turn()
    change_reader()
    local dice = random(1, 1000)
    for _, one in ipairs(TURNS) do
      dice = dice - one[2]
      if dice <= 0 then return one[1]() end
    end
  end

  before_each(function()
    outbox, post, limits = box.open()
    happened, is_staying = {}, false
  end)

  after_each(core.tidy)

  -- the larger one has more room, too, and a slower reader
  local CROWDS = {
    ["a few keys"] = { keys = 12, size = 1, least = { written = 200, latest = 50, many = 0 } },
    ["many keys"] = { keys = 100, size = 8, least = { written = 30, latest = 300, many = 2000 } },
  }

  local function run(seed, turns)
    random = core.random(seed)
    model = new_model(limits)
    now_ms = 1000
    box.limit(3000 * crowd.size, 30 * crowd.size, 100)
    for _ = 1, turns do
      now_ms = now_ms + random(0, 9)
      turn()
      compare()
    end
  end

  local all = {} -- what has happened whatever the seed

  for name, one in pairs(CROWDS) do
    for seed = 1, 4 do
      it("agrees with a plain model through thousands of random turns with " .. name ..
          ", from seed " .. seed, function()
        crowd = one
        run(seed, 12000)
        local least = one.least
        assert.is_true(happened.taken > 1000 and happened.refused > 100)
        assert.is_true(happened.written > least.written)
        for what, count in pairs(happened) do all[what] = (all[what] or 0) + count end
        assert.is_true((happened["many latest"] or 0) >= least.many)
        assert.is_true(model.delivered[LATEST] > least.latest and model.delivered[VOLATILE] > 50)
        for _, why in ipairs { FULL, REPLACED, SHED } do assert.is_true(model.why[why] > 50) end
        assert.is_true(model.why[GONE] > 50 or one.size > 1)
      end)
    end
  end

  it("has given memory back, and kept what had stayed in the tray, in these turns", function()
    for _, what in ipairs { "trimmed", "kept", "stayed" } do
      assert.is_true((all[what] or 0) > 5, ("%s: %d"):format(what, all[what] or 0))
    end
  end)
end)
