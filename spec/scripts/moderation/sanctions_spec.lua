local sanctions = require "moderation.sanctions"

describe("a book of sanctions", function()
  local book

  before_each(function() book = sanctions.book() end)

  local function add(place, name, fields, max)
    local sanction = { by = "ann", at = 1000 }
    for key, value in pairs(fields or {}) do sanction[key] = value end
    return sanctions.add(book, place, name, sanction, max), sanction
  end

  it("has bans of users and of addresses, until they are over", function()
    local _, of_user = add("users", "bob", { expires_at = 5000 })
    local _, of_address = add("addresses", "10.0.0.1")
    assert.equal(of_user, sanctions.ban(book, "bob", "10.0.0.2", 4999))
    assert.is_nil(sanctions.ban(book, "bob", "10.0.0.2", 5000))
    assert.equal(of_address, sanctions.ban(book, "bob", "10.0.0.1", 5000))
    assert.equal(of_address, sanctions.ban(book, nil, "10.0.0.1", 9e15))
    assert.is_nil(sanctions.ban(book, "carl", "10.0.0.2", 1000))
    assert.is_nil(sanctions.ban(book, nil, "bob", 1000))
    assert.is_nil(sanctions.mute(book, "bob", 1000))
  end)

  it("has mutes, which are no bans", function()
    local _, mute = add("mutes", "bob", { expires_at = 5000 })
    assert.equal(mute, sanctions.mute(book, "bob", 4999))
    assert.is_nil(sanctions.mute(book, "bob", 5000))
    assert.is_nil(sanctions.ban(book, "bob", "bob", 1000))
  end)

  it("has those that the user was told of", function()
    add("users", "bob")
    assert.is_false(sanctions.is_known(book, "bob", 1000))
    add("mutes", "bob", { expires_at = 5000, is_known = true })
    assert.is_true(sanctions.is_known(book, "bob", 4999))
    assert.is_false(sanctions.is_known(book, "bob", 5000))
    assert.is_false(sanctions.is_known(book, "carl", 1000))
  end)

  it("says what was lifted, unless it was over", function()
    local _, mute = add("mutes", "bob")
    assert.equal(mute, sanctions.lift(book, "mutes", "bob", 2000))
    assert.is_nil(sanctions.lift(book, "mutes", "bob", 2000))
    assert.is_nil(sanctions.mute(book, "bob", 2000))
    add("users", "bob", { expires_at = 1500 })
    assert.is_nil(sanctions.lift(book, "users", "bob", 2000))
  end)

  it("holds so many, of which those that are over do not count", function()
    assert.is_true(add("users", "a", { expires_at = 3000 }, 2))
    assert.is_true(add("mutes", "a", nil, 2))
    assert.is_false(add("users", "b", { at = 2999 }, 2))
    assert.is_true(add("users", "a", { at = 2999, expires_at = 3000, reason = "again" }, 2))
    assert.equal("again", book.users.a.reason)
    assert.is_true(add("addresses", "b", { at = 3000 }, 2))
    assert.is_nil(book.users.a)
    for n = 3, 300 do assert.is_true(add("users", "u" .. n)) end
    assert.is_false(add("users", "u301"))
    assert.equal(300, sanctions.sweep(book, 9e15))
  end)

  it("is told in words, with the time that is left", function()
    assert.same({ "banned", "banned until 2025-10-09 08:53:20 UTC: spam", true, 4000 },
      { select(2, sanctions.refusal("banned", { expires_at = 1760000000000, reason = "spam" },
        1759999996000)) })
    assert.same({ "muted", "muted for good", false },
      { select(2, sanctions.refusal("muted", {}, 1000)) })
  end)

  it("is shown in pages, without what is over", function()
    add("users", "bob", { reason = "spam", appeal = { text = "sorry" } })
    add("users", "carl", { expires_at = 1500 })
    add("addresses", "10.0.0.1", { expires_at = 9000 })
    add("mutes", "dora", { is_shadow = true })
    add("mutes", "bob")
    local function item(fields)
      fields.by, fields.at = "ann", 1000
      return fields
    end
    local all = { item { what = "ban", address = "10.0.0.1", expires_at = 9000 },
      item { what = "mute", user = "bob" }, item { what = "shadow_mute", user = "dora" },
      item { what = "ban", user = "bob", reason = "spam", appeal = { text = "sorry" } } }
    local function page_of(after, limit, reader)
      return sanctions.page(book, 2000, after, limit, reader or { user = "root", is_admin = true })
    end
    assert.same({ all }, { page_of(nil, 100) })
    page_of(nil, 100)[4].appeal.text = "spoilt"
    assert.same({ all }, { page_of(nil, 4) })
    local page, next_after = page_of(nil, 3)
    assert.same({ all[1], all[2], all[3] }, page)
    assert.same({ { all[4] } }, { page_of(next_after, 3) })
    assert.same({ { all[2], all[3], all[4] } }, { page_of(nil, 3, { user = "bob" }) })
    assert.same({ { all[2], all[4] } }, { page_of(nil, 2, { user = "dora" }) })
  end)
end)
