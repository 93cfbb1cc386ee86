local reference = require "spec.docs.reference"

describe("docs/lua-api.md", function()
  it("has the reference that the annotations make (./dev docs)", function()
    local text, wanted = reference.document()
    assert.equal(wanted, text)
  end)

  it("describes every function that plugins are given", function()
    local text = reference.text()
    local world = require("spec.support.fake_gate").load({ a = "return function() end" }).world
    local missing = {}
    local gate = getmetatable(world.gate.new({ name = "a", entry = {} }, { gates = {} })).__index
    for name, value in pairs(gate) do
      local is_described = text:find("`gate:" .. name .. "(", 1, true)
        or text:find("`" .. name .. "`: ", 1, true)
      if type(value) == "function" and not is_described then missing[#missing + 1] = name end
    end
    assert.same({}, missing)
  end)

  it("names no type that is not described", function()
    local text = reference.text()
    local known = { any = true }
    for name in text:gmatch "\n### (%w+)" do known[name] = true end
    assert.is_true(known.How and known.gate and known.Limits)
    assert.matches("#### `gate:on%(type_name, fn%)`", text)
    assert.matches("returns reason`: `\"full\"", text)
  end)
end)
