local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local markdown = require "spec.docs.markdown"
local server = require "spec.support.server"

describe("docs/guide.md", function()
  local guide = file.read "docs/guide.md"
  local blocks, gate, ann = {}, nil, nil

  for i, block in ipairs(markdown.blocks("docs/guide.md", "lua")) do blocks[i] = block.code end
  local first, list, second, test, third = unpack(blocks)

  local function load(source)
    gate = fake_gate.load { auth = "return function() end", rooms = file.read "scripts/rooms.lua",
      messages = file.read "scripts/messages.lua", karma = source }
    ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = "tea" })
  end

  local function say(text)
    return gate:deliver(ann, { type = "say", room = "tea", data = { text = text } })
  end

  local function points() return gate.world.state.of("karma").points end

  it("has five pieces of code", function() assert.equal(5, #blocks) end)

  it("says how long the plugins are that it names", function()
    local function lines(path) return select(2, file.read(path):gsub("\n", "")) end
    assert.equal(lines "bindings/templates/plugin.lua",
      tonumber(guide:match "`shout.lua` keeps notes, in (%d+) lines"))
    local longest = 0
    for _, path in ipairs(file.list "examples/plugins/*.lua") do
      longest = math.max(longest, lines(path))
    end
    assert.equal(longest, tonumber(guide:match "`examples/plugins/` has more, of (%d+) lines"))
  end)

  it("shows a first version that works, and keeps its state in the second and the third", function()
    load(first)
    say "bob++"
    assert.equal("bob has 1", ann.heard[#ann.heard].data.text)
    gate:deliver(ann, { type = "say", room = "tea", data = 7 })
    assert.is_truthy(gate:logged "karma#1: after say: ")
    assert(gate:reload { karma = second })
    say "bob++"
    assert.same({ { name = "bob", points = 2 } }, say("/karma").list)
    assert(gate:reload { karma = third })
    assert.same({ bob = { count = 2, last_ms = 0 } }, points())
    say "bob++"
    assert.equal(3, points().bob.count)
  end)

  it("shows a limit that holds", function()
    load(second)
    for _ = 1, 7 do say "bob++" end
    assert.equal(5, points().bob)
    gate:later(60000)
    say "bob++"
    assert.equal(6, points().bob)
  end)

  it("shows a list that is one", function()
    local entries = fake_gate.load({ a = "return function() end" }).world.list
    local value = loadstring(list)()
    assert.equal("karma", table.remove(value, 8)) -- it is not in scripts/
    assert.same(loadfile "scripts/init.lua"(), value)
    assert.equal(8, #entries.read("scripts", value))
  end)

  describe("shows a test", function()
    local folder

    before_each(function()
      folder = file.folder()
      file.run(("mkdir -p %s/scripts/spec && cp -r scripts/* %s/scripts"):format(folder, folder))
    end)
    after_each(function() file.run("rm -rf " .. folder) end)

    --- As the guide has it run: in the folder of the repository, which is another here.
    local function run(plugin, its_test, options)
      file.write(folder .. "/scripts/karma.lua", plugin)
      file.write(folder .. "/scripts/spec/karma_spec.lua", its_test)
      return server.run_to_end({ "-c", ("cd %s && exec %s test %s --app scripts"):format(folder,
        file.output("readlink -f " .. server.BINARY):match "[^\n]+", options) }, "/bin/sh")
    end

    local function passes(plugin, its_test, options)
      local status, out = run(plugin, its_test, options)
      assert.equal(0, status, out)
      assert.matches("1 success / 0 failures", out)
    end

      local function replaced(text, part, by)
      local first_at, last = text:find(part)
      return text:sub(1, assert(first_at) - 1) .. by .. text:sub(last + 1)
    end

    it("that passes", function()
      for _, options in ipairs { "", "--live" } do passes(second, test, options) end
    end)

    it("that fails for what is logged, with the change that it names", function()
      local section = guide:match "\n## A test\n(.-)\n## "
      local said = assert(section:match "where the test ends, `([^`]+)`: it passes")
      local mistake = assert(section:match "`(local text = [^`]+)` in place of the line")
      local longer = replaced(test, "\n  end%)\nend%)\n$",
        "\n    " .. said .. "\n  end)\nend)\n")
      passes(second, longer, "")
      local status, out = run(replaced(second, "local text = [^\n]*", mistake), longer, "")
      assert.equal(1, status, out)
      local line = assert(section:match "```\n(logged, and not expected: [^\n]+)\n```")
      assert.is_truthy(out:find(line, 1, true), out)
    end)
  end)

  --- The line as the guide has it, with the folder of the spec's app in place of scripts/.
  local function logs(text)
    local wanted = text:gsub("scripts/", gate.folder .. "/", 1):gsub(" scripts/",
      " " .. gate.folder:gsub("%%", "%%%%") .. "/")
    assert.is_truthy(guide:find(text, 1, true), "the guide does not show it: " .. text)
    assert.is_truthy(gate:logged(wanted), wanted)
  end

  it("shows what the log says of a plugin that is listed, and of a file that is not", function()
    local app = file.scripts("limits", "auth", "presence", "rooms", "messages",
      "moderation", "server_api", "router")
    app.init = list:gsub(' *"karma",\n', "")
    gate = fake_gate.load(app)
    gate:reload { karma = first }
    assert.is_nil(gate.world.plugin.current().plugins.karma)
    assert(gate:reload { init = list })
    local line = guide:match "`(generation 2: [^`]+)`"
    assert.is_truthy(gate:logged(line), line)
  end)

  it("says which option is in the way of the third version", function()
    load(second)
    assert(gate:reload({}, { karma = { per_minute = 3 } }))
    gate:reload { karma = third }
    assert.is_truthy(gate:logged(guide:match '`(has no option "[^`]+)`'))
  end)

  it("shows how a generation that fails goes, with other numbers", function()
    load(second)
    assert(gate:reload { karma = first })
    for _ = 1, 10 do gate:deliver(ann, { type = "say", room = "tea", data = 7 }) end
    gate:later(1)
    local lines = guide:match "\n(error plugin: 10 of .-)\n```"
    for level, text in lines:gmatch "(%l+) +plugin: ([^\n]+)" do
      local pattern = text:gsub("%p", "%%%0"):gsub("%d+", "%%d+")
      local found
      for _, line in ipairs(gate.log) do
        found = found or line.level == level and line.text:find(pattern)
      end
      assert.is_truthy(found, text)
    end
  end)

  it("shows what a rollback by hand prints, and the file stays out of force", function()
    load(second)
    assert(gate:reload { karma = second .. "\n" })
    assert(gate:reload { karma = second .. "\n\n" })
    local text = guide:match "prints the same: `([^`]+)`"
    assert.equal(text, gate:ctl({ command = "rollback" }).text)
    gate:reload {}
    assert.equal(2, gate.world.plugin.current().generation)
    assert(gate:reload { karma = second .. "\n\n\n" })
    assert.equal(4, gate.world.plugin.current().generation)
  end)

  it("shows messages that are real", function()
    load(second)
    assert(gate:reload { karma = second .. "\n" })
    gate:reload { karma = (first:gsub("conn.user then return", "conn.user return")) }
    logs("generation 2 goes on: scripts/karma.lua:11: 'then' expected near 'return'")
    gate:reload({ karma = second }, { karma = { per_minute = 0 } })
    logs('generation 2 goes on: scripts/init.lua: plugin "karma": option "per_minute": expected an '
      .. "integer of at least 1, got 0")
    points().bob = { count = 1 }
    gate:reload({ karma = (third:gsub("count = count,", "count = count + 1,")) }, {})
    logs("scripts/karma.lua: the migration to version 1 failed: scripts/karma.lua:10: attempt to "
      .. "perform arithmetic on local 'count' (a table value) (with name = \"bob\")")
  end)
end)
