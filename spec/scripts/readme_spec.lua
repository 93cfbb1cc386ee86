local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

describe("the README", function()
  it("shows examples/plugins/dice.lua as it is", function()
    assert.is_truthy(file.read("README.md"):find(file.read "examples/plugins/dice.lua", 1, true))
  end)

  it("shows a plugin's spec that passes", function()
    local shown = file.read("README.md"):match("```lua\n(local fake_gate.-)```")
    local names = {}
    local environment = setmetatable({
      it = function(name, test)
        names[#names + 1] = name
        test()
      end,
    }, { __index = getfenv() })
    setfenv(assert(loadstring(shown)), environment)()
    assert.same({ "throws a die" }, names)
  end)

  it("has a die that only /roll throws", function()
    local gate = fake_gate.load("examples/plugins/dice.lua", nil,
      { with = { "scripts/auth.lua", "scripts/rooms.lua" } })
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = "tea" })
    for _, data in ipairs { "roll", { text = "please /roll" }, { 1 } } do
      gate:deliver(ann, { type = "say", room = "tea", data = data })
      assert.same(data, ann.heard[#ann.heard].data)
    end
  end)
end)
