local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/conn.h"

describe("connection table", function()
  local conns

  local function create(thread, max_conns)
    return core.keep(C.moon_conns_create(thread, max_conns), C.moon_conns_destroy)
  end

  local function add()
    local conn = C.moon_conns_add(conns)
    if conn ~= nil then return conn end
  end

  local function id_of(conn) return tonumber(conn.id) end

  local function find(id)
    local conn = C.moon_conns_find(conns, id)
    if conn ~= nil then return conn end
  end

  --- The ids of all connections, as moon_conns_next() walks over them.
  local function walk(on_each)
    local cursor, ids = ffi.new("uint32_t[1]", 0), {}
    local conn = C.moon_conns_next(conns, cursor)
    while conn ~= nil do
      ids[#ids + 1] = id_of(conn)
      if on_each ~= nil then on_each(conn) end
      conn = C.moon_conns_next(conns, cursor)
    end
    return ids
  end

  before_each(function() conns = create(1, 1000) end)
  after_each(core.tidy)

  it("gives a new connection that greets and is zeroed, with its id in its deadlines", function()
    local conn = add()
    assert.equal(tonumber(C.MOON_CONN_GREETING), conn.state)
    assert.equal(id_of(conn), tonumber(conn.deadline.owner))
    assert.equal(id_of(conn), tonumber(conn.patience.owner))
    assert.is_true(conn.socket == nil)
    assert.is_true(conn.outbox.queue == nil)
    assert.is_true(conn.message.bytes == nil)
    assert.is_true(conn.deadline.next == nil)
    assert.equal(0, conn.pauses)
    assert.is_false(conn.is_dirty or conn.is_blocked or conn.is_doomed or conn.is_counted)
  end)

  it("zeroes what the last one in the same place left behind", function()
    local conn = add()
    conn.is_dirty, conn.is_doomed, conn.opcode, conn.heartbeat.awaiting = true, true, 2, 1
    conn.outbox.bytes = 77
    C.moon_conns_remove(conns, conn)
    local next_conn = add()
    assert.is_true(next_conn == conn)
    assert.is_false(conn.is_dirty or conn.is_doomed)
    assert.equal(0, conn.opcode + conn.heartbeat.awaiting)
    assert.equal(0, conn.outbox.bytes)
  end)

  it("finds each connection by its id, where it has always been", function()
    local added = {}
    for i = 1, 1000 do added[i] = add() end
    for i = 1, 1000 do assert.is_true(find(added[i].id) == added[i]) end
  end)

  it("misses an id that has gone, also when its slot is in use again", function()
    local conn = add()
    local old_id = id_of(conn)
    C.moon_conns_remove(conns, conn)
    assert.is_nil(find(old_id))
    local newcomer = add()
    assert.equal(C.moon_conn_slot(old_id), C.moon_conn_slot(newcomer.id))
    assert.is_nil(find(old_id))
    assert.is_true(find(newcomer.id) == newcomer)
  end)

  it("misses ids that never were", function()
    assert.is_nil(find(0))
    assert.is_nil(find(1))
    local id = id_of(add())
    for _, other in ipairs {
      0, 1, id + 1, id - 1, id + 256, id + 256 * 300, id + 2 ^ 28, id - 2 ^ 28, 2 ^ 53 - 1,
    } do
      assert.is_nil(find(other), tostring(other))
    end
    assert.is_nil(find(0xFFFFFFFFFFFFFFFFULL))
  end)

  it("misses the ids of another thread", function()
    local other = create(2, 1000)
    local theirs = C.moon_conns_add(other)
    local ours = add()
    assert.equal(C.moon_conn_slot(ours.id), C.moon_conn_slot(theirs.id))
    assert.is_nil(find(theirs.id))
    assert.is_true(C.moon_conns_find(other, ours.id) == nil)
  end)

  it("says in the id which thread and which slot it is", function()
    for _, thread in ipairs { 1, 2, 128, tonumber(C.MOON_MAX_THREADS) } do
      conns = create(thread, 600)
      local slots = {}
      for _ = 1, 600 do
        local conn = add()
        assert.equal(thread, C.moon_conn_thread(conn.id))
        slots[C.moon_conn_slot(conn.id)] = true
      end
      for slot = 0, 599 do assert.is_true(slots[slot]) end
    end
  end)

  it("holds as many as it was told to, and one more when one has gone", function()
    for _, max_conns in ipairs { 0, 1, 2, 255, 256, 257, 300, 512 } do
      conns = create(1, max_conns)
      local last
      for count = 1, max_conns do
        last = add()
        assert.is_not_nil(last)
        assert.equal(count, C.moon_conns_count(conns))
      end
      assert.is_nil(add())
      assert.equal(max_conns, C.moon_conns_count(conns))
      if last ~= nil then
        C.moon_conns_remove(conns, last)
        assert.equal(max_conns - 1, C.moon_conns_count(conns))
        assert.is_not_nil(add())
        assert.is_nil(add())
      end
    end
  end)

  it("never gives an id twice, and finds exactly those that are there", function()
    local random = core.random(23)
    conns = create(255, 700)
    local seen, here, gone = {}, {}, {}
    for _ = 1, 20000 do
      if #here > 0 and random(1, 100) <= 48 then
        local at = random(1, #here)
        local conn = find(here[at])
        gone[random(1, 500)] = here[at]
        here[at] = here[#here]
        here[#here] = nil
        C.moon_conns_remove(conns, conn)
      else
        local conn = add()
        assert.equal(#here == 700, conn == nil)
        if conn ~= nil then
          local id = id_of(conn)
          assert.is_nil(seen[id])
          assert.is_true(id > 0 and id < 2 ^ 53)
          seen[id] = true
          here[#here + 1] = id
        end
      end
      assert.equal(#here, C.moon_conns_count(conns))
      local old = gone[random(1, 500)]
      if old ~= nil then assert.is_nil(find(old)) end
      if #here > 0 then assert.equal(here[1], id_of(find(here[1]))) end
    end
    local walked = walk()
    table.sort(walked)
    table.sort(here)
    assert.same(here, walked)
  end)

  it("gives ids beyond 32 bits that a Lua number holds exactly", function()
    for _ = 1, 100 do C.moon_conns_remove(conns, add()) end
    local conn = add()
    assert.is_true(id_of(conn) > 2 ^ 32)
    assert.is_true(ffi.cast("uint64_t", id_of(conn)) == conn.id)
  end)

  it("retires a slot whose generations are used up, with ids under 2^53 to the end", function()
    local max_generation = tonumber(C.MOON_MAX_GENERATION)
    conns = create(255, 1)
    local first = add()
    local slot = C.moon_conn_slot(first.id)
    for _ = 2, max_generation do
      C.moon_conns_remove(conns, first)
      C.moon_conns_add(conns)
    end
    local last_id = id_of(first)
    assert.equal(slot, C.moon_conn_slot(last_id))
    assert.is_true(last_id < 2 ^ 53)
    assert.is_true(last_id > 2 ^ 52)
    C.moon_conns_remove(conns, first)
    local other = add()
    assert.is_not_nil(other)
    assert.are_not.equal(slot, C.moon_conn_slot(other.id))
    assert.is_nil(find(last_id))
    C.moon_conns_remove(conns, other)
    assert.are_not.equal(slot, C.moon_conn_slot(add().id))
  end)

  describe("walk", function()
    it("is over at once when there is nobody", function()
      assert.same({}, walk())
      C.moon_conns_remove(conns, add())
      assert.same({}, walk())
    end)

    it("visits everybody once, past gaps", function()
      local expected = {}
      for i = 1, 900 do
        local conn = add()
        if i % 3 == 0 or (i > 256 and i <= 512) then
          C.moon_conns_remove(conns, conn)
        else
          expected[#expected + 1] = id_of(conn)
        end
      end
      local walked = walk()
      table.sort(walked)
      table.sort(expected)
      assert.same(expected, walked)
    end)

    it("goes on when the one it has given is removed", function()
      local expected = {}
      for i = 1, 600 do expected[i] = id_of(add()) end
      local walked = walk(function(conn) C.moon_conns_remove(conns, conn) end)
      table.sort(walked)
      table.sort(expected)
      assert.same(expected, walked)
      assert.equal(0, C.moon_conns_count(conns))
      assert.same({}, walk())
    end)
  end)

  it("may be destroyed when there is none", function()
    C.moon_conns_destroy(nil)
    assert.equal(0, C.moon_conns_count(conns))
  end)
end)
