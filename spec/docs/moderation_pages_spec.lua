local json = require "cjson"
local courtrooms = require "spec.support.courtroom"
local file = require "spec.support.file"

--- The cells of the rows of the first table below a heading.
local function rows_of(page, heading)
  local section = page:match("\n##+ " .. heading .. "\n(.-)\n##")
  local rows, is_begun = {}, false
  for line in section:gmatch "[^\n]*" do
    if line:sub(1, 1) == "|" then
      local cells = {}
      for cell in line:gmatch "| *([^|]*)" do cells[#cells + 1] = cell:match "^(.-)%s*$" end
      rows[#rows + 1], is_begun = cells, true
    elseif is_begun and line ~= "" then
      break
    end
  end
  return { select(3, unpack(rows)) } -- without its head
end

describe("the pages about moderation", function()
  local protocol, operations = file.read "docs/protocol.md", file.read "docs/operations.md"
  local rows = rows_of(protocol, "Moderation")
  local courtroom, shown

  before_each(function()
    courtroom = courtrooms.open()
    shown = {}
    for _, cells in ipairs(rows) do
      for name in cells[1]:gmatch "`([%l_]+)`" do
        shown[name] = json.decode(cells[3]:match "`({.-})`" or "null")
      end
    end
  end)

  local SPAM = { user = "bob", reason = "spam", duration_ms = 60000 }

  --- The value with all times as the page has them.
  local function dated(value)
    if type(value) ~= "table" then return value end
    local same = {}
    for key, element in pairs(value) do
      local is_time = key == "at" or key == "expires_at"
      if key == "message_id" then element = 17600000000000 end
      same[key] = is_time and 1760000000000 + (key == "at" and 0 or 60000) or dated(element)
    end
    return same
  end

  local function granted(who, name, data) return dated((courtroom:ask(who, name, data))) end

  it("show what each request is granted", function()
    local id = courtroom:ask("carl", "say", "hello").id
    assert.same(shown.report, granted("bob", "report", { message_id = id, why = "spam" }))
    assert.equal(id, courtroom:ask("max", "reports").list[1].message_id)
    assert.same(shown.reports, granted("max", "reports"))
    assert.same(shown.ban, granted("max", "ban", SPAM))
    assert.same(shown.audit, granted("max", "audit"))
    assert.same(shown.unban, granted("max", "unban", { user = "bob" }))
    assert.same(shown.slow_mode, granted("max", "slow_mode", { slow_mode_ms = 5000 }))
    for _, name in ipairs { "shadow_mute", "mute" } do
      assert.same(shown.ban, granted("max", name, SPAM))
    end
    assert.same(shown.appeal, granted("bob", "appeal", { text = "sorry" }))
    assert.same(shown.bans, granted("max", "bans"))
    assert.same(shown.unban, granted("max", "unmute", { user = "bob" }))
    courtroom:ask("bob", "join")
    assert.same(shown.kick, granted("max", "kick", { user = "bob", reason = "spam" }))
  end)

  it("have all requests, and who may make them without a room", function()
    local handled, found = {}, {}
    for _, each in ipairs(courtroom.gate:ctl({ command = "plugins" }).data.requests) do
      local owner = each.handler and (each.handler.plugin or each.handler)
      if owner and tostring(owner):find "^moderation" then handled[#handled + 1] = each.type end
    end
    for _, cells in ipairs(rows) do
      for name in cells[1]:gmatch "`([%l_]+)`" do
        found[#found + 1] = name
        local _, _, text = courtroom:ask("root", name, { user = "bob", address = nil,
          slow_mode_ms = 1, message_id = 1, why = "x", text = "x" }, false)
        local is_for_rooms = text == "room: expected a string"
        assert.equal(cells[1]:find "%(" == nil, is_for_rooms, name)
      end
    end
    table.sort(handled)
    table.sort(found)
    assert.same(handled, found)
  end)

  it("show the push as it is", function()
    courtroom:ask("max", "ban", SPAM)
    local heard = courtroom:heard "bob"
    assert.same(json.decode(protocol:match '`({"type":"moderated".-})`'), dated(heard[#heard]))
  end)

  it("have the commands that there are", function()
    local about = courtroom:ask("max", "say", "/help").commands
    local found = {}
    for _, each in ipairs(about) do found[each.name] = each.about end
    for name in pairs(shown) do
      local is_list = name == "reports" or name == "audit"
      local command = name == "slow_mode" and "slow" or name
      assert.equal(not is_list, found[command] ~= nil, name)
    end
  end)

  it("have each option with its default", function()
    local declared, found = {}, {}
    for name, spec in pairs(courtroom.gate.world.plugin.current().plugins.moderation.options) do
      declared[name] = spec.default
    end
    for _, cells in ipairs(rows_of(operations, "Moderation")) do
      local default = cells[2]:match "^`(.*)`$"
      found[cells[1]:match "`([%l_]+)`"] = assert(loadstring("return " .. default))()
    end
    assert.same(declared, found)
  end)

  it("name all codes", function()
    local codes = {}
    local section = protocol:match "\n## Error codes\n(.-)\n##"
    for line in section:gmatch "\n(| `[^\n]+)" do
      for code in line:match("^| ([^|]*)"):gmatch "`([%l_]+)`" do codes[code] = true end
    end
    local count = 0
    for _, path in ipairs(file.list "scripts/moderation.lua scripts/moderation/*.lua") do
      for code in file.read(path):gmatch 'return nil, "([%l_]+)"' do
        count = count + 1
        local is_rooms = code == "no_such_room" or codes[code]
        assert.is_true(is_rooms, code)
      end
    end
    assert.is_true(count > 20)
    for _, code in ipairs { "banned", "muted", "refused_word", "refused_link" } do
      assert.is_true(codes[code], code)
    end
  end)

  it("have the API that there is", function()
    local text = operations:match "where verb is (.-),\n`by`"
    local verbs, found = {}, {}
    for name in text:gmatch "`([%l_]+)`" do found[#found + 1] = name end
    for name in pairs(courtroom.gate.world.plugin.current().plugins.moderation.provided.api) do
      verbs[#verbs + 1] = name
    end
    table.sort(found)
    table.sort(verbs)
    assert.same(verbs, found)
  end)
end)
