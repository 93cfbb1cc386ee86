local fake_gate = require "spec.support.fake_gate"

--- Over the core's store, which the spec answers for. What holds for every store is in
--- spec/system/store_spec.lua.
describe("gate.store", function()
  local gate, core, C

  local PLUGIN = [[return function(gate)
    gate:on("ask", function(_, message)
      local arguments = {}
      for i = 1, 4 do
        arguments[i] = message.arguments[i]
        if arguments[i] == gate.json.null then arguments[i] = nil end
      end
      local a, b = gate.store[message.call](gate.store, unpack(arguments, 1, 4))
      return { a, b }
    end)
  end]]

  before_each(function()
    gate = fake_gate.load { lobby = PLUGIN }
    core, C = gate.core, gate.core.C
    core.facts.has_store = 1
  end)

  --- The command that the call has led to, and where the reply will be.
  local function ask(call, ...)
    local answer = gate:ask(gate:connect "ann", { type = "ask", call = call, arguments = { ... } })
    local commands = core:issued "store"
    return commands[#commands], answer
  end

  it("asks for what is called, in the space of the plugin", function()
    local null = gate.world.json.null
    local asked = ask("get", "k")
    assert.same({ "get", "lobby", "k", "", "" },
      { asked.operation, asked.space, asked.key, asked.value, asked.expected })
    asked = ask("put", "k", { b = 1, a = {} })
    assert.same({ "put", "k", '{"a":{},"b":1}', 0 },
      { asked.operation, asked.key, asked.value, asked.expires_ms })
    asked = ask("put", "k", 1, { ttl_ms = 250 })
    assert.equal(core.now_ms + 250, asked.expires_ms)
    asked = ask("swap", "k", "old", "new", { ttl_ms = 1 })
    assert.same({ "swap", '"new"', '"old"', false, core.now_ms + 1 },
      { asked.operation, asked.value, asked.expected, asked.must_be_new, asked.expires_ms })
    asked = ask("swap", "k", null, "new")
    assert.same({ '"new"', "", true }, { asked.value, asked.expected, asked.must_be_new })
    asked = ask("delete", "k")
    assert.same({ "delete", "k" }, { asked.operation, asked.key })
    asked = ask("scan", "pre", { limit = 7, after = "prefix" })
    assert.same({ "scan", "pre", "prefix", 7 },
      { asked.operation, asked.key, asked.value, asked.limit })
    assert.equal(100, ask("scan", "").limit)
  end)

  local ARGUMENTS = { get = {}, put = { 1 }, delete = {}, swap = { 1, 2 }, scan = {} }

  --- What the plugin was given for this answer of the store.
  local function told(call, outcome, bytes, has_more)
    local asked, answer = ask(call, "k", unpack(ARGUMENTS[call]))
    assert.is_false(answer.is_given)
    core:stored(asked.ticket, outcome, bytes, has_more)
    core:settle()
    return answer.data[1], answer.data[2]
  end

  it("waits for the answer, and says what it is", function()
    assert.same({ a = 1 }, (told("get", C.MOON_STORE_DONE, '{"a":1}')))
    assert.same({}, { told("get", C.MOON_STORE_ABSENT) })
    assert.same({ true }, { told("put", C.MOON_STORE_DONE) })
    assert.same({ true }, { told("swap", C.MOON_STORE_DONE) })
    assert.same({ true }, { told("delete", C.MOON_STORE_DONE) })
  end)

  it("gives a reason for everything that was not done", function()
    for call, outcomes in pairs {
      swap = { [C.MOON_STORE_CHANGED] = "changed", [C.MOON_STORE_FAILED] = "store_failed" },
      get = { [C.MOON_STORE_FAILED] = "store_failed" },
      put = { [C.MOON_STORE_FAILED] = "store_failed" },
      delete = { [C.MOON_STORE_FAILED] = "store_failed" },
      scan = { [C.MOON_STORE_FAILED] = "store_failed" },
    } do
      for outcome, reason in pairs(outcomes) do
        local value, found = told(call, outcome)
        assert.equal(gate.world.json.null, value or gate.world.json.null)
        assert.equal(reason, found)
      end
    end
  end)

  it("is told at once when too much is under way", function()
    core.answers.moon_store = C.MOON_EFULL
    local _, answer = ask("put", "k", 1)
    assert.is_true(answer.is_given)
    assert.equal("full", answer.data[2])
  end)

  it("reads the entries of a scan, and where it goes on", function()
    local bytes = "\1\0\0\0\3\0\0\0k\"a\"" .. "\2\0\0\0\2\1\0\0k2\"" .. ("x"):rep(256) .. '"'
    local entries, cursor = told("scan", C.MOON_STORE_DONE, bytes, true)
    assert.same({ { key = "k", value = "a" }, { key = "k2", value = ("x"):rep(256) } }, entries)
    assert.equal("k2", cursor)
    entries, cursor = told("scan", C.MOON_STORE_DONE, "", false)
    assert.same({}, entries)
    assert.is_nil(cursor)
  end)

  it("fails where somebody else has written into the file", function()
    local _, reason = told("get", C.MOON_STORE_DONE, "{")
    assert.equal("store_failed", reason)
    assert.is_truthy(gate:logged 'gate.store: "k" is not what was put there')
  end)

  it("goes on in a scan past an entry that somebody else has written", function()
    local bytes = "\1\0\0\0\1\0\0\0a1" .. "\1\0\0\0\1\0\0\0b{" .. "\1\0\0\0\1\0\0\0c3"
    local entries = told("scan", C.MOON_STORE_DONE, bytes, false)
    assert.same({ { "a", 1 }, { "b" }, { "c", 3 } }, { { entries[1].key, entries[1].value },
      { entries[2].key, entries[2].value }, { entries[3].key, entries[3].value } })
    assert.is_string(entries[2].problem)
    assert.is_nil(entries[1].problem)
    assert.is_truthy(gate:logged 'gate.store: "b" is not what was put there')
  end)

  it("hands no answer to a task that was cancelled", function()
    local ann = gate:connect "ann"
    gate:ask(ann, { type = "ask", call = "get", arguments = { "k" } })
    local asked = core:issued("store")[1]
    gate:close(ann)
    core:stored(asked.ticket, C.MOON_STORE_DONE, "1")
    core:settle()
    assert.is_nil(gate:logged "attempt")
    assert.is_truthy(gate:logged "cancelled: the connection has ended")
  end)

  it("answers whoever asked, in any order", function()
    local first, one = ask("get", "a")
    local second, two = ask("get", "b")
    core:stored(second.ticket, C.MOON_STORE_DONE, "2")
    core:stored(first.ticket, C.MOON_STORE_DONE, "1")
    core:settle()
    assert.same({ { 1 }, { 2 } }, { one.data, two.data })
  end)
end)
