local json = require "cjson"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

describe("docs/operations.md", function()
  local page = file.read "docs/operations.md"
  local gate

  before_each(function()
    gate = fake_gate.load("scripts/router.lua", nil,
      { with = { "scripts/auth.lua", "scripts/rooms.lua" } })
  end)

  it("shows the help for operators", function()
    local shown = page:match "%$ moongate ctl help\n(.-)\n%$ "
    assert.equal(gate:ctl({ command = "help" }).text, shown)
  end)

  it("has each option of the plugins that limit, with its default", function()
    local shown = {}
    for plugin, names, values in page:gmatch "\n| `(%l+)` | (`[%l_`, ]+) | ([^|]+) |" do
      local value = values:gmatch "[^,]+"
      for name in names:gmatch "`([%l_]+)`" do
        shown[plugin .. "." .. name] = values:match "^`(.*)`$" or value():match "%d+"
      end
    end
    local declared = {}
    gate = fake_gate.load("scripts/presence.lua", nil, { with = { "scripts/limits.lua" } })
    for _, plugin in ipairs { "limits", "presence" } do
      for name, spec in pairs(gate.world.plugin.current().plugins[plugin].options) do
        declared[plugin .. "." .. name] = spec.default
      end
    end
    for name, text in pairs(shown) do
      assert.same(declared[name], assert(loadstring("return " .. text))(), name)
      declared[name] = nil
    end
    assert.same({}, declared)
  end)

  it("shows what a rollback says", function()
    local shown = page:match "%$ moongate ctl rollback\n(.-)\n"
    for n = 2, 4 do assert(gate:reload { dice = "return function() end -- " .. n }) end
    assert.equal(shown, gate:ctl({ command = "rollback" }).text)
  end)

  it("shows what the console leaves in the log", function()
    gate = fake_gate.load { history = [[return function(gate)
      gate.state.kept = { tea = {} }
    end]] }
    gate:ctl { command = "console", arguments = { code = "state.kept.tea = nil" } }
    local said, shown = {}, {}
    for _, line in ipairs(gate.log) do
      if line.text:find "^console: " then said[#said + 1] = line.text end
    end
    for line in page:gmatch "\n%S+Z info  (console: [^\n]+)" do shown[#shown + 1] = line end
    for _, lines in ipairs { said, shown } do
      for i, line in ipairs(lines) do lines[i] = line:gsub("%d+%.?%d*", "0") end
    end
    assert.equal(2, #shown)
    assert.same(said, shown)
  end)

  it("has a row for each metric of the scripts, and says what kind it is", function()
    local written, shown = {}, {}
    for name, kind in page:gmatch "\n| `(moongate_script_[%l_]+)` | (%l+) |" do
      written[name] = kind
    end
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "ping" })
    local plugin = gate.world.plugin.current().plugins.rooms
    gate.world.overrun.switch_off(plugin)
    gate.world.run.enter(plugin, "on join")
    gate.world.overrun.late(1, "")
    gate.world.run.leave()
    local crowded = gate.world.metric.runtime("gauge", "crowded", { labels = { "n" } })
    for n = 1, 1001 do crowded:set(1, n) end
    gate:later(10000)
    local reports = gate.core:issued "report"
    for name, kind in reports[#reports].text:gmatch "# TYPE (moongate_script_%S+) (%l+)\n" do
      shown[name] = kind
    end
    assert.same(shown, written)
  end)

  it("shows what is said on the admin socket", function()
    local lines = {}
    for line in page:match('```\n({"command".-)```'):gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(4, #lines)
    for i = 1, #lines, 2 do
      local shown = json.decode((lines[i + 1]:gsub("%[%.%.%.%]", "[]")))
      local answer = gate:ctl(lines[i])
      local begin = (shown.text or shown.error.message):match "^(.-) ?%.%.%.$"
      assert.equal(begin, (answer.text or answer.error.message):sub(1, #begin))
      for _, field in ipairs { "ok", "data", "error" } do
        assert.equal(type(shown[field]), type(answer[field]))
      end
      for name in pairs(shown.data or {}) do assert.is_truthy(answer.data[name], name) end
      assert.equal((shown.error or {}).code, (answer.error or {}).code)
    end
  end)
end)
