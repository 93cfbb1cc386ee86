local client = require "spec.support.client"
local file = require "spec.support.file"
local json = require "cjson"
local server = require "spec.support.server"

describe("moongate new", function()
  local folder

  before_each(function() folder = file.folder() end)
  after_each(function() file.run("rm -r " .. folder) end)

  local function new(...)
    local status, out, err = server.run_to_end { "new", ... }
    return status, (out:gsub(folder:gsub("%p", "%%%0"), "APP")), err
  end

  --- The names of the plugins of the chat.
  local function chat()
    local names = {}
    for _, entry in ipairs(loadfile "scripts/init.lua"()) do names[#names + 1] = entry[1] end
    return names
  end

  --- The plugins of the chat, each with its modules.
  local function written_of_the_chat()
    local lines = {}
    for _, name in ipairs(chat()) do
      lines[#lines + 1] = ("wrote APP/%s.lua\n"):format(name)
      local modules = file.modules(("scripts/%s.lua"):format(name))
      if modules[1] then lines[#lines + 1] = ("wrote APP/%s/*.lua\n"):format(name) end
    end
    return table.concat(lines)
  end

  local function passes(app)
    local status, _, err = server.run_to_end { "check", "--strict", app }
    assert.same({ 0, "" }, { status, err })
  end

  it("writes a plugin, its spec and its page, and an app for it where there is none", function()
    local status, out, err = new("plugin", "notes", "--app", folder)
    assert.same({ 0, "" }, { status, err })
    local wanted = "wrote APP/init.lua\n" .. written_of_the_chat() .. "wrote APP/notes.lua\n"
      .. "wrote APP/spec/notes_spec.lua\nwrote APP/notes.md\nwrote APP/.luarc.json\n"
      .. "wrote APP/.moongate/library/conn.lua\n"
    assert.equal(wanted, out:sub(1, #wanted))
    assert.matches("\nnext: moongate check APP, moongate test --app APP, moongate run APP\n", out,
      1, true)
    assert.matches('gate:on%("notes.add"', file.read(folder .. "/notes.lua"))
    assert.matches('test.gate { "notes" }', file.read(folder .. "/spec/notes_spec.lua"), 1, true)
    assert.matches("^# notes\n", file.read(folder .. "/notes.md"))
    passes(folder)
    for _, how in ipairs { {}, { "--live" } } do
      local outcome, said = server.run_to_end { "test", "--app", folder, unpack(how) }
      assert.equal(0, outcome, said)
      assert.matches("3 successes / 0 failures", said, 1, true)
    end
    local house = server.start { app = folder }
    local ann = client.guest(house.port, "ann")
    assert.equal(1, ann:asks({ type = "notes.add", text = "buy tea" }).data.count)
    ann:close()
    house:stop()
  end)

  it("writes no plugin that a new app has anyway", function()
    local status, out, err = new("plugin", "auth", "--app", folder)
    assert.same({ 1, "" }, { status, out })
    assert.matches("auth: a new app has a plugin of that name already", err, 1, true)
  end)

  it("writes nothing that luacheck complains of", function()
    new("app", folder)
    new("plugin", "notes", "--app", folder)
    assert.matches("Total: 0 warnings / 0 errors in %d%d files",
      file.output("luacheck --no-config --no-color --no-self --std luajit+busted " .. folder))
  end)

  it("says what to add to a list that is there", function()
    file.write(folder .. "/init.lua", "return {}")
    local _, out = new("plugin", "lobby.party", "--app", folder)
    assert.matches('add it to the list in APP/init.lua:\n  "lobby.party",\nnext: ', out, 1, true)
    assert.equal("return {}", file.read(folder .. "/init.lua"))
    file.write(folder .. "/init.lua", 'return { "lobby.party" }')
    assert.is_string(file.peek(folder .. "/spec/lobby/party_spec.lua"))
    passes(folder)
  end)

  it("says what to do where there are plugins and no list", function()
    file.write(folder .. "/rooms.lua", "mine")
    local status, out, err = new("plugin", "notes", "--app", folder)
    assert.same({ 1, "" }, { status, out })
    assert.equal(('moongate new: %s/init.lua: is not there, but %s/rooms.lua is: write the list '
      .. 'of your plugins, return { "rooms" }, or give the folder of the app by --app\n')
      :format(folder, folder), err)
    assert.equal("mine", file.read(folder .. "/rooms.lua"))
    assert.is_nil(file.peek(folder .. "/init.lua"))
  end)

  it("waits for nobody to write into a FIFO, and replaces none", function()
    file.run(("mkfifo %s/notes.lua && mkfifo %s/init.lua"):format(folder, folder))
    local status, _, err = new("plugin", "notes", "--app", folder)
    assert.equal(1, status)
    assert.matches("notes.lua: is there already, and was not replaced", err, 1, true)
  end)

  it("replaces nothing", function()
    file.run("mkdir " .. folder .. "/spec")
    file.write(folder .. "/spec/notes_spec.lua", "mine")
    local status, out, err = new("plugin", "notes", "--app", folder)
    assert.same({ 1, "" }, { status, out })
    assert.matches("spec/notes_spec.lua: is there already, and was not replaced", err, 1, true)
    assert.equal("mine", file.read(folder .. "/spec/notes_spec.lua"))
    assert.is_nil(file.peek(folder .. "/notes.lua"))
    file.write(folder .. "/.luarc.json", "{}")
    new("plugin", "other", "--app", folder)
    assert.equal("{}", file.read(folder .. "/.luarc.json"))
    assert.is_nil(file.peek(folder .. "/.moongate/library/gate.lua"))
  end)

  it("writes an app that serves the chat", function()
    local app = folder .. "/it's new"
    local made, out = new("app", app)
    assert.equal(0, made)
    assert.matches("next: moongate new plugin NAME --app 'APP/it'\\''s new', ", out, 1, true)
    for name in pairs(file.scripts(unpack(chat()))) do
      assert.equal(file.read(("scripts/%s.lua"):format(name)),
        file.read(("%s/%s.lua"):format(app, name)))
    end
    assert.same(loadfile "scripts/init.lua"(), loadfile(app .. "/init.lua")())
    passes(app)
    server.start({ app = app }):stop()
    local status, _, err = new("app", app)
    assert.equal(1, status)
    assert.matches("init.lua: is there already", err, 1, true)
  end)

  it("writes what editors know, again for another version", function()
    new("plugin", "notes", "--app", folder)
    local path = folder .. "/.moongate/library/gate.lua"
    file.write(path, "old")
    assert.equal(0, (new("library", "--app", folder)))
    assert.equal(file.read "bindings/library/gate.lua", file.read(path))
    local settings = json.decode(file.read(folder .. "/.luarc.json"))
    assert.equal("LuaJIT", settings["runtime.version"])
    for _, place in ipairs(settings["workspace.library"]) do
      assert.is_string(file.peek(("%s/%s/gate.lua"):format(folder, place)))
    end
  end)

  it("says what it takes", function()
    for problem, words in pairs {
      ["expected plugin, app or library"] = {},
      ["expected plugin, app or library;"] = { "fly" },
      ["expected NAME"] = { "plugin" },
      ["expected DIR"] = { "app", "" },
      ["more: one word too many"] = { "plugin", "a", "more" },
      ["--fly: unknown option"] = { "plugin", "a", "--fly" },
      ["--app: expected a folder"] = { "plugin", "a", "--app" },
      ["--app: not for a new app"] = { "app", "a", "--app", "b" },
      ["init: no name for a plugin, the list of plugins is init.lua"] = { "plugin", "init" },
      ["../a: expected a name of letters"] = { "plugin", "../a" },
    } do
      local status, out, err = new(unpack(words))
      assert.same({ 2, "" }, { status, out }, problem)
      assert.matches("moongate new: " .. problem, err, 1, true)
    end
    local status, out = new "--help"
    assert.equal(0, status)
    assert.matches("^usage: moongate new plugin NAME", out)
  end)

  it("says why it cannot write", function()
    file.write(folder .. "/file", "")
    local status, _, err = new("plugin", "a", "--app", folder .. "/file")
    assert.equal(1, status)
    assert.matches("file: no folder", err, 1, true)
  end)
end)
