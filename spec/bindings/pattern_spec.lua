local pattern = require "moongate.pattern"

describe("pattern", function()
  local KB = 1024

  it("is cheap when nothing is tried anew", function()
    for _, text in ipairs { "%s+", "[^,]*", "^%S+", "abc", "", "^abc$", "%f[%w]%w+", "%(", "[" } do
      assert.is_true(pattern.is_cheap(text, KB * KB), text)
    end
  end)

  it("that trims is cheap for what people send", function()
    assert.is_true(pattern.is_cheap("^%s*(.-)%s*$", 4 * KB))
    assert.is_false(pattern.is_cheap("^%s*(.-)%s*$", 16 * KB))
  end)

  it("is tried from each byte, unless it is anchored", function()
    assert.is_true(pattern.is_cheap(".-x", 4472))
    assert.is_false(pattern.is_cheap(".-x", 4473))
    assert.is_true(pattern.is_cheap("^.-x", KB * KB))
  end)

  it("has a power more for each quantifier that something is behind that may fail", function()
    for text, most in pairs {
      [".*.*x"] = 271, ["^.*.*x"] = 4472, ["^.-x.-x.-y.*"] = 271, ["%b()"] = 3872,
      ["(.)%1"] = 3464, ["(%w+)=(%w+)"] = 3464, ["^([^=]*)=?(.*)$"] = 6000000,
    } do
      assert.is_true(pattern.is_cheap(text, most), text)
      assert.is_false(pattern.is_cheap(text, most + most / 10), text)
    end
  end)

  it("takes what looks like a quantifier behind a frontier, %b or %1 for a character", function()
    for _, text in ipairs { ".-.-.-.-.-%f[x]*", ".-.-.-.-.-%f[x]-", ".-.-.-.-.-%f[x]?",
      ".-.-.-.-%bxy*", "(.-).-.-.-%1*" } do
      assert.is_false(pattern.is_cheap(text, 2000), text)
    end
  end)

  it("takes twice as long for each that is optional", function()
    assert.is_false(pattern.is_cheap(("a?"):rep(30) .. ("a"):rep(30), 30))
    assert.is_true(pattern.is_cheap("^a?b?c?$", KB * KB))
  end)

  it("takes longer with a large set", function()
    assert.is_true(pattern.is_cheap("^[abc]-x", 90 * KB))
    assert.is_false(pattern.is_cheap("^[" .. ("b"):rep(16 * KB) .. "]-x", 90 * KB))
    assert.is_false(pattern.is_cheap("[" .. ("%d"):rep(999) .. "]", 399998))
  end)

  it("takes longer the more is compared at each place, also as a mere text", function()
    local text = ("a"):rep(20 * KB) .. "b"
    assert.is_false(pattern.is_cheap(text .. "?", 30 * KB))
    assert.is_true(pattern.is_cheap(text .. "?", KB))
    assert.is_false(pattern.is_cheap(("a"):rep(70000), 1))
    assert.is_false(pattern.is_cheap(".-aaaaaaaaaaaaaaab", 2000))
    assert.is_true(pattern.is_cheap(".-a.-b.-c.-d", 28))
    assert.is_false(pattern.is_cheap_to_find(text, KB * KB))
    assert.is_true(pattern.is_cheap_to_find(text, 30 * KB))
    assert.is_true(pattern.is_cheap_to_find("abcdefgh", 10 * KB * KB))
    assert.is_false(pattern.is_cheap_to_find("abcdefgh", 20 * KB * KB))
  end)

  it("is judged the same however many others there were", function()
    for i = 1, 2000 do pattern.is_cheap(("^%d.-x"):format(i), 10) end
    assert.is_false(pattern.is_cheap(".*.*x", 1000))
  end)

  --- The longest text that it may be matched with.
  local function longest(text)
    local least, most = 1, 4 * KB * KB
    while least < most do
      local middle = math.ceil((least + most) / 2)
      if pattern.is_cheap(text, middle) then least = middle else most = middle - 1 end
    end
    return least
  end

  it("that is called cheap is: the worst text for each takes well under half a second", function()
    for text, part in pairs {
      [".-x"] = "a", [".*.*x"] = "a", ["^%s*(.-)%s*$"] = " ", ["%b()"] = "(", ["(.)%1"] = "ab",
      ["[" .. ("%d"):rep(999) .. "]"] = "a", ["[" .. ("b"):rep(999) .. "]"] = "a",
      ["%f[" .. ("%d"):rep(50) .. "]"] = "a", ["[^%d%s]-[^a]"] = "a", [".-aaab"] = "a",
      [".-(a)(a)x"] = "a", [".-aaaaaaaaaaaaaaab"] = "a", ["a?a?a?a?a?a?b"] = "a",
    } do
      local subject = part:rep(math.floor(longest(text) / #part))
      local begun = os.clock()
      string.find(subject, text)
      assert.is_true(os.clock() - begun < 0.5, text)
    end
  end)
end)
