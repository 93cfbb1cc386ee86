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
    gate = fake_gate.load({ auth = file.read "scripts/auth.lua",
      presence = file.read "scripts/presence.lua", rooms = file.read "scripts/rooms.lua",
      messages = file.read "scripts/messages.lua",
      router = file.read "scripts/router.lua" }, { rooms = { large_room = 2 } })
    ann = connect()
    ask(ann, { type = "auth", data = { name = "ann", key = "secret" } })
    ask(ann, { type = "join", room = "tea" })
    bob = connect()
  end)

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

  --- What Bob asks, in an order in which all is granted.
  local ASKED = { { "join", "tea" }, { "members", "tea" }, { "rooms" },
    { "ping" }, { "direct", nil, { user = "ann" } },
    { "create", "den", { kind = "private", title = "Den", topic = "hush" } }, { "describe", "den" },
    { "role", "den", { user = "ann", role = "moderator" } },
    { "set", "den", { title = "The den" } },
    { "invite", "den", { user = "ann" } }, { "rename", "den", { name = "cave" } },
    { "archive", "cave" }, { "unarchive", "cave" }, { "delete_room", "cave" }, { "leave", "tea" },
    { "resign", "@ann,bob" } }

  --- Times and codes as the page has them.
  local function as_shown(data)
    if data.at then data.at = 1760000000000 end
    if data.created_at then data.created_at = 1760000000000 end
    if data.expires_at then data.expires_at = 1760604800000 end
    if data.code then data.code = "token" end
    return data
  end

  --- What each request is granted. Ann joins, once she may, the room that Bob has made.
  local function granted(ann_joins)
    local data = { auth = ask(bob, { type = "auth", data = { name = "bob" } }).data }
    granted_presence(data)
    for _, request in ipairs(ASKED) do
      local name = request[1]
      if name == "delete_room" then ask(bob, { type = "archive", room = "cave" }) end
      local reply = ask(bob, { type = name, room = request[2], data = request[3] })
      data[name] = as_shown(assert(reply.data, name .. " is refused"))
      if name == ann_joins then ask(ann, { type = "join", room = "den" }) end
    end
    data.logout = ask(bob, { type = "logout" }).data
    data.auth.user = "ann"
    return data
  end

  it("shows what the requests of the default app are granted, and leaves out none", function()
    local data, documented = granted(), {}
    for _, cells in ipairs(rows_of(page, "Requests %(built in%)")) do
      local name, shown = cells[1]:match "`([%l_]+)`", cells[3]:match "`({.-})`"
      documented[#documented + 1] = name
      assert.same(json.decode(shown), data[name], name)
    end
    table.sort(documented)
    assert.same(keys_of(data), documented)
    local handled = {}
    for _, each in ipairs(gate:ctl({ command = "plugins" }).data.requests) do
      -- What is said: messages_spec.lua.
      local is_here = each.handler and not each.handler:find "^messages"
      if is_here then handled[#handled + 1] = each.type end
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
    local carl = connect() -- Bob has logged out
    ask(carl, { type = "auth", data = { name = "carl" } })
    local refused = ask(carl, request)
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
      shown[#shown + 1] = { tonumber(cells[2]), tonumber(cells[3]:match "^(%d+) per %l+$") }
    end
    local types, by_address = found.types, found.types_by_address
    assert.same({ { found.user_burst, found.user_per_second },
      { types.say.burst, types.say.per_second },
      { types.status.burst, types.status.per_second },
      { types.rooms.burst, types.rooms.per_second },
      { found.room.burst, found.room.per_second },
      { found.address_burst, found.address_per_second },
      { by_address.create.burst, by_address.create.per_minute },
      { by_address.direct.burst, by_address.direct.per_minute },
      { by_address.invite.burst, by_address.invite.per_minute },
      { by_address.register.burst, by_address.register.per_minute },
      { by_address.role.burst, by_address.role.per_minute } }, shown)
  end)

  --- Three more come at once to the room where Ann is, which makes it large.
  local function crowd_in()
    for n = 1, 3 do
      local conn = connect()
      ask(conn, { type = "auth", data = { name = "u" .. n } })
      ask(conn, { type = "join", room = "tea" })
    end
    gate:later(1000)
  end

  it("names the fields of all pushes", function()
    granted "role"
    crowd_in()
    for _, cells in ipairs(rows_of(page, "Pushes %(built in%)")) do
      local name, fields = cells[1]:match "`([%l_]+)`", { "type" }
      for field in cells[2]:gmatch "`([%l_]+)`" do fields[#fields + 1] = field end
      table.sort(fields)
      assert.same(fields, keys_of(last(ann, name) or {}), name)
    end
  end)

  it("has the permissions as they are, and the options", function()
    local permissions, options = require "rooms.permissions", require "rooms.options"
    local rows, count = page:match "\n| action |(.-)\n\n", 0
    local heads = {}
    for kind in rows:match("^[^\n]+"):gmatch "%l+" do heads[#heads + 1] = kind end
    assert.same(permissions.KINDS, heads)
    for action, cells in rows:gmatch "\n| `([%l_]+)` |([^\n]+)" do
      local place = 0
      for least in cells:gmatch "%l+" do
        place, count = place + 1, count + 1
        local record = { kind = heads[place], options = options.read(), roles = {} }
        for _, role in ipairs(permissions.ROLES) do
          local may = least ~= "nobody" and permissions.is_at_least(role, least)
          assert.equal(may, permissions.may(role, record, action) or false,
            ("%s %s %s"):format(role, action, heads[place]))
        end
      end
    end
    assert.equal(#permissions.ACTIONS * #permissions.KINDS, count)
    for name, value in pairs(options.read()) do
      local shown = page:match("\n| `" .. name .. "` | [^|]*%((.-)%) |")
      if value == 2592000000 then value = "30 days" end
      assert.equal(tostring(value), (shown:gsub("`", "")))
    end
  end)

  describe("closing", function()
    local rows = rows_of(page, "Closing")

    it("has the codes of the core, with their words", function()
      local documented = {}
      for _, cells in ipairs(rows) do documented[cells[2]:match "`([%w_]+)`" or ""] = cells[1] end
      local count = 0
      for name, code in file.read("core/reason.c"):gmatch '{"([%w_]+)", (%d+)}' do
        if tonumber(code) > 1000 and code ~= "1006" then
          assert.equal(code, documented[name], name)
          count = count + 1
        end
      end
      assert.equal(9, count)
    end)

    it("tells for each code whether to reconnect, as its hundreds do", function()
      local codes = {}
      for _, cells in ipairs(rows) do
        local code = tonumber(cells[1])
        if code and code >= 4000 then
          codes[#codes + 1] = code
          assert.equal(code >= 4500, cells[4]:find "not reconnect" ~= nil, cells[1])
          assert.is_truthy(cells[4]:find "reconnect", cells[1])
        end
      end
      for i = 2, #codes do assert.is_true(codes[i - 1] < codes[i]) end
      assert.is_true(#codes >= 12)
    end)

    it("names codes that a script may use", function()
      for _, cells in ipairs(rows) do
        local word = cells[2]:match "`script` %(`([%w_]+)`"
        if word then
          local conn = connect()
          assert.same({ true }, { conn:close(tonumber(cells[1]), word) })
        end
      end
    end)
  end)
end)
