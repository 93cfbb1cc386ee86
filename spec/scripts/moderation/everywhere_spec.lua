local everywhere = require "moderation.everywhere"
local keepers = require "spec.support.keeper"

describe("bans that hold everywhere", function()
  local keeper, bans, times_read

  local function open(before, refuse)
    keeper, times_read = keepers.new(before), 0
    keeper.refuse = refuse
    bans = everywhere.open(keeper, keeper.failures, function() times_read = times_read + 1 end)
  end

  local function settle()
    for _ = 1, 20 do keeper:later() end
  end

  local function conn(user, address, is_admin)
    return { user = user, address = address or "10.0.0.9", state = { admin = is_admin } }
  end

  local function ban(place, name, expires_at)
    return bans:add(place, name, { by = "root", at = keeper.at, expires_at = expires_at })
  end

  before_each(function()
    open()
    settle()
  end)

  it("are of users and addresses, not of admins, and end", function()
    ban("users", "bob", 5000)
    ban("addresses", "10.0.0.1")
    assert.equal("root", bans:ban_of(conn "bob").by)
    assert.is_truthy(bans:ban_of(conn(nil, "10.0.0.1")))
    assert.is_nil(bans:ban_of(conn "ann"))
    assert.is_nil(bans:ban_of(conn("bob", "10.0.0.1", true)))
    keeper.at = 5000
    assert.is_nil(bans:ban_of(conn "bob"))
  end)

  it("are there again in the next process, but for those that were lifted", function()
    ban("users", "bob: the builder", 5000)
    ban("users", "carl")
    ban("addresses", "::/64")
    for n = 1, 5 do ban("users", "u" .. n) end
    assert.is_truthy(bans:lift("users", "carl"))
    assert.is_nil(bans:lift("users", "dora"))
    settle()
    assert.equal(4000, keeper.ttls["ban:users:bob: the builder"])
    open(keeper)
    assert.is_nil(bans:ban_of(conn "u1"))
    settle()
    assert.equal(1, times_read)
    for _, name in ipairs { "bob: the builder", "u1", "u5" } do
      assert.is_truthy(bans:ban_of(conn(name)))
    end
    assert.is_truthy(bans:ban_of(conn("carl", "::1")))
    assert.is_nil(bans:ban_of(conn "carl"))
  end)

  it("are what is said while they are read, not what is read", function()
    ban("users", "bob")
    settle()
    open(keeper)
    ban("users", "carl")
    bans:lift("users", "bob")
    settle()
    assert.is_truthy(bans:ban_of(conn "carl"))
    assert.is_nil(bans:ban_of(conn "bob"))
    assert.is_nil(keeper.entries["ban:users:bob"])
  end)

  it("hold while the store refuses them, and are tried again", function()
    keeper.refuse = "store_failed"
    ban("users", "bob")
    settle()
    assert.is_truthy(bans:ban_of(conn "bob"))
    assert.is_truthy(keeper.failures.count > 1)
    assert.equal("ban:users:bob is not saved: store_failed", keeper.warnings[1])
    assert.is_nil(keeper.entries["ban:users:bob"])
    keeper.refuse = nil
    settle()
    assert.is_truthy(keeper.entries["ban:users:bob"])
  end)

  it("are read as soon as the store lets", function()
    ban("users", "bob")
    settle()
    open(keeper, "store_failed")
    settle()
    assert.equal("the bans cannot be read: store_failed", keeper.warnings[1])
    assert.equal(0, times_read)
    keeper.refuse = nil
    settle()
    assert.is_truthy(bans:ban_of(conn "bob"))
  end)

  it("leave entries alone that are none", function()
    keeper.entries["ban:users:bob"] = '["x"]'
    keeper.entries["ban:rooms:tea"] = '[{"by":"ann"}]'
    open(keeper)
    settle()
    assert.same({}, bans.book.users)
    assert.same({ 'the store\'s entry "ban:rooms:tea" is left alone: it is no ban',
      'the store\'s entry "ban:users:bob" is left alone: it is no ban' }, keeper.warnings)
  end)

  it("are as many as the option says", function()
    bans.max_bans = 1
    assert.is_true(ban("users", "bob", 2000))
    assert.is_false(ban("users", "carl"))
    keeper.at = 2000
    assert.is_true(ban("users", "carl"))
  end)
end)
