require "spec.support.testing"
local apps = require "moongate.test.app"
local file = require "spec.support.file"

describe("app of a test", function()
  local folder

  before_each(function() folder = file.folder() end)
  after_each(function() file.run("rm -rf " .. folder) end)

  local function listed(app)
    local names = {}
    for i, entry in ipairs(loadstring(app:init_text())()) do names[i] = entry[1] end
    return names
  end

  it("lists the door first and the router last", function()
    local app = apps.new(folder, { "a", b = "return 1" })
    assert.same({ "moongate_test_door", "a", "b", "router" }, listed(app))
    assert.equal("return 1", app:text(folder .. "/b.lua"))
  end)

  it("has no router beside that of the test", function()
    local app = apps.new(folder, { "router", "a" })
    assert.same({ "moongate_test_door", "router", "a" }, listed(app))
  end)

  it("takes the entry of the app's own list for a bare name, and not for a text", function()
    file.write(folder .. "/init.lua", 'return { "x", { "a", options = { n = 7 } } }')
    local app = apps.new(folder, { "a" })
    assert.same({ "a", options = { n = 7 } }, app.entries[2])
    app = apps.new(folder, { { "a", options = { n = 8, list = { "x\n", true } } } })
    assert.same({ "a", options = { n = 8, list = { "x\n", true } } },
      loadstring(app:init_text())()[2])
    assert.same({ "a" }, apps.new(folder, { a = "return 1" }).entries[2])
  end)

  it("reads the disk before the plugins of the gateway, and the test's texts before both",
    function()
      local app = apps.new(folder, {})
      local path = folder .. "/rooms.lua"
      assert.equal(file.read "scripts/rooms.lua", app:text(path))
      file.write(path, "-- the app's")
      assert.equal("-- the app's", app:text(path))
      app:save("rooms", "-- the test's")
      assert.equal("-- the test's", app:text(path))
      app:save("rooms", false)
      assert.is_nil(app:text(path))
      assert.is_nil(app:text(folder .. "/other.lua"))
    end)

  it("knows the modules of the gateway's own plugins", function()
    local app = apps.new(folder, {})
    local people = folder .. "/presence/people.lua"
    assert.same({ people }, app:own_modules "presence")
    assert.equal(file.read "scripts/presence/people.lua", app:text(people))
    assert.same({}, app:own_modules "nothing")
  end)

  it("adds what is needed, if it is there, once", function()
    local app = apps.new(folder, { "a" })
    local problem = 'a.lua: needs "rooms", which is not there'
    assert.is_true(app:mend(problem))
    assert.same({ "moongate_test_door", "rooms", "a", "router" }, listed(app))
    assert.is_false(app:mend(problem))
    assert.is_false(app:mend 'a.lua: needs "nobody", which is not there')
  end)

  it("does without the router when another plugin serves its path", function()
    local app = apps.new(folder, { "a" })
    assert.is_true(app:mend 'router.lua: "/ws" is already served by a')
    assert.same({ "moongate_test_door", "a" }, listed(app))
    assert.is_false(app:mend 'router.lua: "/ws" is already served by a')
  end)

  it("lists a plugin that is saved, but no module", function()
    local app = apps.new(folder, {})
    app:save("new", "return 1")
    app:save("words/list", "return 2")
    assert.same({ "moongate_test_door", "router", "new" }, listed(app))
    assert.equal("return 2", app:text(folder .. "/words/list.lua"))
    assert.has_error(function() app:save("init", "return {}") end)
  end)
end)
