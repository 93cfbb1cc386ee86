local journals = require "moderation.journal"
local keepers = require "spec.support.keeper"

describe("a journal", function()
  local keeper, journal

  local function open(before, size)
    keeper = keepers.new(before)
    journal = journals.open(keeper, { prefix = "audit", size = size or 4, keep_ms = 9000,
      failures = keeper.failures })
  end

  --- What the function returns, when all it waits for is there.
  local function wait(fn, ...)
    local results
    keeper:spawn(function(...) results = { fn(journal, ...) } end, ...)
    for _ = 1, 50 do
      if results then break end
      keeper:later()
    end
    return unpack(results)
  end

  local function append(log, word) return wait(journal.append, log, { word = word }) end

  local function words(log, after, limit)
    local entries, next_after = wait(journal.read, log, after, limit or 100)
    local found = {}
    for i, entry in ipairs(entries) do found[i] = entry.id .. entry.word end
    return table.concat(found, " "), next_after
  end

  before_each(function() open() end)

  it("is read in pages, the newest first, each room for itself", function()
    assert.equal("", words "tea")
    for n, word in ipairs { "a", "b", "c" } do assert.equal(n, append("tea", word)) end
    assert.equal(1, append("milk", "m"))
    assert.same({ "3c 2b 1a" }, { words "tea" })
    assert.same({ "3c 2b", 2 }, { words("tea", nil, 2) })
    assert.same({ "1a" }, { words("tea", 2, 2) })
    assert.same({ "3c 2b 1a" }, { words("tea", nil, 3) })
    assert.same({ "" }, { words("tea", 1) })
    assert.same({ "1m" }, { words "milk" })
  end)

  it("holds so many, the last, and each for a time", function()
    for n = 1, 6 do append("tea", ("abcdef"):sub(n, n)) end
    assert.same({ "6f 5e 4d 3c" }, { words "tea" })
    assert.same({ "6f 5e 4d", 4 }, { words("tea", nil, 3) })
    assert.same({ "3c" }, { words("tea", 4, 3) })
    local count = 0
    for key in pairs(keeper.entries) do
      count = count + 1
      assert.equal(9000, keeper.ttls[key])
    end
    assert.equal(4, count)
    keeper.entries["audit:tea:0002"] = nil -- the sixth is over
    assert.equal("5e 4d 3c", (words "tea"))
  end)

  it("shows no older entry in place of one that is not kept", function()
    open(nil, 1)
    append("tea", "a")
    keeper.refuse = "store_failed"
    append("tea", "b")
    keeper.refuse = nil
    assert.equal("", (words "tea"))
    append("tea", "c")
    assert.equal("3c", (words "tea"))
  end)

  it("goes on behind what another process has written", function()
    for n = 1, 6 do append("tea", "x" .. n) end
    append("tea:0001", "m")
    open(keeper)
    assert.equal(7, append("tea", "y"))
    assert.equal("7y 6x6 5x5 4x4", (words "tea"))
    assert.equal(2, append("tea:0001", "n"))
  end)

  it("gives each entry a number of its own when many come at once", function()
    local ids = {}
    for n = 1, 3 do
      keeper:spawn(function() ids[n] = journal:append("tea", { word = "x" }) end)
    end
    for _ = 1, 10 do keeper:later() end
    assert.same({ 1, 2, 3 }, ids)
  end)

  it("says what the store refuses, and warns of what is not kept", function()
    append("tea", "a")
    keeper.refuse = "store_failed"
    assert.same({ nil, "store_failed" }, { append("tea", "b") })
    assert.same({ nil, "store_failed" }, { append("milk", "m") })
    assert.same({ nil, "store_failed" }, { wait(journal.read, "tea", nil, 10) })
    assert.equal(2, keeper.failures.count)
    assert.equal("audit: an entry of tea is not kept: store_failed", keeper.warnings[1])
    keeper.refuse = nil
    assert.equal(3, append("tea", "c"))
    assert.equal("3c 1a", (words "tea"))
  end)
end)
