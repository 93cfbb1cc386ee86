local guarded = require "spec.support.guarded"

describe("tables of a guarded plugin", function()
  local a

  before_each(function() a = guarded.load() end)

  it("are gone through with a function of its own, and with no other", function()
    assert.equal("6", a:run [[local sum = 0
      table.foreach({ 1, 2, x = 3 }, function(_, n) sum = sum + n end) return sum]])
    assert.equal("2", a:run [[return table.foreachi({ 5, 7 }, function(i, n)
      if n == 7 then return i end end)]])
    for _, name in ipairs { "foreach", "foreachi", "sort" } do
      for _, fn in ipairs { "string.find", "print", "table.insert", "conn.send", "rawequal",
        "coroutine.wrap(function() end)" } do
        assert.equal(("table.%s: expected a function of yours, got another one"):format(name),
          a:problem(("table.%s({ 'a', 'b' }, %s)"):format(name, fn)), fn)
      end
      assert.equal(("table.%s: expected a function of yours, got number"):format(name),
        a:problem(("table.%s({ 'a', 'b' }, 7)"):format(name)))
    end
  end)

  it("take a value from the first place on", function()
    assert.equal("a b c", a:run [[local t = { "b" } table.insert(t, "c")
      table.insert(t, 1, "a") return table.concat(t, " ")]])
    assert.equal("x", a:run [[local t = {} table.insert(t, "5", "x") return t[5] ]])
    for _, place in ipairs { "-2147483647", "0", "-1e300", "'-5'" } do
      assert.matches("^table.insert: expected a place from 1 on, got %-?%d",
        a:problem(("table.insert({}, %s, 1)"):format(place)))
    end
    assert.equal("nil", a:run "return table.insert({}, 1e300, 1)")
    assert.matches("number expected", a:problem "table.insert({}, {}, 1)")
    assert.matches("wrong number of arguments", a:problem "table.insert({}, 1, 2, 3)")
  end)

  it("are sorted as ever", function()
    assert.equal("a b c", a:run [[local t = { "c", "a", "b" } table.sort(t)
      return table.concat(t, " ")]])
    assert.equal("3 2 1", a:run [[local t = { 1, 3, 2 }
      table.sort(t, function(x, y) return x > y end) return table.concat(t, " ")]])
    assert.equal("1 2 3", a:run [[local mt = { __lt = function(x, y) return x.n < y.n end }
      local t = {}
      for i, n in ipairs { 3, 1, 2 } do t[i] = setmetatable({ n = n }, mt) end
      table.sort(t) return t[1].n .. " " .. t[2].n .. " " .. t[3].n]])
    assert.equal("true", a:run [[local t = {}
      for i = 1, 20000 do t[i] = i * 7919 % 20011 end
      table.sort(t)
      for i = 2, #t do if t[i] < t[i - 1] then return i end end
      return true]])
    assert.matches("attempt to compare", a:problem "table.sort { 1, 'a' }")
    assert.matches("table expected", a:problem "table.sort(1)")
  end)

  it("are not sorted when their texts take too long to compare", function()
    assert.equal("table.sort: this list takes too long to sort", a:problem [[
      local x, t = ("x"):rep(1000000), {}
      local a, b = x .. "a", x .. "b"
      for i = 1, 10000 do t[i] = i % 2 == 0 and a or b end
      table.sort(t)]])
  end)
end)
