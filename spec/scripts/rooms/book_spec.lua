local json = require "cjson"
local file = require "spec.support.file"
local houses = require "spec.support.house"

-- The store of these specs is the one in memory, unless a spec puts another in front of it.
describe("rooms in the store", function()
  --- Begins the function of rooms.lua: a store of its own, which takes 10 ms for each call, has two
  --- entries a page, refuses what gate.state.refuse says, and shows what it has been asked.
  local STORE = [==[
    local state, store = gate.state, {}
    state.entries = state.entries or gate.json.decode(%q)
    state.calls = state.calls or {}

    local function call(what, key)
      table.insert(state.calls, what .. " " .. key)
      gate:sleep(10)
      return state.refuse
    end

    local function write(what, key, text)
      local refused = call(what, key)
      if refused then return nil, refused end
      state.entries[key] = text
      return true
    end

    function store:put(key, value) return write("put", key, gate.json.encode(value)) end
    function store:delete(key) return write("delete", key) end

    function store:scan(prefix, options)
      local refused = call("scan", options.after or prefix)
      if refused then return nil, refused end
      local keys, list = {}, {}
      for key in pairs(state.entries) do
        if not options.after or key > options.after then keys[#keys + 1] = key end
      end
      table.sort(keys)
      for i = 1, math.min(#keys, 2) do
        local text = state.entries[keys[i]]
        list[i] = { key = keys[i], value = gate.json.decode("[" .. text .. "]")[1] }
      end
      return list, #keys > 2 and keys[2] or nil
    end

    local fields = getmetatable(gate).__index
    rawset(fields, "store", store)
    rawset(fields.facts, "has_store", true)
  ]==]

  local function text_with_store(entries)
    local texts = {}
    for key, value in pairs(entries or {}) do texts[key] = json.encode(value) end
    local first = STORE:format(json.encode(texts))
    local text, count = file.read "scripts/rooms.lua":gsub("return function%(gate%)\n",
      function(line) return line .. first end)
    assert(count == 1)
    return text
  end

  local house, gate, ann

  local function open(entries, refuse)
    local text = text_with_store(entries)
    if refuse then
      text = text:gsub("return function%(gate%)\n", function(line)
        return line .. ("gate.state.refuse = %q\n"):format(refuse)
      end)
    end
    house = houses.open(nil, { rooms = text })
    gate = house.gate
    ann = gate:connect "ann"
  end

  local function ask(...) return house:ask(...) end
  local function state() return gate.world.state.of "rooms" end
  local function entry(name)
    local text = state().entries["room:" .. name]
    return text and gate.world.json.decode(text)
  end

  it("are written after each change, the newest last", function()
    open()
    gate:later(100)
    ask(ann, "create", "tea", { title = "Tea" })
    gate:later(20)
    local kept = entry "tea"
    assert.same({ "tea", "public", "Tea", "ann" },
      { kept.name, kept.kind, kept.title, kept.owner })
    for n = 1, 20 do ask(ann, "set", "tea", { topic = "topic " .. n }) end
    gate:later(100)
    assert.equal("topic 20", entry("tea").topic)
    assert.is_true(#state().calls < 6) -- not one for each
    assert.same({}, state().dirty)
  end)

  it("have nothing of rooms that a join has made, nor of who is in", function()
    open()
    gate:later(100)
    ask(ann, "join", "bar")
    ask(ann, "create", "tea")
    ask(ann, "join", "tea")
    gate:later(100)
    assert.is_nil(entry "bar")
    assert.is_nil(entry("tea").users)
    assert.is_nil(entry("tea").members)
  end)

  it("are taken out when they are deleted, and moved when they are renamed", function()
    open()
    gate:later(100)
    ask(ann, "create", "tea")
    gate:later(100)
    ask(ann, "rename", "tea", { name = "chai" })
    gate:later(100)
    assert.is_nil(entry "tea")
    assert.equal("chai", entry("chai").name)
    for n = 1, 8 do
      ask(ann, "create", "one" .. n) -- and while that is written:
      ask(ann, "rename", "one" .. n, { name = "two" .. n })
      gate:later(100)
      local calls = table.concat(state().calls, "\n")
      assert.is_true(calls:find("put room:two" .. n) < calls:find("delete room:one" .. n))
    end
    ask(ann, "archive", "chai")
    ask(ann, "delete_room", "chai")
    gate:later(100)
    assert.is_nil(entry "chai")
  end)

  local function record(name, more)
    local made = { name = name, kind = "public", owner = "ann", created_at = 1,
      used_at = 1760000000000, options = { history = 7 }, roles = { bob = "moderator" } }
    for key, value in pairs(more or {}) do made[key] = value end
    return made
  end

  it("are there again after a restart, in as many pages as it takes", function()
    local entries = {}
    for n = 1, 5 do entries["room:r" .. n] = record("r" .. n) end
    open(entries)
    local answer = gate:ask(ann, { type = "describe", room = "r5" })
    assert.is_false(answer.is_given) -- it waits
    gate:later(100)
    assert.same({ "owner", 7, 10000, { bob = "moderator" } }, { answer.data.role,
      answer.data.options.history, answer.data.options.max_members, answer.data.roles })
    assert.equal(5, #ask(ann, "rooms", nil, {}).list)
    assert.equal("moderator", ask(gate:connect "bob", "join", "r1").role)
    assert.same({ "scan room:", "scan room:r2", "scan room:r4" }, state().calls)
  end)

  it("may be nobody's", function()
    open { ["room:tea"] = { name = "tea", kind = "public", created_at = 1 } }
    gate:later(1000)
    assert.equal("guest", ask(ann, "join", "tea").role)
    ann.state.admin = true
    ask(ann, "archive", "tea")
    assert.is_truthy(ask(ann, "delete_room", "tea"))
  end)

  it("count as their owner's", function()
    local entries = {}
    for n = 1, 50 do entries[("room:r%02d"):format(n)] = record(("r%02d"):format(n)) end
    open(entries)
    gate:later(1000)
    assert.equal("too_many_rooms", house:refused(ann, "create", "tea"))
  end)

  it("that are none are left alone, and the log names them", function()
    open { ["room:good"] = record "good", ["room:bad"] = record "other",
      ["room:worse"] = record("worse", { kind = "cave" }), ["room:odd"] = 7,
      ["room:king"] = record("king", { roles = { bob = "king" } }),
      ["room:old"] = record("old", { options = { history = -1 } }) }
    gate:later(1000)
    assert.equal(1, #ask(ann, "rooms", nil, {}).list)
    for _, text in ipairs { 'entry "room:bad" is left alone: name: is another than its key',
      '"room:worse" is left alone: kind: there is none of that name',
      '"room:king" is left alone: roles: there are others',
      '"room:odd" is left alone: expected a table',
      '"room:old" is left alone: data.options.history: expected' } do
      assert.is_truthy(gate:logged(text), text)
    end
    assert.is_truthy(state().entries["room:odd"])
  end)

  it("are read as soon as the store can; until then joins are refused for a while", function()
    open({ ["room:tea"] = record "tea" }, "store_failed")
    local answer = gate:ask(ann, { type = "join", room = "tea" })
    gate:later(2000)
    assert.same({ "unavailable", true }, { answer.code, answer.temporary })
    assert.is_truthy(gate:logged "the rooms cannot be read: store_failed")
    state().refuse = nil
    gate:later(2000)
    assert.equal("public", ask(ann, "join", "tea").kind)
    assert.matches('plugin_rooms_store_failures_total{operation="read"} [23]\n',
      gate.world.metric.text())
  end)

  it("whose names would be refused today are there all the same, and can get others", function()
    local marks = { "\204\129mark", "\204\129mark 2" }
    open { ["room:" .. marks[1]] = record(marks[1]), ["room:" .. marks[2]] = record(marks[2]) }
    ann.state.admin = true
    assert.equal("public", ask(ann, "join", marks[1]).kind) -- and that waits until they are read
    assert.is_truthy(ask(ann, "describe", marks[1]))
    assert.equal("bad_room", house:refused(ann, "rename", marks[1], { name = "\204\129" }))
    assert.equal("mark", ask(ann, "rename", marks[1], { name = "mark" }).room)
    assert.is_truthy(ask(ann, "archive", marks[2]))
    assert.is_truthy(ask(ann, "delete_room", marks[2]))
    for _, name in ipairs(marks) do
      local _, code, text = ask(ann, "join", name)
      assert.equal("bad_room", code)
      assert.matches("begins with a combining mark", text)
    end
  end)

  it("are written as soon as the store can", function()
    open()
    gate:later(100)
    state().refuse = "full"
    ask(ann, "create", "tea")
    gate:later(1500)
    assert.is_truthy(gate:logged 'room "tea" is not saved: full')
    assert.is_nil(entry "tea")
    state().refuse = nil
    gate:later(2000)
    assert.equal("tea", entry("tea").name)
  end)

  it("that are too big are not tried again and again", function()
    open()
    gate:later(100)
    state().refuse = "too_big"
    ask(ann, "create", "tea")
    gate:later(60000)
    assert.equal(2, #state().calls) -- the scan, and the one put
    local _, level = gate:logged 'room "tea" is not saved: too_big'
    assert.equal("error", level)
    state().refuse = nil
    ask(ann, "set", "tea", { topic = "x" })
    gate:later(100)
    assert.equal("x", entry("tea").topic)
  end)

  it("survive a reload in the middle of a write", function()
    open()
    gate:later(100)
    ask(ann, "create", "tea")
    assert(gate:reload())
    gate:later(1000)
    assert.equal("tea", entry("tea").name)
    assert.equal("owner", ask(ann, "describe", "tea").role)
    assert.equal("room_exists", house:refused(ann, "create", "tea"))
  end)

  it("are in memory when there is no file, with a warning", function()
    house = houses.open()
    gate = house.gate
    ann = gate:connect "ann"
    assert.is_truthy(ask(ann, "join", "bar"))
    assert.is_nil(gate:logged "--store")
    assert.is_truthy(ask(ann, "create", "tea"))
    assert.is_truthy(gate:logged "the server runs without --store")
  end)
end)
