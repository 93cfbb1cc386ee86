local fake_core = require "spec.support.fake_core"

describe("fields", function()
  local fields, core

  before_each(function()
    fields = fake_core.world().fields
    core = require "ffi"
  end)

  it("are unknown when nobody has named them", function()
    assert.is_nil(fields.unknown({}, { a = true }))
    assert.is_nil(fields.unknown({ a = 1 }, { a = true, b = true }))
    assert.equal('there is no "c", there are: a, b', fields.unknown({ c = 1 }, { b = 1, a = 1 }))
    assert.equal('there is no "1", there are: a', fields.unknown({ "x" }, { a = true }))
  end)

  describe("of a struct", function()
    local struct

    local function fill(given, maxima)
      struct = core.new "struct moon_policy"
      local names = { most = "max_connections", each = "max_per_address" }
      return fields.fill(struct, given, names, maxima)
    end

    it("get what is given, and 0 for what is not", function()
      assert.is_nil(fill { most = 4294967295 })
      assert.equal(4294967295, struct.max_connections)
      assert.equal(0, struct.max_per_address)
    end)

    it("get whole numbers of at least 1 only", function()
      for _, value in ipairs { 0, -1, 1.5, 0 / 0, 1 / 0, "1", true, false } do
        assert.equal("most: expected a whole number of at least 1, got " .. tostring(value),
          fill { most = value })
      end
    end)

    it("get numbers up to the maximum, or else what the core can hold", function()
      assert.is_nil(fill({ most = 7, each = 4294967295 }, { most = 7 }))
      assert.equal("most: expected at most 7, got 8", fill({ most = 8 }, { most = 7 }))
      assert.equal("most: expected at most 4294967295, got 4294967296",
        fill { most = 4294967296 })
    end)
  end)

  describe("with a list", function()
    local function not_list(list)
      return fields.not_list("words", list, function(text) return text ~= "bad" end, "a word")
    end

    it("take strings that will do", function()
      assert.is_nil(not_list {})
      assert.is_nil(not_list { "a", "b" })
    end)

    it("say what is wrong with another", function()
      assert.equal("words: expected a list, got tea", not_list "tea")
      assert.equal("words: expected a word, got bad", not_list { "a", "bad" })
      assert.equal("words: expected a word, got 7", not_list { 7 })
      assert.equal("words: expected a list, got a table with names", not_list { a = "b" })
    end)
  end)
end)
