local catalogues = require "rooms.catalogue"

describe("the catalogue of rooms", function()
  local made, passing, catalogue

  local function room(name, kind, more)
    local record = { name = name, kind = kind or "public", roles = {} }
    for key, value in pairs(more or {}) do record[key] = value end
    return record
  end

  local function open(records)
    made, passing = {}, {}
    for _, record in ipairs(records) do made[record.name] = record end
    catalogue = catalogues.new(made, function(name) return passing[name] end)
  end

  local function add(record)
    made[record.name] = record
    catalogue:add(record)
    return record
  end

  local function names_of(records)
    local found = {}
    for i, record in ipairs(records) do found[i] = record.name end
    return table.concat(found, " ")
  end

  local function found(user, filter)
    return names_of((catalogue:page(filter or {}, 100, user)))
  end

  it("has what is for all, and of the others one's own", function()
    open { room("tea"), room("den", "private", { owner = "ann", roles = { bob = "member" } }),
      room("news", "announcement"), room("@ann,carl", "direct",
        { roles = { ann = "member", carl = "member" } }) }
    assert.equal("@ann,carl den news tea", found "ann")
    assert.equal("den news tea", found "bob")
    assert.equal("news tea", found "eve")
    assert.equal("@ann,carl den news tea", names_of((catalogue:page({}, 100, "eve", true))))
    assert.equal("@ann,carl den news tea", names_of(catalogue:all {}))
    assert.equal("tea", names_of(catalogue:all { text = "EA" }))
  end)

  it("keeps up with rooms and roles that come and go", function()
    open {}
    local den = add(room("den", "private", { owner = "ann" }))
    assert.equal("", found "bob")
    den.roles.bob = "member"
    catalogue:changed(den)
    assert.equal("den", found "bob")
    den.roles.bob, den.owner = nil, "carl"
    catalogue:changed(den)
    assert.same({ "", "", "den" }, { found "bob", found "ann", found "carl" })
    made.den = nil
    catalogue:remove(den)
    assert.equal("", found "carl")
    assert.same({}, catalogue.of_user)
    assert.same({}, catalogue.users)
    assert.equal("", names_of(catalogue:all {}))
  end)

  it("has those that nobody has made while somebody is in", function()
    open {}
    passing.bar = room("bar", "ephemeral")
    catalogue:use("bar", true)
    catalogue:use("gone", true)
    assert.equal("bar", found "eve")
    catalogue:use("bar", false)
    passing.bar = nil
    assert.equal("", found "eve")
    assert.equal(1, catalogue.use_count)
  end)

  it("keeps those that are made, whoever is in, as they are", function()
    open {}
    catalogue:use("bar", true)
    add(room("bar", "unlisted", { owner = "ann" }))
    assert.same({ "bar", "" }, { found "ann", found "eve" })
    catalogue:use("bar", false)
    assert.same({ "bar", "" }, { found "ann", found "eve" })
    local tea = add(room("tea"))
    catalogue:use("tea", true)
    catalogue:use("tea", false)
    assert.equal("tea", found "eve")
    catalogue:use("tea", true)
    made.tea = nil
    catalogue:remove(tea)
    passing.tea = room("tea", "ephemeral")
    assert.equal("tea", found "eve")
  end)

  it("finds texts as they are now", function()
    open { room("tea", "public", { title = "Hot Drinks" }) }
    assert.equal("tea", found("eve", { text = "DRINK" }))
    made.tea.title = "Cold"
    catalogue:changed(made.tea)
    assert.equal("", found("eve", { text = "drink" }))
    assert.equal("tea", found("eve", { text = "cold" }))
  end)

  it("looks at 1,000 for a page, and says where the next begins", function()
    local records = {}
    for n = 1, 2500 do
      records[n] = room(("r%04d"):format(n), "public", { topic = n % 1200 == 0 and "rare" or nil })
    end
    open(records)
    local pages, after = {}, nil
    repeat
      local page, next_after = catalogue:page({ text = "rare", after = after }, 100, "eve")
      pages[#pages + 1] = names_of(page)
      after = next_after
      assert.is_true(#pages < 9)
    until not after
    assert.same({ "", "r1200", "r2400" }, pages)
    assert.same({ "r0001 r0002", "r0002" }, (function()
      local page, next_after = catalogue:page({}, 2, "eve")
      return { names_of(page), next_after }
    end)())
    assert.is_nil((select(2, catalogue:page({ after = "r2498" }, 2, "eve"))))
  end)

  it("has the biggest; of many they may be some seconds old", function()
    open { room("old", "public", { archived = true }), room("den", "private") }
    local sizes = { tea = 2, old = 3, den = 4 }
    local function count_of(name) return sizes[name] or 0 end
    passing.tea = room("tea", "ephemeral")
    for _, name in ipairs { "tea", "old", "den" } do catalogue:use(name, true) end
    assert.same({ tea = 2 }, catalogue:biggest(count_of, 1000))
    sizes.tea = 5
    assert.same({ tea = 5 }, catalogue:biggest(count_of, 1000))
    for n = 1, 1000 do catalogue:use("r" .. n, true) end
    sizes.tea = 6
    catalogue:biggest(count_of, 5999).tea = 0 -- nobody else's copy
    assert.same({ tea = 5 }, catalogue:biggest(count_of, 5999))
    assert.same({ tea = 6 }, catalogue:biggest(count_of, 6000))
    sizes.tea = 7
    assert.same({ tea = 7 }, catalogue:biggest(count_of, 5000)) -- the clock was set back
  end)
end)
