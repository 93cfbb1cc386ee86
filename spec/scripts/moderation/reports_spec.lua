local courtrooms = require "spec.support.courtroom"

describe("a report", function()
  local courtroom

  local function ask(...) return courtroom:ask(...) end
  local function refused(...) return courtroom:refused(...) end
  local function said(who, room) return ask(who, "say", "hello", room).id end
  local function report(who, id, room)
    return ask(who, "report", { message_id = id, why = "spam" }, room)
  end
  local function refusal(who, id, room) return (select(2, report(who, id, room))) end

  --- The list without times.
  local function listed(who, data, room)
    local page = ask(who, "reports", data, room)
    for _, entry in ipairs(page.list) do
      assert.is_number(entry.at)
      entry.at = nil
    end
    return page.list, page.next
  end

  before_each(function() courtroom = courtrooms.open() end)

  it("tells moderators of a message and who has said it, the newest first", function()
    local one, two = said "carl", said "max"
    assert.same({ room = "tea", list = {} }, (ask("max", "reports")))
    assert.is_nil(courtroom:kept())
    assert.same({ id = 1 }, (report("bob", one)))
    assert.matches("^%d+@tea$", courtroom:kept().log)
    assert.same({ id = 2 }, (ask("carl", "report", { message_id = two, why = "rude" })))
    local first = { id = 1, by = "bob", room = "tea", message_id = one, author = "carl",
      why = "spam" }
    local second = { id = 2, by = "carl", room = "tea", message_id = two, author = "max",
      why = "rude" }
    assert.same({ second, first }, (listed "max"))
    assert.same({ { second }, 2 }, { listed("max", { limit = 1 }) })
    assert.same({ { first } }, { listed("max", { limit = 1, after = 2 }) })
    assert.equal("not_allowed", refused("bob", "reports"))
  end)

  it("is of a message that is remembered, and that one has heard", function()
    assert.equal("too_old", refusal("bob", 17))
    ask("max", "shadow_mute", { user = "carl" })
    local hidden = said "carl"
    assert.equal("too_old", refusal("bob", hidden))
    assert.is_truthy(report("carl", hidden))
    assert.equal("not_a_member", refusal("root", hidden))
    assert.equal("bad_request", refused("bob", "report", { message_id = hidden }))
    assert.equal("bad_request", refused("bob", "report", { why = "spam" }))
  end)

  it("is of a message that was deleted, too, as long as it would be remembered", function()
    local id = said "carl"
    assert.is_truthy(ask("carl", "delete", nil, "tea", { message_id = id }))
    assert.is_truthy(report("bob", id))
    assert.equal("carl", listed("max")[1].author)
  end)

  it("of the same message is made once by each, and costs nothing when it is refused", function()
    courtroom = courtrooms.open { reports_per_hour = 2 }
    local one, two, three = said "max", said "max", said "max"
    assert.is_truthy(report("bob", one))
    assert.equal("already_reported", refusal("bob", one))
    assert.is_truthy(report("carl", one))
    assert.is_truthy(report("bob", two))
    assert.same({ nil, "too_many_reports", "at most 2 an hour", true }, { report("bob", three) })
    courtroom.gate:later(3660000)
    assert.same({}, courtroom.gate.world.state.of("moderation").reporters)
    assert.equal("already_reported", refusal("bob", one))
    assert.is_truthy(report("bob", three))
  end)

  it("is one of the last thousand of its room", function()
    courtroom = courtrooms.open { reports_per_hour = 1000 }
    assert.is_truthy(report("carl", said "max"))
    for _ = 1, 199 do
      courtroom.gate:later(1)
      assert.is_truthy(report("bob", said "max"))
    end
    assert.is_truthy(report("bob", said "max"))
    assert.equal(201, listed("max", { limit = 1 })[1].id)
    assert.equal("carl", listed("max", { after = 2 })[1].by)
  end)

  it("is read by admins also when its room is no more, and in a room of two", function()
    ask("bob", "join", nil, "milk")
    ask("carl", "join", nil, "milk")
    local in_milk = said("bob", "milk")
    assert.is_truthy(report("carl", in_milk, "milk"))
    assert.equal(1, #listed("root", nil, "milk"))
    ask("bob", "leave", nil, "milk")
    ask("carl", "leave", nil, "milk")
    local two = ask("bob", "direct", { user = "carl" }).room
    ask("carl", "direct", { user = "bob" })
    assert.is_truthy(report("carl", said("bob", two), two))
    assert.equal("bob", listed("root", nil, two)[1].author)
    assert.equal("not_allowed", refused("carl", "reports", nil, two))
    local list = listed("root", nil, false)
    assert.same({ { 2, two }, { 1, "milk" } },
      { { list[1].id, list[1].room }, { list[2].id, list[2].room } })
    assert.same({ in_milk, "bob" }, { list[2].message_id, list[2].author })
    assert.equal("not_allowed", refused("ann", "reports", nil, false))
  end)

  it("lets admins keep one of two out of their room, until it is lifted", function()
    local two = ask("bob", "direct", { user = "carl" }).room
    assert.is_truthy(ask("root", "ban", { user = "bob" }, two))
    assert.equal("banned", refused("bob", "direct", { user = "carl" }, false))
    assert.equal("banned", refused("bob", "join", nil, two))
    assert.is_truthy(ask("carl", "direct", { user = "bob" }))
    assert.is_truthy(ask("root", "unban", { user = "bob" }, two))
    assert.equal("member", ask("bob", "join", nil, two).role)
  end)
end)
