local words = require "moderation.words"

describe("words that are not wanted", function()
  local list = words.of { "darn", "Heck", "mäh", "42" }

  it("are found whole, in ASCII of any case, between punctuation", function()
    for _, text in ipairs { "darn", "oh DARN!", "what the heck", "(heck)", "a-darn_b", "42", "mäh?",
      "“darn”", "\194\171darn\194\187", "。darn。" } do
      assert.is_true(list:has_word(text), text)
    end
    for _, text in ipairs { "", "darned", "undarn", "da rn", "421", "mähe", "MÄH", "ädarn" } do
      assert.is_false(list:has_word(text), text)
    end
  end)

  it("are masked, and nothing else is", function()
    for text, masked in pairs { [""] = "", ["fine"] = "fine", ["Darn it, DARN"] = "**** it, ****",
      ["“mäh” darned"] = "“***” darned", ["heck"] = "****", ["ü heck ü"] = "ü **** ü" } do
      assert.equal(masked, list:mask_words(text))
    end
  end)

  it("are none when the list is empty", function()
    assert.is_false(words.of({}):has_word "darn")
  end)

  it("must be words", function()
    assert.is_nil(words.problem_of { "darn", "mäh", "42" })
    for _, wrong in ipairs { { "two words" }, { "" }, { "a.b" }, { 7 }, { word = "darn" },
      { ("x"):rep(65) }, { "“x”" } } do
      assert.matches("^expected words of at most 64 bytes", words.problem_of(wrong))
    end
    assert.equal("expected a list of words", words.problem_of "darn")
  end)
end)

describe("links that are not wanted", function()
  local list = words.of {}

  it("are what has a scheme, or begins with www", function()
    for _, text in ipairs { "http://a.example", "see HTTPS://A.example/x?y", "ftp://x",
      "www.a.example", "(WWW.a.example)" } do
      assert.is_true(list:has_link(text), text)
    end
    for _, text in ipairs { "", "http:/a", "a.example", "awww. so sweet", "www.", "www" } do
      assert.is_false(list:has_link(text), text)
    end
  end)

  it("are masked with what hangs on them", function()
    assert.equal("see *** and ***\nor not",
      list:mask_links "see https://a.example/x and www.b.example\nor not")
    assert.equal("nothing", list:mask_links "nothing")
  end)
end)

describe("texts in a value", function()
  it("are found wherever they are, but not in keys", function()
    local function is_bad(text) return text == "bad" or nil end
    assert.is_true(words.each("bad", is_bad))
    assert.is_true(words.each({ 1, { body = { "fine", "bad" } } }, is_bad))
    for _, value in ipairs { 7, true, "fine", { bad = "fine" }, {} } do
      assert.is_nil((words.each(value, is_bad)))
    end
  end)

  it("are changed in place", function()
    local value = { "a", { b = "b", n = 7 } }
    assert.equal(value, words.map(value, string.upper))
    assert.same({ "A", { b = "B", n = 7 } }, value)
    assert.equal("A", words.map("a", string.upper))
    assert.equal(7, words.map(7, string.upper))
  end)
end)
