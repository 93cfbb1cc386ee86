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

  --- A list with gaps, as long as its largest key.
  local GAPS = [[local t = {}
    for i = 1, 200 do t["k" .. i] = 1 end
    local k = 1
    while k <= 2097152 do t[k], k = k, k * 2 end
    assert(#t == 2097152) ]]

  it("are not moved or sorted when that would take too long, whatever is in them", function()
    for call, problem in pairs {
      ["table.remove(t, 1)"] = "table.remove: the list has 2097152 values, of which 2097151 would "
        .. "move, at most 1048576",
      ["table.remove(t, '10.5')"] = "table.remove: the list has 2097152 values, of which 2097142 "
        .. "would move, at most 1048576",
      ["table.insert(t, 1, 0)"] = "table.insert: the list has 2097152 values, of which 2097151 "
        .. "would move, at most 1048576",
      ["table.sort(t)"] = "table.sort: the list has 2097152 values, at most 1048576",
      ["table.sort(t, print)"] = "table.sort: the list has 2097152 values, at most 1048576",
    } do
      assert.equal(problem, a:problem(GAPS .. call))
    end
    assert.equal("2097152", a:run(GAPS .. "return table.remove(t)"))
    assert.equal("5", a:run(GAPS .. "table.insert(t, 2097152, 5) return t[2097152]"))
    assert.equal("6", a:run(GAPS .. "table.insert(t, 6) return t[#t]"))
    assert.equal("nil", a:run(GAPS .. "return table.remove(t, 2097150)"))
  end)

  it("are removed from as ever", function()
    assert.equal("c a b nil nil", a:run [[local t = { "a", "b", "c" }
      local last, first, next = table.remove(t), table.remove(t, 1), table.remove(t, "1")
      return table.concat({ last, first, next, tostring((table.remove(t))),
        tostring((table.remove(t, 1))) }, " ")]])
    assert.matches("table expected", a:problem "table.remove(1)")
    assert.matches("table expected", a:problem "table.remove(1, 1)")
    assert.matches("number expected", a:problem "table.remove({ 1 }, {})")
  end)

  it("are not concatenated when they have too many values, as of no bytes", function()
    assert.equal("table.concat: the list has over 1048576 values", a:problem [[
      local t = {}
      for i = 1, 1048577 do t[i] = "" end
      return table.concat(t)]])
  end)

  it("are not sorted when their texts take too long to compare", function()
    assert.equal("table.sort: this list of 10000 values takes too long to sort without a function "
      .. "of yours", a:problem [[
      local x, t = ("x"):rep(1000000), {}
      local a, b = x .. "a", x .. "b"
      for i = 1, 10000 do t[i] = i % 2 == 0 and a or b end
      table.sort(t)]])
  end)
end)
