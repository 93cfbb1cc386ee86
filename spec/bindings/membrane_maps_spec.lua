local fake_core = require "spec.support.fake_core"

local maps = fake_core.world().membrane_maps

describe("maps of the membrane", function()
  local realm, Point, point_mt

  before_each(function()
    Point, point_mt = {}, nil
    function Point:sum(n) return self.x + (n or 0) end
    function Point:is(other) return other == self, other end
    point_mt = { __index = Point }
    maps.seal(point_mt, { name = "point", methods = Point, fields = { x = true },
      gives = { is = maps.out } })
    realm = maps.realm({ name = "a", file = "a.lua" }, function() end)
  end)

  local function new(x) return setmetatable({ x = x, secret = 1 }, point_mt) end

  it("lead from an object to its proxy and back", function()
    local point = new(1)
    local proxy = maps.out(realm, point)
    assert.are_not.equal(point, proxy)
    assert.equal(proxy, maps.out(realm, point))
    assert.equal(point, maps.into(realm, proxy))
    assert.equal("point", maps.name_of(point))
    assert.same({ 1, nil, 3 }, { proxy.x, proxy.secret, proxy:sum(2) })
    local is_same, back = proxy:is(proxy)
    assert.is_true(is_same)
    assert.equal(proxy, back)
  end)

  it("lead from a function to what takes its place, and back", function()
    local function fn(value) return value end
    local made = maps.into(realm, fn)
    assert.are_not.equal(fn, made)
    assert.equal(made, maps.into(realm, fn))
    assert.equal(fn, maps.out(realm, made))
    local point = new(1)
    assert.equal(point, made(point))
  end)

  it("leave data as it is", function()
    local data = { 1 }
    assert.equal(data, maps.out(realm, data))
    assert.equal(data, maps.into(realm, data))
  end)

  it("let pass neither coroutines nor values of the FFI, in either direction", function()
    for _, value in ipairs { coroutine.create(print), require("ffi").new "int[1]" } do
      for _, map in ipairs { maps.out, maps.into } do
        assert.has_error(function() map(realm, value) end)
      end
    end
    assert.equal(io.stdout, maps.out(realm, io.stdout))
  end)

  it("keep neither objects nor proxies alive", function()
    local gone = setmetatable({}, { __mode = "k" })
    local function fill()
      for i = 1, 100 do
        local point = new(i)
        gone[point], gone[maps.out(realm, point)] = true, true
        gone[maps.view(realm, { point }, "data")] = true
      end
    end
    fill()
    for _ = 1, 4 do collectgarbage() end
    assert.is_nil(next(gone))
  end)

  it("hold the object as long as somebody has the proxy", function()
    local gone = setmetatable({}, { __mode = "k" })
    local function make()
      local point = new(5)
      gone[point] = true
      return maps.out(realm, point)
    end
    local proxy = make()
    collectgarbage()
    collectgarbage()
    assert.is_truthy(next(gone))
    assert.equal(5, proxy.x)
  end)

  it("map as many values as there are, also nil", function()
    local function count(...) return select("#", ...) end
    for n = 0, 6 do
      assert.equal(n, count(maps.each(maps.out, realm, unpack({}, 1, n))))
    end
    assert.same({ 1, 2, 3, 4, 5 }, { maps.each(maps.out, realm, 1, 2, 3, 4, 5) })
  end)

  it("show a view entry by entry", function()
    local point = new(1)
    local view = maps.view(realm, { [point] = "p" }, "data")
    local step, found = maps.step_of(view), {}
    for key, value in step, view do found[key] = value end
    assert.equal("p", found[maps.out(realm, point)])
    assert.equal("p", view[maps.out(realm, point)])
    assert.is_nil(maps.step_of {})
  end)

  it("copy what two plugins exchange, also what holds itself", function()
    local list = { 1 }
    list.self = list
    local copied = maps.offer(realm, list)
    assert.are_not.equal(list, copied)
    assert.equal(copied, copied.self)
  end)
end)
