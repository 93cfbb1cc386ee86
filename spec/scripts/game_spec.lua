local fake_gate = require "spec.support.fake_gate"

describe("examples/game.lua", function()
  local gate, ann, bob

  before_each(function()
    gate = fake_gate.load "examples/game.lua"
    ann, bob = gate:connect(nil, { path = "/game" }), gate:connect(nil, { path = "/game" })
  end)

  --- Where everybody is after so much time: id -> { x, y }.
  local function places(delay_ms)
    bob.heard = {}
    gate:later(delay_ms)
    local found = {}
    for _, message in ipairs(bob.heard) do
      assert.equal("at", message.type)
      found[message.id] = { message.x, message.y }
    end
    return found
  end

  it("tells everybody who they are", function()
    assert.same({ { type = "you", id = ann.id } }, ann.heard)
    assert.same({ { type = "you", id = bob.id } }, bob.heard)
  end)

  it("tells where all are 20 times a second", function()
    places(1000)
    assert.equal(40, #bob.heard)
  end)

  it("moves who steers, and nobody else", function()
    gate:receive(ann, '{"dx":1,"dy":-0.5}')
    assert.same({ [ann.id] = { 600, 450 }, [bob.id] = { 500, 500 } }, places(1000))
  end)

  it("moves nobody faster than all others", function()
    gate:receive(ann, '{"dx":100,"dy":"fast"}')
    assert.same({ 600, 500 }, places(1000)[ann.id])
  end)

  it("keeps everybody in the world", function()
    gate:receive(ann, '{"dx":1,"dy":0}')
    assert.same({ 100, 500 }, places(6000)[ann.id])
  end)

  it("sends places as the latest of each, and noises as volatile", function()
    places(50)
    gate:receive(ann, '{"boom":true}')
    local keys, last = {}, nil
    for _, command in ipairs(gate.core:issued "publish") do
      if command.class == "latest" then keys[command.key] = true end
      last = command
    end
    assert.same({ [("%d"):format(ann.id)] = true, [("%d"):format(bob.id)] = true }, keys)
    assert.equal("volatile", last.class)
    assert.same({ type = "boom", id = ann.id }, bob.heard[#bob.heard])
  end)

  it("tells reliably who has left", function()
    bob.heard = {}
    gate:close(ann)
    assert.same({ { type = "left", id = ann.id } }, bob.heard)
    local issued = gate.core:issued "publish"
    assert.equal("reliable", issued[#issued].class)
    places(50)
    assert.equal(1, #bob.heard)
  end)

  it("goes on where it was after a reload", function()
    gate:receive(ann, '{"dx":1,"dy":0}')
    places(500)
    assert(gate:reload())
    assert.same({ 600, 500 }, places(500)[ann.id])
  end)

  it("closes a client that speaks something else", function()
    gate:receive(ann, "left!")
    assert.is_false(ann.is_open)
    assert.equal(4500, gate.core:issued("close")[1].code)
  end)
end)
