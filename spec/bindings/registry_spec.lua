local fake_core = require "spec.support.fake_core"

describe("registry", function()
  local registry, names

  before_each(function() registry, names = fake_core.world().registry.new(3), {} end)

  --- Adds plugins: name -> list of what it needs.
  local function add(name, ...)
    local plugin = registry:add_plugin { name = name, file = "app/" .. name .. ".lua",
      where = "app/init.lua" }
    plugin.needs = { ... }
    names[#names + 1] = name
    return plugin
  end

  local function problem_of(fn, ...)
    local ok, problem = pcall(fn, ...)
    assert.is_false(ok)
    return problem
  end

  local function finish() registry:finish(names) end

  it("names a plugin with its generation", function()
    assert.equal("rooms#3", add("rooms").label)
  end)

  it("puts a plugin behind all it needs", function()
    add("a", "c", "b")
    add "b"
    add("c", "d")
    add "d"
    registry:finish(names)
    assert.equal("d c b a", table.concat(registry.names, " "))
  end)

  it("leaves plugins that need nothing in the order of loading", function()
    for _, name in ipairs { "init", "auth", "rooms" } do add(name) end
    registry:finish(names)
    assert.equal("init auth rooms", table.concat(registry.names, " "))
  end)

  it("names the file that needs somebody who is not there", function()
    add("rooms", "auth")
    assert.equal('app/rooms.lua: needs "auth", which is not there', problem_of(finish))
  end)

  it("names a cycle", function()
    add("a", "b")
    add("b", "c")
    add("c", "a")
    assert.equal("app/init.lua: a needs b needs c needs a: a cycle", problem_of(finish))
  end)

  it("calls a plugin that needs itself a cycle", function()
    add("a", "a")
    assert.equal("app/init.lua: a needs a: a cycle", problem_of(finish))
  end)

  it("takes two that need the same for no cycle", function()
    add("a", "c")
    add("b", "c")
    add "c"
    registry:finish(names)
    assert.equal("c a b", table.concat(registry.names, " "))
  end)

  it("gathers filters and hooks in the order of need", function()
    local a, b = add("a", "b"), add "b"
    for _, plugin in ipairs { a, b } do
      plugin.before = { { name = "*", fn = print }, { name = "say", fn = print } }
      plugin.after = { { name = "closed", fn = print } }
    end
    registry:finish(names)
    for _, list in ipairs { registry.before["*"], registry.before.say, registry.after.closed } do
      assert.equal(2, #list)
      assert.equal(b, list[1].plugin)
      assert.equal(a, list[2].plugin)
    end
    assert.is_nil(registry.after.opened)
  end)

  it("has one handler for a type", function()
    registry:handle(add "a", "say", print)
    local problem = problem_of(registry.handle, registry, add "b", "say", print)
    assert.matches('"say" is already handled by a$', problem)
    assert.equal("a", registry.on.say.plugin.name)
  end)

  it("has one plugin for a route", function()
    local a, b = add "a", add "b"
    registry:add_route(a, "ws", "/x", {})
    local problem = problem_of(registry.add_route, registry, b, "ws", "/x", {})
    assert.matches('"/x" is already served by a$', problem)
    registry:add_route(a, "GET", "/x", print)
    problem = problem_of(registry.add_route, registry, b, "GET", "/x", print)
    assert.matches('"GET /x" is already served by a$', problem)
    finish()
    assert.equal("ws /x\nGET /x", registry:route_table())
  end)

  it("takes over a plugin of the generation before", function()
    local a = add "a"
    registry:handle(a, "say", print)
    registry:add_route(a, "ws", "/a", {})
    finish()
    local next_one = fake_core.world().registry.new(4)
    next_one:adopt(a)
    local b = next_one:add_plugin { name = "b", file = "app/b.lua" }
    assert.equal("a#3", next_one.plugins.a.label)
    assert.matches('"say" is already handled by a$', problem_of(next_one.handle, next_one, b, "say",
      print))
    assert.matches('"/a" is already served by a$', problem_of(next_one.add_route, next_one, b, "ws",
      "/a", {}))
    next_one:finish { "b", "a" }
    assert.same({ "b", "a" }, next_one.names)
    assert.equal(a, next_one.on.say.plugin)
    assert.equal("ws /a", next_one:route_table())
  end)

  it("writes the routes down for the core, one a line, in order", function()
    local a = add "a"
    registry:add_route(a, "ws", "/ws", { auth = true, protocols = { "one", "two" } })
    registry:add_route(a, "POST", "/api/{name}", print)
    registry:add_route(a, "ws", "/relay/{room}", {})
    finish()
    assert.equal("ws /ws +auth one two\nPOST /api/{name}\nws /relay/{room}",
      registry:route_table())
  end)

  describe("route", function()
    local plugin

    before_each(function() plugin = add "a" end)

    local function serve(kind, ...)
      for _, pattern in ipairs { ... } do
        registry:add_route(plugin, kind, pattern, kind == "ws" and {} or print)
      end
    end

    local function find(kind, path)
      local route, params = registry:find_route(kind, path)
      return route and route.pattern, params
    end

    it("is found with what its braces match", function()
      serve("ws", "/relay/{room}")
      finish()
      assert.same({ "/relay/{room}", { room = "tea" } }, { find("ws", "/relay/tea") })
      assert.is_nil(find("ws", "/relay"))
    end)

    it("is the first of its kind that matches", function()
      serve("GET", "/ws")
      serve("ws", "/{any}", "/ws")
      finish()
      assert.equal("/{any}", find("ws", "/ws"))
      assert.equal("/ws", find("GET", "/ws"))
      assert.is_nil(find("POST", "/ws"))
    end)

    it("is known by its pattern to connections, which HTTP has none of", function()
      serve("GET", "/api")
      serve("ws", "/ws")
      finish()
      assert.equal("/ws", registry.route_of["/ws"].pattern)
      assert.is_nil(registry.route_of["/api"])
    end)
  end)
end)
