local fake_core = require "spec.support.fake_core"

describe("letter", function()
  local letter, core, C, json, msgpack

  before_each(function()
    local world = fake_core.world()
    letter, core, C = world.letter, world.core, world.core.C
    json, msgpack = world.codec.json, world.codec.msgpack
  end)

  --- What letter.of says in the name of the caller's caller.
  local function problem_of(message, how)
    local function send() local bytes = letter.of(message, how, json) return bytes end
    local _, problem = pcall(function() local bytes = send() return bytes end)
    assert.matches("^spec/bindings/letter_spec.lua:%d+: ", problem:gsub("^%./", ""))
    return problem:match ":%d+: (.*)$"
  end

  --- The text whose number a letter with this key carries.
  local function key_of(key)
    local _, _, class, number = letter.of("x", { class = "latest", key = key }, json)
    assert.equal(C.MOON_LATEST, class)
    return core.keys[tonumber(number)]
  end

  it("is reliable text without a key by itself", function()
    assert.same({ "hi", C.MOON_TEXT, C.MOON_RELIABLE, 0 }, { letter.of("hi", nil, json) })
    assert.same({ '{"n":1}', C.MOON_TEXT, C.MOON_RELIABLE, 0 }, { letter.of({ n = 1 }, nil, json) })
    assert.same({ "hi", C.MOON_TEXT, C.MOON_RELIABLE, 0 }, { letter.of("hi", {}, json) })
    assert.same({ "hi", C.MOON_TEXT, C.MOON_RELIABLE, 0 }, { letter.of("hi", false, json) })
  end)

  it("is binary when that is asked for, but JSON is text", function()
    assert.equal(C.MOON_BINARY, (select(2, letter.of("hi", { binary = true }, json))))
    assert.equal(C.MOON_TEXT, (select(2, letter.of("hi", { binary = false }, json))))
    assert.equal(C.MOON_TEXT, (select(2, letter.of({}, { binary = true }, json))))
  end)

  it("has a table as the codec writes it, and a string as it is", function()
    assert.same({ "\129\161n\1", C.MOON_BINARY, C.MOON_VOLATILE, 0 },
      { letter.of({ n = 1 }, { class = "volatile" }, msgpack) })
    assert.same({ "hi", C.MOON_TEXT, C.MOON_RELIABLE, 0 }, { letter.of("hi", nil, msgpack) })
  end)

  it("knows what may be said of how to send it", function()
    local NAMES = ', there are: binary, class, except, key'
    assert.equal('how to send: there is no "exept"' .. NAMES, problem_of("x", { exept = {} }))
    letter.of("x", { class = "volatile", exept = {} }, json) -- it would cost too much to look
    core.facts.development = 1
    assert.equal('how to send: there is no "exept"' .. NAMES,
      problem_of("x", { class = "volatile", exept = {} }))
    letter.of("x", { class = "latest", key = 7, binary = true, except = {} }, json)
  end)

  it("is nil and a code where the message is no mistake, and still cannot be sent", function()
    assert.same({ nil, "bad_utf8" }, { letter.of({ ["\255"] = 1 }, nil, msgpack) })
    local long = {}
    for i = 1, 10001 do long[i] = 1 end
    assert.same({ nil, "too_big" }, { letter.of({ long }, nil, json) })
    assert.same({ nil, "too_big" }, { letter.of({ long }, nil, msgpack) })
  end)

  it("has the class that was asked for", function()
    for word, class in pairs { reliable = C.MOON_RELIABLE, volatile = C.MOON_VOLATILE,
      control = C.MOON_CONTROL } do
      assert.equal(class, (select(3, letter.of("x", { class = word }, json))))
    end
  end)

  it("knows the classes of the core and no others", function()
    local seen = {}
    for _, class in pairs(letter.classes) do seen[class] = true end
    for class = 0, C.MOON_CLASSES - 1 do assert.is_true(seen[class]) end
    assert.is_nil(seen[C.MOON_CLASSES])
    assert.equal('there is no class "urgent"', problem_of("x", { class = "urgent" }))
    assert.equal('there is no class "true"', problem_of("x", { class = true }))
  end)

  it("has a key of text or of a number, with all its digits", function()
    assert.equal("pos", key_of "pos")
    assert.equal("", key_of "")
    assert.equal("7", key_of(7))
    assert.equal("9007199254740991", key_of(9007199254740991))
    assert.are_not.equal(key_of(9007199254740991), key_of(9007199254740990))
  end)

  it("has a key with the latest, and only there", function()
    local problem = 'a key belongs to class "latest", and only there'
    assert.equal(problem, problem_of("x", { class = "latest" }))
    assert.equal(problem, problem_of("x", { class = "volatile", key = "pos" }))
    assert.equal(problem, problem_of("x", { key = "pos" }))
    assert.equal("a key is a string or a number", problem_of("x", { class = "latest", key = {} }))
  end)

  it("is a table or a string, sent as a table says", function()
    assert.equal("a message is a table or a string", problem_of(7))
    assert.matches("^how to send is a table", problem_of("x", true))
    assert.matches("^cannot encode: ", problem_of { f = print })
  end)
end)
