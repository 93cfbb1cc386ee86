local headers = require("spec.support.fake_core").world().headers

describe("headers", function()
  it("are lines in one order, with the type of the body unless it is given", function()
    assert.equal("A: 1\r\nContent-Type: text/x\r\nb: two\r\n",
      headers.lines({ b = "two", A = 1 }, "text/x"))
    assert.equal("content-TYPE: text/y\r\n",
      headers.lines({ ["content-TYPE"] = "text/y" }, "text/x"))
    assert.equal("", headers.lines())
  end)

  it("are not gone through when there are too many, or long ones", function()
    local many, looked_at = {}, 0
    for i = 1, 20000 do many["h" .. i] = i end
    local real = pairs
    _G.pairs = function(list) -- luacheck: ignore
      return function(_, key)
        looked_at = looked_at + 1
        return next(list, key)
      end, list
    end
    local lines, problem = headers.lines(many)
    _G.pairs = real -- luacheck: ignore
    assert.same({ nil, "headers: over 65536 bytes" }, { lines, problem })
    assert.is_true(looked_at > 1000 and looked_at < 10000)
    assert.same({ nil, "headers: over 65536 bytes" },
      { headers.lines { a = string.rep("x", 65532) } })
    assert.equal(65536, #headers.lines { a = string.rep("x", 65531) })
  end)

  local REFUSED = {
    { "A: b", "headers: expected a table, got a string" },
    { { "b" }, 'headers: "1" cannot be the name of a header' },
    { { [""] = "b" }, 'headers: "" cannot be the name of a header' },
    { { ["A: b\r\nC"] = "d" }, 'headers: "A: b\r\nC" cannot be the name of a header' },
    { { A = "b\r\nC: d" }, "headers: A is one line of text" },
    { { A = "b\n" }, "headers: A is one line of text" },
    { { A = "b\0" }, "headers: A is one line of text" },
    { { A = true }, "headers: A is one line of text" },
    { { HOST = "b" }, "headers: HOST is not for scripts to set" },
  }
  for _, case in ipairs(REFUSED) do
    it("refuse: " .. case[2]:gsub("%c", "?"), function()
      assert.same({ nil, case[2] }, { headers.lines(case[1], nil, { host = true }) })
    end)
  end
end)
