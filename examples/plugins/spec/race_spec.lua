local test = require "moongate.test"

describe("race", function()
  local gate, ann, room

  before_each(function()
    gate = test.gate { "race" }
    ann = gate:connect { user = "ann" }
    room = ann:ask "race".room
  end)

  it("ticks until somebody has won", function()
    local bob = gate:connect { user = "bob" }
    for _, conn in ipairs { ann, bob } do conn:ask("join", { room = room }) end
    assert.same({ nil, "bad_request", 'data: expected "step"' }, { ann:say(room, "fly") })
    bob:say(room, "step")
    local won
    for _ = 1, 80 do -- three steps each tenth of a second
      for _ = 1, 5 do
        if not won then ann:say(room, "step") end
      end
      gate:later(50)
      for _, message in ipairs(bob:heard()) do won = message.winner and message or won end
    end
    assert.same({ "ann", 1 }, { won.winner, won.places.bob })
  end)

  it("goes on for who has closed one of two tabs", function()
    local tab = gate:connect { user = "ann" }
    for _, conn in ipairs { ann, tab } do
      conn:ask("join", { room = room })
      conn:say(room, "step")
    end
    tab:ask("leave", { room = room })
    assert.is_truthy(ann:say(room, "step"))
    gate:later(300)
    local heard = ann:heard()
    assert.same({ ann = 3 }, heard[#heard].places)
  end)
end)
