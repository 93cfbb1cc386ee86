local json = require "cjson"
local file = require "spec.support.file"
local library = require "spec.docs.library"
local reference = require "spec.docs.reference"

describe("bindings/library", function()
  local texts = library.texts()

  it("is what the annotations make (./dev docs)", function()
    local there = {}
    for _, path in ipairs(file.list "bindings/library/*.lua") do there[path] = file.read(path) end
    assert.same(texts, there)
  end)

  it("is Lua that does nothing", function()
    for path, text in pairs(texts) do
      assert.is_nil(assert(loadstring(text, path))())
      assert.matches("^%-%-%-@meta\n", text)
    end
  end)

  it("has each function of the reference, with the same parameters", function()
    local count = 0
    for name, rest in reference.text():gmatch "\n#### `(%l+):([^`]+)`" do
      count = count + 1
      local class
      for _, each in ipairs(reference.CLASSES) do class = each.as == name and each or class end
      local text = texts[("bindings/library/%s.lua"):format(class.as)]
      local called = text:match "\nlocal ([%w_]+) = {}\n"
      assert.is_truthy(text:find(("\nfunction %s:%s end\n"):format(called, rest), 1, true), rest)
      assert.is_truthy(text:find(("\n---@class %s\n"):format(class.name), 1, true))
    end
    assert.is_true(count > 50, count)
  end)

  it("has each field of the reference, and none that is private", function()
    local count = 0
    for _, class in ipairs(reference.CLASSES) do
      local section = reference.text():match(("\n### %s\n(.-)\n###"):format(class.as))
        or reference.text():match(("\n### %s\n(.*)$"):format(class.as))
      for field in section:gsub("\n#### .*$", ""):gmatch "\n%- `([^`]+)`: " do
        count = count + 1
        assert.is_truthy(texts[("bindings/library/%s.lua"):format(class.as)]
          :find("---@field " .. field .. " ", 1, true), field)
      end
    end
    assert.is_true(count > 20, count)
    for path, text in pairs(texts) do assert.is_nil(text:find "@field private", path) end
  end)

  it("declares each type once, and all that are named", function()
    local declared = {}
    for _, text in pairs(texts) do
      for name in text:gmatch "%-%-%-@class (moongate%.%u%w*)" do
        declared[name] = (declared[name] or 0) + 1
      end
      for name in text:gmatch "%-%-%-@alias (moongate%.%u%w*)" do
        declared[name] = (declared[name] or 0) + 1
      end
    end
    for name, count in pairs(declared) do assert.equal(1, count, name) end
    for path, text in pairs(texts) do
      for name in text:gmatch "moongate%.%u%w*" do
        assert.is_truthy(declared[name], path .. ": " .. name)
      end
    end
  end)
end)

describe("docs/editor.md", function()
  local page = file.read "docs/editor.md"

  it("shows the settings that moongate new writes", function()
    local shown = page:match "```json\n(.-)```"
    assert.equal(file.read "bindings/templates/luarc.json", shown)
    assert.is_table(json.decode(shown))
  end)

  it("is about a repository whose own settings name folders that are there", function()
    local settings = json.decode(file.read ".luarc.json")
    for _, folder in ipairs(settings["workspace.ignoreDir"]) do
      assert.equal("", file.output("test -d " .. folder .. " || echo " .. folder))
    end
  end)
end)
