local fake_gate = require "spec.support.fake_gate"
local guarded = require "spec.support.guarded"

describe("metatable of a guarded plugin", function()
  local a

  before_each(function() a = guarded.load() end)

  it("makes classes, and calls every function in it, for the plugin itself", function()
    assert.equal("7", a:run [[local Point = {} Point.__index = Point
      function Point:sum() return self.x + self.y end
      return setmetatable({ x = 3, y = 4 }, Point):sum()]])
    for code, value in pairs {
      ["setmetatable({}, { __index = function(_, key) return key .. 1 end }).x"] = "x1",
      ["setmetatable({}, { __call = function(_, n) return n + 1 end })(1)"] = "2",
      ["pcall(setmetatable({}, { __call = function(_, n) return n + 1 end }), 1)"] = "true",
      ["tostring(setmetatable({}, { __tostring = function() return 'me' end }))"] = "me",
      ["setmetatable({}, { __add = function(_, n) return n end }) + 5"] = "5",
    } do
      assert.equal(value, a:run("local value = " .. code .. " return value"), code)
    end
    assert.equal("true", a:run [[local mt = { __eq = function() return true end }
      return setmetatable({}, mt) == setmetatable({}, mt)]])
    assert.equal("4", a:run [[local got
      local t = setmetatable({}, { __newindex = function(_, _, v) got = v end })
      t.x = 4 return got]])
    assert.equal("9", a:run [[
      load "n = 9 t = setmetatable({}, { __index = function() return n end })"()
      return load("return t.x", "", "t", { t = t })()]])
  end)

  it("is what was set, and what it had when it was set", function()
    assert.equal("true", a:run [[local mt = {} local t = setmetatable({}, mt)
      return getmetatable(t) == mt and getmetatable(setmetatable(t, nil)) == nil]])
    assert.equal("nil 1", a:run [[local mt = {} local t = setmetatable({}, mt)
      function mt.__index() return 1 end
      local before = t.x
      setmetatable(t, mt)
      return tostring(before) .. " " .. t.x]])
    assert.matches("cannot change a protected metatable", a:problem [[
      local t = setmetatable({}, { __metatable = "no" }) setmetatable(t, nil)]])
  end)

  it("has no functions but the plugin's own: sort would call others for ever", function()
    for _, value in ipairs { "rawequal", "setmetatable({}, { __call = function() end })", "rawset",
      "gate.json.encode", "{}", "false" } do
      for _, name in ipairs { "__lt", "__le", "__eq", "__call", "__concat", "__len", "__unm",
        "__add", "__tostring" } do
        assert.equal(("setmetatable: %s is no function of yours"):format(name),
          a:problem(("setmetatable({}, { %s = %s })"):format(name, value)), value)
      end
    end
  end)

  it("has tables to look into, or functions of the plugin", function()
    assert.equal("3 1", a:run [[local kept = {}
      local t = setmetatable({}, { __index = { x = 3 }, __newindex = kept })
      t.y = 1
      return t.x .. " " .. kept.y]])
    for _, name in ipairs { "__index", "__newindex" } do
      for _, value in ipairs { "rawget", "rawset", "'text'", "1" } do
        assert.equal(("setmetatable: %s is no function of yours, nor a table"):format(name),
          a:problem(("setmetatable({}, { %s = %s })"):format(name, value)), value)
      end
    end
  end)

  it("is collected with the tables that have it", function()
    assert.equal("nil", a:run [[local gone = setmetatable({}, { __mode = "k" })
      for i = 1, 100 do
        local mt = {} mt.__index = mt
        gone[mt], gone[setmetatable({}, mt)] = true, true
      end
      gone_given = gone]])
    for _ = 1, 4 do collectgarbage() end
    assert.equal("nil", a:run "return next(gone_given)")
  end)

  it("runs nothing for others in a state, however deep", function()
    local TRAP = [[local function trap(...) calls = calls + 1 return 1 end
      calls = 0
      local mt = { __index = trap, __newindex = trap, __tostring = trap, __eq = trap, __lt = trap,
        __concat = trap, __call = trap }]]
    local gate = fake_gate.load { init = 'return { "a", { "b", trust = "trusted" }, "c" }', a = [[
      return function(gate)
        ]] .. TRAP .. [[
        gate:before("look", function(conn)
          conn.state.list = setmetatable({}, mt)
          conn.state.other = setmetatable({}, mt)
          conn.state.data = { deep = setmetatable({}, mt) }
          setmetatable(conn.state, mt)
        end)
        gate:on("calls", function() return { calls = calls } end)
      end]], b = [[return function(gate)
        gate:on("look", function(conn)
          local data = rawget(conn.state, "data")
          local deep, list, other = data.deep, conn.state.list, conn.state.other
          deep.x, list.y = conn, 1
          local fine = { deep.nothing == nil, conn.state.nothing == nil, deep.x == conn,
            list ~= other, tostring(list) == "table", not pcall(list),
            not pcall(function() return list < other end),
            not pcall(function() return list .. "" end) }
          return fine
        end)
      end]], c = [[return function(gate)
        gate:on("strange", function(conn)
          return { x = conn.state.list.nothing == nil, text = tostring(conn.state.list) }
        end)
      end]] }
    local ann = gate:connect "ann"
    assert.same({ true, true, true, true, true, true, true, true },
      gate:deliver(ann, { type = "look" }))
    assert.same({ x = true, text = "table" }, gate:deliver(ann, { type = "strange" }))
    assert.same({ calls = 0 }, gate:deliver(ann, { type = "calls" }))
  end)
end)
