local json = require "cjson"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local markdown = require "spec.docs.markdown"

--- JSON as the documents abbreviate it: three dots stand for any value, or for more of it.
local function decode(text)
  text = text:gsub(":…", ":null"):gsub(",…}", "}"):gsub("%[%.%.%.%]", "[]")
  local ok, value = pcall(json.decode, text)
  return ok and value or nil, not ok and value or nil
end

--- Objects in the text and in the blocks of a document.
local function objects_in(text)
  local found = {}
  for _, span in ipairs(markdown.spans(text)) do
    if span.code:find '^{"' then found[#found + 1] = span.code end
  end
  for _, block in ipairs((markdown.split(text))) do
    for line in block.code:gmatch "[^\n]+" do
      local object = line:match '^%s*({".*)$'
      if object then found[#found + 1] = object end
    end
  end
  return found
end

--- The rows of the table below a heading: lists of cells.
local function rows_of(text, heading)
  local section, rows = text:match("\n## " .. heading .. "\n(.-)\n##"), {}
  for line in section:gmatch "\n(|[^\n]*)|" do
    local cells = {}
    for cell in line:gmatch "| *([^|]*)" do cells[#cells + 1] = cell:match "^(.-)%s*$" end
    rows[#rows + 1] = cells
  end
  return { select(3, unpack(rows)) } -- without its head
end

local function keys_of(object)
  local keys = {}
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

describe("JSON in the documentation", function()
  local count = 0

  for _, path in ipairs(markdown.documents()) do
    it("can be parsed: " .. path, function()
      for _, object in ipairs(objects_in(file.read(path))) do
        count = count + 1
        local _, problem = decode(object)
        assert.is_nil(problem, object)
      end
    end)
  end

  it("is there", function() assert.is_true(count > 15) end)

  it("would not get away with a mistake", function()
    local found = objects_in '`{"a":…}` and `{"a":1,}`\n```\n{"b"}\n```\n'
    assert.same({ '{"a":…}', '{"a":1,}', '{"b"}' }, found)
    assert.same({ a = json.null }, decode(found[1]))
    assert.is_nil((decode(found[2])))
    assert.is_nil((decode(found[3])))
  end)
end)

describe("docs/protocol.md", function()
  local page = file.read "docs/protocol.md"
  local gate, ann, bob

  --- The next connection, and what it has been told.
  local function connect()
    return gate:connect(nil, { path = "/ws", protocol = "moongate.v1.json" })
  end

  local function last(conn, kind)
    for i = #conn.heard, 1, -1 do
      if conn.heard[i].type == kind then return conn.heard[i] end
    end
  end

  local function ask(conn, message)
    message.id = 7
    gate:receive(conn, json.encode(message))
    return last(conn, "reply")
  end

  --- Bob comes to Ann.
  before_each(function()
    gate = fake_gate.load("scripts/router.lua", nil,
      { with = { "scripts/auth.lua", "scripts/presence.lua", "scripts/rooms.lua" } })
    ann = connect()
    ask(ann, { type = "auth", data = { name = "ann", key = "secret" } })
    ask(ann, { type = "join", room = "tea" })
    bob = connect()
  end)

  local ROOM = { room = "tea" }
  local STATUS = { state = "busy", text = "cooking", emoji = "🍲" }

  --- Of the requests about who is there; Ann hears of Bob.
  local function granted_presence(data)
    data.status = ask(bob, { type = "status", data = STATUS }).data
    ask(ann, { type = "status", data = { state = "busy", text = "cooking" } })
    ask(ann, { type = "watch", users = { "bob" } })
    data.watch = ask(bob, { type = "watch", users = { "ann", "carl" } }).data
    data.unwatch = ask(bob, { type = "unwatch", users = { "ann" } }).data
    ask(bob, { type = "status", data = {} })
    gate:later(100)
  end

  --- What each request is granted, in an order in which all are; the time as the page has it.
  local function granted()
    local data = { auth = ask(bob, { type = "auth", data = { name = "bob" } }).data }
    granted_presence(data)
    for _, name in ipairs { "join", "say", "members", "rooms", "ping", "leave" } do
      data[name] = ask(bob, { type = name, room = ROOM.room, data = "hello" }).data
      if data[name].at then data[name].at = 1760000000000 end
    end
    data.auth.user = "ann"
    return data
  end

  it("shows what the requests of the default app are granted, and leaves out none", function()
    local data, documented = granted(), {}
    for _, cells in ipairs(rows_of(page, "Requests %(built in%)")) do
      local name, shown = cells[1]:match "`(%l+)`", cells[3]:match "`({.-})`"
      documented[#documented + 1] = name
      if cells[3] == "as `join`" then shown = json.encode(data.join) end
      assert.same(json.decode(shown), data[name])
    end
    table.sort(documented)
    assert.same(keys_of(data), documented)
    local handled = {}
    for _, each in ipairs(gate:ctl({ command = "plugins" }).data.requests) do
      if each.handler then handled[#handled + 1] = each.type end
    end
    table.sort(handled)
    assert.same(documented, handled)
  end)

  it("shows messages with the fields that they have", function()
    granted()
    local shown = {}
    for _, cells in ipairs(rows_of(page, "Messages")) do
      shown[#shown + 1] = decode(cells[2]:match "`({.-})`")
    end
    assert.equal(4, #shown)
    local request, yes, no, push = unpack(shown)
    assert.is_true(ask(ann, request).ok)
    assert.same(keys_of(yes), keys_of(last(ann, "reply")))
    assert.same(keys_of(push), keys_of(last(ann, "said")))
    local refused = ask(bob, request)
    assert.same(keys_of(no), keys_of(refused))
    assert.same(keys_of(no.error), keys_of(refused.error))
    assert.same({ no.error.code, no.error.temporary },
      { refused.error.code, refused.error.temporary })
  end)

  it("shows presence as it is pushed", function()
    ask(bob, { type = "auth", data = { name = "bob" } })
    ask(ann, { type = "watch", users = { "bob" } })
    gate:close(bob, "lost", 1006)
    gate:later(100)
    local pushed = last(ann, "presence")
    pushed.at = 1760000000000
    assert.same(json.decode(page:match '`({"type":"presence".-})`'), pushed)
  end)

  it("has the rates that the plugin of limits has", function()
    gate = fake_gate.load "scripts/limits.lua"
    local found = {}
    for _, its in ipairs(gate:ctl({ command = "plugins" }).data.plugins[1].options) do
      local ok, value = pcall(json.decode, its.default)
      found[its.name] = ok and value
    end
    local shown = {}
    for _, cells in ipairs(rows_of(page, "Rates")) do
      shown[#shown + 1] = { tonumber(cells[2]), tonumber(cells[3]:match "^(%d+) per second$") }
    end
    local types = found.types
    assert.same({ { found.user_burst, found.user_per_second },
      { types.say.burst, types.say.per_second },
      { types.status.burst, types.status.per_second },
      { found.room.burst, found.room.per_second },
      { found.address_burst, found.address_per_second } }, shown)
  end)

  it("names the fields of all pushes", function()
    granted()
    for _, cells in ipairs(rows_of(page, "Pushes %(built in%)")) do
      local name, fields = cells[1]:match "`(%l+)`", { "type" }
      for field in cells[2]:gmatch "`([%l_]+)`" do fields[#fields + 1] = field end
      table.sort(fields)
      assert.same(fields, keys_of(last(ann, name)))
    end
  end)
end)
