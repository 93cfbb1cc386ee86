local test = require "moongate.test"

describe("polls", function()
  local gate, ann, bob

  local function load(options)
    gate = test.gate { { "polls", options = options } }
    ann, bob = gate:connect { user = "ann" }, gate:connect { user = "bob" }
    for _, conn in ipairs { ann, bob } do conn:ask("join", { room = "tea" }) end
  end

  local function votes(conn)
    local heard = conn:heard()
    return heard[#heard].data.votes
  end

  it("count one vote each, which may change", function()
    load()
    assert.same({ nil, "no_poll", "nobody has asked" }, { ann:say("tea", "/vote tea") })
    assert.is_truthy(ann:say("tea", "/poll Tea or coffee?"))
    ann:say("tea", "/vote Tea")
    bob:say("tea", "/vote tea")
    assert.same({ tea = 2 }, votes(ann))
    bob:say("tea", { text = "/vote coffee" })
    assert.same({ tea = 1, coffee = 1 }, votes(ann))
    assert.same({ tea = 1, coffee = 1 }, ann:say("tea", "/poll").votes)
    local eve = gate:connect { user = "eve" }
    assert.equal("not_a_member", select(2, eve:say("tea", "/vote tea")))
  end)

  it("give no place to a choice nobody is for any more", function()
    load { max_choices = 2 }
    ann:say("tea", "/poll What?")
    for _, choice in ipairs { "tea", "coffee", "milk", "milk" } do
      assert.is_truthy(ann:say("tea", "/vote " .. choice))
      assert.same({ [choice] = 1 }, votes(bob))
    end
    assert.is_truthy(bob:say("tea", "/vote tea"))
    local eve = gate:connect { user = "eve" }
    eve:ask("join", { room = "tea" })
    assert.equal("too_many_choices", select(2, eve:say("tea", "/vote coffee")))
  end)

  it("take nothing that members could not be told", function()
    load()
    local eve = gate:connect { user = "eve", codec = "msgpack" }
    eve:ask("join", { room = "tea" })
    assert.same({ nil, "bad_question", "expected UTF-8" }, { eve:say("tea", "/poll \255") })
    ann:say("tea", "/poll What?")
    for _, choice in ipairs { "", " \255", (" x"):rep(64) } do
      assert.equal("bad_choice", select(2, eve:say("tea", "/vote" .. choice)))
    end
  end)
end)
