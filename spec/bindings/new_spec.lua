local fake_core = require "spec.support.fake_core"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"

local PATHS = "bindings/templates/* bindings/library/*.lua scripts/*.lua scripts/*/*.lua"

describe("new", function()
  local new

  setup(function()
    package.preload["moongate.texts"] = function()
      local texts = {}
      for _, path in ipairs(file.list(PATHS)) do texts[path] = file.read(path) end
      return texts
    end
    new = fake_core.world("moongate.new").new
  end)
  teardown(function() package.preload["moongate.texts"] = nil end)

  it("has a library of all files that ./dev docs has written", function()
    assert.same(file.list "bindings/library/*.lua", new.library())
    assert.is_true(#new.library() > 5)
  end)

  describe("writes a plugin", function()
    local gate, ann

    local function load(options)
      local text = file.read "bindings/templates/plugin.lua":gsub("NAME", "notes")
      gate = fake_gate.load({ notes = text }, { notes = options })
      ann = gate:connect "ann"
    end

    local function ask(name, text) return gate:deliver(ann, { type = name, text = text }) end

    it("that keeps what is said to it", function()
      load()
      assert.equal(1, ask("notes.add", "buy tea").count)
      assert.same({ { user = "ann", text = "buy tea" } }, ask("notes.list").notes)
      assert(gate:reload())
      assert.equal(1, ask("notes.list").count)
    end)

    it("that refuses what it cannot use, and says so", function()
      load()
      for text, code in pairs { [""] = "bad_request", [5] = "bad_request",
        [("x"):rep(201)] = "too_long" } do
        assert.equal(code, select(2, ask("notes.add", text)))
      end
      assert.equal(1, ask("notes.add", ("x"):rep(200)).count)
    end)

    it("that keeps no more than its option says", function()
      load { max_notes = 2 }
      for _, text in ipairs { "one", "two", "three" } do ask("notes.add", text) end
      assert.same({ { user = "ann", text = "two" }, { user = "ann", text = "three" } },
        ask("notes.list").notes)
    end)

    it("whose page names its requests, codes and options", function()
      local page = file.read "bindings/templates/plugin.md"
      local code = file.read "bindings/templates/plugin.lua"
      local count = 0
      for pattern, shown in pairs { ['gate:on%("([^"]+)"'] = '"type":"%s"', ['return "([%l_]+)"'] =
        "`%s`", ['gate:option%("([^"]+)"'] = "`%s`" } do
        for name in code:gmatch(pattern) do
          count = count + 1
          assert.matches(shown:format(name), page, 1, true)
        end
      end
      assert.equal(5, count)
    end)
  end)
end)
