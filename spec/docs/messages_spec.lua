local json = require "cjson"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local messages = require "spec.support.messages"

--- The rows of the table of a section whose head begins so: lists of cells.
local function rows_of(page, heading, head)
  local section = ("\n" .. page .. "\n## "):match("\n## " .. heading .. "\n(.-)\n## ") .. "\n\n"
  local rows = {}
  local lines = section:match("\n| " .. head .. " |[^\n]*\n|[^\n]*\n(.-\n)\n")
  for line in lines:gmatch "(|[^\n]*)|\n" do
    local cells = {}
    for cell in line:gmatch "| *([^|]*)" do cells[#cells + 1] = cell:match "^(.-)%s*$" end
    rows[#rows + 1] = cells
  end
  return rows
end

local function sorted(set)
  local keys = {}
  for key in pairs(set) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function name_of(cells) return cells[1]:match "`([%l_]+)`" end

describe("what is documented of messages", function()
  local protocol, operations = file.read "docs/protocol.md", file.read "docs/operations.md"
  local gate, ann, bob

  local function load(options)
    gate = fake_gate.load(messages.plugins(), { messages = options or {} })
    ann, bob = gate:connect "ann", gate:connect "bob"
    for _, conn in ipairs { ann, bob } do gate:deliver(conn, { type = "join", room = "tea" }) end
  end

  before_each(function() load() end)

  local function ask(conn, name, fields)
    local message = { type = name, room = "tea" }
    for key, value in pairs(fields or {}) do message[key] = value end
    return gate:deliver(conn, message)
  end

  --- Every request, in an order in which all are granted: name -> data.
  local function all_granted()
    local carl = gate:connect "carl"
    local told = { say = ask(ann, "say", { data = "hello", reply_to = 1, mentions = { "carl" } }) }
    local id = told.say.id
    told.edit = ask(ann, "edit", { message_id = id, data = "HELLO" })
    told.react = ask(ann, "react", { message_id = id, emoji = "👍" })
    told.typing = ask(ann, "typing")
    told.read = ask(ann, "read", { message_id = id })
    told.delete = ask(ann, "delete", { message_id = id })
    return told, carl
  end

  it("are all requests, and what they are granted", function()
    local told = all_granted()
    local handled, documented = {}, {}
    for _, each in ipairs(gate:ctl({ command = "plugins" }).data.requests) do
      if (each.handler or ""):find "^messages" then handled[each.type] = true end
    end
    for _, cells in ipairs(rows_of(protocol, "What is said %(built in%)", "request")) do
      local name, shown = name_of(cells), json.decode(cells[3]:match "`({.-})`")
      local data = told[name]
      documented[name] = true
      for key, value in pairs(data) do
        if (key == "id" or key == "at") then
          assert.equal("number", type(shown[key]), name .. "." .. key)
        else
          assert.same(value, shown[key])
        end
      end
      assert.same(sorted(data), sorted(shown))
      for field in cells[2]:gmatch "`([%l_]+)`[:;]" do
        assert.is_truthy(file.read("scripts/messages.lua"):find("message." .. field, 1, true)
          or file.read("scripts/messages/signs.lua"):find("message." .. field, 1, true)
          or field == "room", field)
      end
    end
    assert.same(sorted(handled), sorted(documented))
  end)

  it("are all pushes with their fields", function()
    local _, carl = all_granted()
    local heard = {}
    for _, conn in ipairs { bob, carl } do
      for _, push in ipairs(conn.heard) do heard[push.type] = push end
    end
    local shown = {}
    for _, cells in ipairs(rows_of(protocol, "What is said %(built in%)", "push")) do
      local fields = { type = true }
      for field in cells[2]:gmatch "`([%l_]+)`" do fields[field] = true end
      shown[name_of(cells)] = true
      assert.same(sorted(fields), sorted(heard[name_of(cells)]))
    end
    assert.same(sorted(heard), sorted(shown))
  end)

  it("are the codes that are theirs", function()
    local source = file.read "scripts/messages.lua" .. file.read "scripts/messages/signs.lua"
      .. file.read "scripts/messages/fields.lua"
    local codes, shown = {}, {}
    for code in source:gmatch 'nil, "([%l_]+)"' do codes[code] = true end
    for code in source:gmatch 'refuse%("([%l_]+)"' do codes[code] = true end
    for _, general in ipairs { "bad_request", "internal", "no_such_room", "unavailable" } do
      assert.is_true(codes[general]) -- no_such_room only other plugins are told
      codes[general] = nil
    end
    for _, cells in ipairs(rows_of(protocol, "What is said %(built in%)", "code")) do
      shown[name_of(cells)] = true
    end
    assert.same(sorted(codes), sorted(shown))
  end)

  it("are all options with their defaults", function()
    local declared, shown = {}, {}
    for name, option in pairs(gate.world.plugin.current().plugins.messages.options) do
      declared[name] = option.default
    end
    for _, cells in ipairs(rows_of(operations, "Messages of the chat", "option")) do
      shown[name_of(cells)] = tonumber(cells[2])
    end
    assert.same(declared, shown)
  end)

  it("is all that other plugins can ask", function()
    local shown = {}
    local rows = rows_of(file.read "docs/lua-api.md", "The messages of the chat",
      'of `gate:use%("messages", "1.0"%)`')
    for _, cells in ipairs(rows) do shown[cells[1]:match "^`(%l+)%("] = true end
    local api = gate.world.plugin.current().plugins.messages.provided.api
    assert.same(sorted(api), sorted(shown))
  end)
end)
