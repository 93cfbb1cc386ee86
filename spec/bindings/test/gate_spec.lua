local testing = require "spec.support.testing"

local ASK = [[return function(gate)
  gate:on("ask", function(_, message)
    local response, code = gate:fetch(message.url, { method = message.method, max_bytes = 100 })
    return { code = code, status = response and response.status, body = response and response.body }
  end)
  gate:on("fail", function(_, message) error(message.text, 0) end)
end]]

describe("gate of a test", function()
  local gate, ann

  before_each(function()
    gate = testing.gate { { "ask", capabilities = { "fetch" } }, ask = ASK }
    ann = gate:connect { user = "ann" }
  end)

  it("has nothing to say when all was as expected", function()
    local fetch = gate:expect_fetch { method = "GET", url = "http://a.example/x",
      reply = { status = 201, body = "b" } }
    gate:expect_error "on fail: on purpose"
    assert.same({ status = 201, body = "b" }, ann:ask("ask", { url = "http://a.example/x" }))
    assert.equal("GET", fetch.request.method)
    assert.equal("internal", select(2, ann:ask("fail", { text = "on purpose" })))
    assert.same({}, gate:finish())
  end)

  it("gives what a fetch was expected to end with", function()
    gate:expect_fetch { error = "timeout" }
    assert.same({ code = "timeout" }, ann:ask("ask", { url = "http://a.example/" }))
    gate:expect_fetch { reply = { body = ("x"):rep(101) } }
    assert.same({ code = "too_big" }, ann:ask("ask", { url = "http://a.example/" }))
  end)

  it("fails at once at a fetch that nobody expects, naming it", function()
    gate:expect_fetch { url = "http://a.example/", reply = {} }
    assert.has_error(function() ann:ask("ask", { url = "http://b.example/" }) end,
      "an unexpected fetch: GET http://b.example/")
    assert.same({ "expected, and never fetched: any method of http://a.example/" }, gate:finish())
  end)

  it("fails for errors in the log that nobody expects, and for those that never came", function()
    gate:expect_error "another"
    ann:ask("fail", { text = "by mistake" })
    local problems = gate:finish()
    assert.equal("expected, and never logged: an error like another", problems[1])
    assert.matches("^logged, and not expected: ask#1: on fail: by mistake\n", problems[2])
    assert.is_nil(problems[3])
  end)

  it("is over when it has ended", function()
    gate:finish()
    assert.has_error(function() gate:connect() end,
      "this gate ended with its test; make one in each, or in before_each")
  end)

  it("reloads what was saved, or says why not", function()
    gate:save("ask", "return function(gate) gate:on('ask' end")
    local ok, problem = gate:reload()
    assert.is_nil(ok)
    assert.equal("not reloaded, generation 1 goes on: /no/such/folder/ask.lua:1: ')' expected near "
      .. "'end'", problem)
    gate:save("ask", [[return function(gate)
      gate:on("ask", function() return { new = true } end)
    end]])
    assert.is_true(gate:reload())
    assert.same({ new = true }, ann:ask "ask")
    assert.same({}, gate:finish()) -- the refusal is no surprise
  end)

  it("loads a plugin and a module that are saved", function()
    gate:save("words/list", 'return { "a" }')
    gate:save("other", [[return function(gate)
      gate:on("words", function() return require "words.list" end)
    end]])
    assert.is_true(gate:reload())
    assert.same({ "a" }, ann:ask "words")
  end)

  it("says what is wrong with what a spec asks", function()
    for problem, fn in pairs {
      ["later: expected milliseconds of at least 0, got nan"] = function() gate:later(0 / 0) end,
      ["later: expected milliseconds of at least 0, got -5"] = function() gate:later(-5) end,
      ["later: expected milliseconds of at least 0, got x"] = function() gate:later "x" end,
      ['connect: expected a table as { user = "ann" }, got a string'] = function()
        gate:connect "ann"
      end,
      ['connect: there is no "usr", there are: codec, path, protocol, token, user'] = function()
        gate:connect { usr = "ann" }
      end,
      ["connect: user: expected a string, got a number"] = function() gate:connect { user = 5 } end,
      ['connect: codec: expected "json" or "msgpack", got "xml"'] = function()
        gate:connect { codec = "xml" }
      end,
      ["expect_error: expected a pattern, got a nil"] = function() gate:expect_error() end,
    } do
      local ok, said = pcall(fn)
      assert.is_false(ok, problem)
      assert.matches("gate_spec.lua:%d+: ", said)
      assert.equal(problem, (said:gsub("^.-:%d+: ", ""):gsub("%-nan", "nan")))
    end
    for _, given in ipairs { { 5 }, { { 5 } } } do
      local made, problem = testing.gate(given)
      assert.is_nil(made)
      assert.equal('entry 1: expected "name" or { "name", options = { ... } }, got a number',
        problem)
    end
  end)
end)
