local client = require "spec.support.client"
local server = require "spec.support.server"

local PLUGIN = [[return function(gate)
  local function text_of(...) return (select(2, pcall(...))) end
  gate:on("about", function()
    return {
      is_compiled_wrongly = jit.version == "LuaJIT 2.1.0-beta3" and not jit.prngstate,
      is_interpreted = require "jit.util".funcinfo(next).ffid == nil, -- a plain function in C
      is_what_pairs_gives = pairs {} == next,
    }
  end)
  gate:on("walk", function()
    local mixed, seen, keys = { 1, 2, a = 3, [false] = 4 }, {}, 0
    for key, value in pairs(mixed) do seen[key] = value end
    for key, value in next, mixed do keys = keys + (seen[key] == value and 1 or 0) end
    mixed.a = nil -- while it is walked
    return { keys = keys, first = next { 7 }, rest = { next({}) == nil, next({ 1 }, 1) == nil } }
  end)
  gate:on("wrong", function()
    return { texts = { text_of(next, {}, "none"),
      text_of(function() for _ in pairs(nil) do end end),
      text_of(function() next(1) end), text_of(function() for _ in next, "text" do end end) } }
  end)
end]]

describe("next and pairs", function()
  local house, ann

  setup(function()
    house = server.start { plugins = { walks = PLUGIN, init = [[return { "auth", "rooms",
      "messages", "router", "walks", trust = "trusted" }]] } }
    ann = client.guest(house.port, "ann", "tea")
  end)
  teardown(function()
    ann:close()
    house:stop()
  end)

  it("are interpreted where LuaJIT compiles them wrongly, and nowhere else", function()
    local about = ann:asks({ type = "about" }).data
    assert.equal(about.is_compiled_wrongly, about.is_interpreted)
    assert.is_true(about.is_what_pairs_gives)
  end)

  it("do what LuaJIT's own do", function()
    assert.same({ keys = 4, first = 1, rest = { true, true } }, ann:asks({ type = "walk" }).data)
  end)

  it("say what they were given", function()
    local texts = ann:asks({ type = "wrong" }).data.texts
    assert.equal("invalid key to 'next'", texts[1])
    assert.matches("bad argument #1 to 'pairs' %(table expected, got nil%)", texts[2])
    assert.matches("bad argument #1 to 'next' %(table expected, got number%)", texts[3])
    assert.matches("bad argument #1 to '.-' %(table expected, got string%)", texts[4])
  end)
end)
