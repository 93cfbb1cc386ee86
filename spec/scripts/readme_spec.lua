local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local server = require "spec.support.server"

describe("the README", function()
  it("shows examples/plugins/dice.lua as it is", function()
    assert.is_truthy(file.read("README.md"):find(file.read "examples/plugins/dice.lua", 1, true))
  end)

  it("shows a plugin's spec that passes", function()
    local shown = file.read("README.md"):match("```lua\n(local test.-)```")
    local path = file.free_path() .. "_spec.lua"
    file.write(path, shown)
    for _, words in ipairs { { "test" }, { "test", "--live" } } do
      for _, word in ipairs { "--app", "examples/plugins", path } do words[#words + 1] = word end
      local status, out = server.run_to_end(words)
      assert.equal(0, status, out)
      assert.matches("1 success / 0 failures", out)
    end
    os.remove(path)
  end)

  it("shows what the log says of a plugin that is new", function()
    local app = { init = file.read "scripts/init.lua" }
    for _, path in ipairs(file.list "scripts/*.lua") do
      local name = path:match "([^/]+)%.lua$"
      app[name] = file.read(path)
    end
    local gate = fake_gate.load(app)
    assert(gate:reload { dice = file.read "examples/plugins/dice.lua",
      init = app.init:gsub("}%s*$", '  "dice",\n}\n') })
    local line = file.read("README.md"):match "info  plugin: (generation 2: .-); took"
    assert.is_truthy(gate:logged(line), line)
  end)

  it("has a die that only /roll throws", function()
    local gate = fake_gate.load("examples/plugins/dice.lua", nil,
      { with = { "scripts/auth.lua", "scripts/rooms.lua", "scripts/messages.lua" } })
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = "tea" })
    for _, data in ipairs { "roll", { text = "please /roll" }, { 1 } } do
      gate:deliver(ann, { type = "say", room = "tea", data = data })
      assert.same(data, ann.heard[#ann.heard].data)
    end
  end)
end)
