local fake_gate = require "spec.support.fake_gate"
local patterns = require "spec.support.patterns"

describe("the log of a plugin", function()
  local function load(source) return fake_gate.load { a = source } end

  it("logs with the plugin's name and generation", function()
    local gate = load [[return function(gate)
      gate:error("%d%%", 1) gate:warn "two" gate:info "3%" gate:debug "four"
    end]]
    assert.same({
      { level = "error", text = "a#1: 1%" }, { level = "warn", text = "a#1: two" },
      { level = "info", text = "a#1: 3%" }, { level = "debug", text = "a#1: four" },
    }, { gate.log[1], gate.log[2], gate.log[3], gate.log[4] })
  end)

  it("takes no longer for what a value raises instead of being a text", function()
    local gate = load [[return function(gate)
      gate:on("log", function(_, message)
        local value = setmetatable({}, { __tostring = function() error(message.text, 0) end })
        gate:info("%s", value)
      end)
    end]]
    local ann = gate:connect "ann"
    for _, text in ipairs { ("("):rep(5000), ("("):rep(5000) .. ")x", "(" .. (")"):rep(5000) } do
      local expensive = patterns.of(gate.deliver, gate, ann, { type = "log", text = text })
      assert.same({}, expensive)
    end
    assert.is_truthy(gate:logged('gate:info: "%s": ' .. (")"):rep(1000)))
  end)

  it("blames a format on who wrote it", function()
    for source, text in pairs {
      ["gate.info('%d', 1)"] = "gate.info: called with a dot, it is gate:info(...)",
      ["gate:info(nil)"] = "gate:info: expected a string, got nil",
      ["gate:warn('%d', 'x')"] = 'gate:warn: "%d": number expected, got string',
      ["gate:warn('50%! of %s', 'x')"] = 'gate:warn: "50%! of %s": invalid option',
    } do
      local ok, problem = pcall(load, ("return function(gate)\n%s\nend"):format(source))
      assert.is_false(ok)
      assert.is_truthy(problem:find("a.lua:2: " .. text, 1, true), problem)
    end
  end)
end)
