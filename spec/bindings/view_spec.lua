local fake_core = require "spec.support.fake_core"

describe("view", function()
  local world, view, target

  before_each(function()
    world = fake_core.world()
    view = world.view
    target = { list = { 1, { n = 2 } }, name = "x" }
  end)

  local function sees(code, env)
    return setfenv(assert(loadstring(code)), view.environment(env or { target = target }, {}))
  end

  local function returns(code, env) return sees(code, env)() end

  local function refuses(words, code, env)
    local ok, problem = pcall(sees(code, env))
    assert.is_false(ok)
    assert.matches(words, problem, 1, true)
  end

  it("shows what is there, however deep", function()
    assert.equal(2, returns "return target.list[2].n")
    assert.equal(2, returns "return #target.list")
    assert.equal("table", returns "return type(target.list)")
    assert.is_true(returns "return target.list == target.list")
    assert.is_nil(returns "return target.nothing")
  end)

  it("shows what stands for something in JSON as it is", function()
    local json = world.json
    local env = { json = json, target = { json.null, json.empty_list } }
    assert.is_true(returns("return target[1] == json.null and target[2] == json.empty_list", env))
    assert.equal("[null,[]]", returns("return json.encode(target)", env))
    assert.equal("[[]]", returns("return json.encode { json.list {} }", env))
  end)

  it("goes through tables", function()
    assert.equal("1=1 2=table ", returns [[local s = ""
      for i, v in ipairs(target.list) do
        s = s .. i .. "=" .. (type(v) == "table" and "table" or v) .. " "
      end
      return s]])
    assert.equal(2, returns "local n = 0 for k, v in pairs(target) do n = n + 1 end return n")
    assert.equal("1,2", returns("return table.concat(t, ',')", { t = { 1, 2 } }))
    assert.equal(2, returns [[local own, n = { [target] = 1, [target.list] = 2 }, 0
      for k, v in pairs(own) do n = n + (own[k] == v and 1 or 0) end
      return n]])
    assert.equal(2, returns "local own = { 1 } table.insert(own, 2) return #own")
  end)

  it("lets nothing be set", function()
    refuses('read-only: "name" cannot be set', "target.name = 1")
    refuses('read-only: "n" cannot be set', "target.list[2].n = 1")
    refuses('read-only: the global "new" cannot be set', "new = 1")
    refuses("table expected", "table.insert(target.list, 1)")
    refuses("table expected", "table.sort(target.list)")
    refuses('"n" cannot be set', "for k, v in pairs(target.list) do if k == 2 then v.n = 1 end end")
    refuses('"n" cannot be set', "local _, _, v = 1, unpack(target.list) v.n = 1")
    assert.same({ list = { 1, { n = 2 } }, name = "x" }, target)
  end)

  it("lets no function be called but those that change nothing", function()
    local called = false
    local env = setmetatable({ touch = function() called = true end }, { __index = _G })
    setfenv(env.touch, {})
    for _, code in ipairs { "touch()", "pcall(touch) touch()", "io.write('x')", "os.exit()",
      "rawset(_G, 'x', 1)", "setmetatable({}, {})", "io.stdout:write('x')", "loadstring('x')",
      "require('ffi')", "coroutine.wrap(touch)()", "debug.getregistry()", "getfenv(1)" } do
      local ok, problem = pcall(sees(code, env))
      assert.is_false(ok, code)
      assert.is_truthy(problem:find "read%-only: this function" or problem:find "nil value", code)
    end
    assert.is_false(called)
  end)

  it("goes by what a function is, not by its name", function()
    local list = {}
    local env = { list = list, api = { sleep = table.insert, has = rawset, encode = tostring,
      get = setfenv(function() list.called = true end, _G) } }
    for _, code in ipairs { "api.sleep(list, 1)", "api.has(list, 'x', 1)", "api.encode(1)",
      "api.get()" } do
      refuses("read-only: this function", code, env)
    end
    assert.same({}, list)
    assert.equal("[1]", returns("return json.encode { 1 }", { json = world.json }))
  end)

  it("does not call what the app has put into a metatable", function()
    local called = false
    local function trap() called = true end
    setfenv(trap, {})
    local t = setmetatable({}, { __index = trap, __tostring = trap, __call = trap, __len = trap,
      __eq = trap })
    assert.is_nil(returns("return t.x", { t = t }))
    returns("return tostring(t), #t, t == 1", { t = t })
    assert.is_false((pcall(sees("t()", { t = t }))))
    assert.is_false(called)
  end)

  it("follows tables behind a table", function()
    local t = setmetatable({}, { __index = setmetatable({ a = 1 }, { __index = { b = 2 } }) })
    assert.equal(3, returns("return t.a + t.b", { t = t }))
  end)

  it("shows what an error has brought, and does not let it be changed", function()
    local raised = { n = 1 }
    local env = { fail = raised }
    assert.equal(1, returns("local ok, e = pcall(error, fail) return e.n", env))
    refuses("cannot be set", "local ok, e = pcall(error, fail) e.n = 2", env)
  end)

  it("gives each its own tables of functions", function()
    returns "string.rep = nil math.pi = 3 table.concat = nil"
    assert.equal("xx", returns "return string.rep('x', 2)")
    assert.is_function(string.rep)
    refuses("nil value", "getmetatable('').__index.rep = nil", {})
  end)
end)
