local names = require "scripts.auth.names"

describe("auth names", function()
  --- The text of code points; a string stands for itself.
  local function text_of(...)
    local text = {}
    for i, code in ipairs { ... } do
      local tail = ""
      local least = 0x80 -- that takes one byte more
      while type(code) == "number" and code >= least do
        tail = string.char(0x80 + code % 0x40) .. tail
        code, least = math.floor(code / 0x40), least == 0x80 and 0x20 or least / 2
      end
      local marks = { [0] = 0, 0xc0, 0xe0, 0xf0 }
      text[i] = type(code) == "string" and code or string.char(marks[#tail] + code) .. tail
    end
    return table.concat(text)
  end

  it("of users have 1 to 128 bytes, of guests 1 to 32 characters", function()
    local cases = {
      { "ann", true, true }, { ("a"):rep(32), true, true }, { ("a"):rep(33), true, false },
      { ("\195\169"):rep(32), true, true }, { ("a"):rep(128), true, false },
      { ("a"):rep(129), false, false }, { "", false, false }, { " ann", false, false },
      { "ann ", false, false }, { "a\nn", false, false }, { "a\194\133n", false, false },
      { "auth0|5f7c8ec7c33c6c004bbafe82", true, true },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], names.is_user(case[1]), case[1])
      assert.equal(case[3], names.is_guest(case[1]), case[1])
    end
    assert.is_false(names.is_user(7))
    assert.is_false(names.is_user(nil))
  end)

  it("are given here by code points", function()
    assert.equal("\194\173\226\128\139\240\159\141\178!", text_of(0xad, 0x200b, 0x1f372, 0x21))
  end)

  it("are of characters that are seen, with single blanks between them", function()
    for _, name in ipairs { text_of("ann", 0x200b), text_of(0x202e, "ann"), text_of(0xad, "ann"),
      text_of("ann", 0xa0), text_of(0x200b), text_of(0x2028), text_of("a", 0x2029, "b"), "ann  b",
      text_of(0x3164), text_of(0x3000, "ann"), text_of(0x2800), text_of("an", 0x200d, "n"),
      text_of("an", 0x2066, "n"), text_of(0xe000), text_of(0xe0041), text_of(0x10ffff),
      text_of("a", 0x1fffe), text_of(0xfdd0), text_of(0xffa0), " ", "a\127" } do
      assert.is_false(names.is_user(name), name)
      assert.is_false(names.is_guest(name), name)
    end
    for _, name in ipairs { "ann b c", "Zoë", "Аня", "李小龍", "أحمد", "🍲", "☕",
      text_of("a", 0x301), text_of(0x2070e), "अ" } do
      assert.is_true(names.is_user(name), name)
      assert.is_true(names.is_guest(name), name)
    end
  end)

  it("are checked at both ends of each range", function()
    for _, range in ipairs { { 0x80, 0xa0 }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c },
      { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x2000, 0x200f },
      { 0x2028, 0x202f }, { 0x205f, 0x206f }, { 0x3000, 0x3000 }, { 0xe000, 0xf8ff },
      { 0xfe00, 0xfe0f }, { 0xfff0, 0xffff }, { 0x13430, 0x1343f }, { 0x13441, 0x13442 },
      { 0x1bca0, 0x1bca3 }, { 0x1d159, 0x1d159 }, { 0x1d173, 0x1d17a },
      { 0x1fffe, 0x1ffff }, { 0xe0000, 0x10ffff } } do
      for _, code in ipairs { range[1], range[2] } do
        assert.is_false(names.is_clean(text_of("a", code, "b")), ("U+%04X"):format(code))
      end
      local is_character = range[1] > 0x80 and range[1] ~= 0xe0000 and range[1] ~= 0xe000
      if is_character then
        assert.is_true(names.is_clean(text_of("a", range[1] - 1)), ("U+%04X - 1"):format(range[1]))
      end
      if range[2] < 0x10ffff then
        assert.is_true(names.is_clean(text_of("a", range[2] + 1)), ("U+%04X + 1"):format(range[2]))
      end
    end
  end)

  it("begin with no mark that stands on what is before it, nor do their words", function()
    for _, code in ipairs { 0x300, 0x336, 0x36f, 0x489, 0x5b0, 0x64b, 0x670, 0xe31, 0x1dff, 0x20dd,
      0x20e3, 0x309a, 0xfe20, 0x93e, 0x8d4, 0x898, 0x302a, 0xa670, 0xeb1, 0x711, 0x1da9b } do
      for _, name in ipairs { text_of(code), text_of(code, "ann"), text_of("ann ", code) } do
        assert.is_false(names.is_user(name), ("U+%04X"):format(code))
        assert.is_false(names.is_title(name), ("U+%04X"):format(code))
      end
      assert.is_true(names.is_user(text_of("a", code, "nn")), ("U+%04X"):format(code))
    end
    for _, name in ipairs { text_of("1", 0x20e3), text_of(0xe01, 0xe31), text_of(0x5be) } do
      assert.is_true(names.is_user(name), name)
    end
    assert.is_false(names.is_title(text_of(0x200d, 0x301, "Tea")))
  end)

  it("of what is no name, as titles, may have joiners", function()
    for _, title in ipairs { "Tea", text_of(0x2615, 0xfe0f, " Tea"),
      text_of(0x1f469, 0x200d, 0x1f52c), text_of(0x645, 0x6cc, 0x200c, 0x62e) } do
      assert.is_true(names.is_title(title), title)
    end
    for _, title in ipairs { "", " ", "Tea ", text_of(0x200d), text_of("Tea", 0x200b),
      text_of(0x202e, "Tea"), "a\nb" } do
      assert.is_false(names.is_title(title), title)
    end
  end)

  it("of keys and devices may be missing, and have 1 to 64 bytes", function()
    for _, is_right in ipairs { names.is_key, names.is_device } do
      assert.is_true(is_right(nil))
      assert.is_true(is_right(("k"):rep(64)))
      assert.is_false(is_right(("k"):rep(65)))
      assert.is_false(is_right "")
      assert.is_false(is_right(7))
    end
  end)
end)
