local strings = require "moongate.strings"

describe("strings", function()
  local library = strings.library()
  local LONG = string.rep("a", 20000)

  it("are Lua's but for string.dump", function()
    for name in pairs(string) do
      assert.equal(name ~= "dump", library[name] ~= nil, name)
    end
    assert.same({ "a", "b", 3 }, { library.byte "a" == 97 and "a", library.match("ab", "b"),
      select(2, library.gsub("aaa", "a", "b")) })
    assert.same({ 2, 3 }, { library.find("abcbc", "bc", 2) })
    assert.same({ 4, 5 }, { library.find("abcbc", "bc", 3, true) })
    local words = {}
    for word in library.gmatch("one two", "%a+") do words[#words + 1] = word end
    assert.same({ "one", "two" }, words)
  end)

  it("are a table of its own each time", function()
    library.sub = nil
    assert.is_truthy(strings.library().sub)
    library = strings.library()
  end)

  it("repeat up to 1 MB, and say who asks for more", function()
    assert.equal(1048576, #library.rep("ab", 524288))
    assert.equal("", library.rep("ab", -1))
    local ok, problem = pcall(function() local made = library.rep("x", 1e9) return made end)
    assert.is_false(ok)
    assert.matches("^%S+strings_spec.lua:%d+: string.rep: the result would have 1000000000 bytes, "
      .. "at most 1048576$", problem)
    assert.is_false(pcall(library.rep, "", 1e6, "ab"))
    assert.is_false(pcall(library.rep, "x", "1e9"))
    assert.is_false(pcall(library.rep, "x", math.huge))
  end)

  it("are joined up to 1 MB", function()
    assert.equal("1, b", strings.concat({ 1, "b" }, ", "))
    assert.equal("b", strings.concat({ 1, "b", "c" }, "", 2, 2))
    assert.equal("", strings.concat({}, ","))
    local many = {}
    for i = 1, 100 do many[i] = LONG end
    local ok, problem = pcall(strings.concat, many)
    assert.is_false(ok)
    assert.matches("table.concat: the result would have over 1048576 bytes", problem)
    assert.is_false(pcall(strings.concat, { 1, {}, 3 }))
  end)

  it("refuse a pattern that would take too long, in the caller's line", function()
    for _, name in ipairs { "find", "match", "gmatch", "gsub" } do
      local ok, problem = pcall(function()
        local found = library[name](LONG, ".-x", "")
        return found
      end)
      assert.is_false(ok)
      assert.matches(("strings_spec.lua:%%d+: string.%s: pattern too expensive for a text of 20000 "
        .. 'bytes: "%%.%%-x"'):format(name), problem)
    end
    assert.is_nil(library.find(LONG, ".-x", 1, true))
    assert.is_false(pcall(library.gmatch, LONG, "^.-x"))
    assert.is_nil(library.match(LONG, "^.-x"))
  end)

  it("take numbers for texts, and count their digits", function()
    assert.is_false(pcall(library.rep, 12345678901234, 1e6))
    assert.is_false(pcall(library.rep, "", 1e6, 12))
    assert.is_false(pcall(strings.concat, { 12, 13 }, LONG:rep(53)))
    for _, name in ipairs { "find", "match", "gmatch", "gsub" } do
      local ok, problem = pcall(library[name], 12345678901234, (".-"):rep(20) .. "x", "")
      assert.is_false(ok)
      assert.matches("pattern too expensive for a text of 14 bytes", problem)
    end
    assert.equal(2, library.find(123, 2))
  end)

  it("are joined from a whole place on", function()
    local many = {}
    for i = 1, 100 do many[i] = LONG end
    for _, first in ipairs { 1.5, "1.5", 0.5 + 1 } do
      assert.matches("table.concat: the result would have over",
        select(2, pcall(strings.concat, many, "", first)))
    end
    assert.equal("b", strings.concat({ "a", "b" }, "", 2.5))
    assert.matches("number expected", select(2, pcall(strings.concat, { "a" }, "", {})))
  end)

  it("are not looked for as they are when that takes too long", function()
    local text = string.rep("a", 1048576)
    assert.matches("string.find: pattern too expensive",
      select(2, pcall(library.find, text, text:sub(1, 524288) .. "b", 1, true)))
  end)

  it("replace by a function of an app, one that is quick, or a table for up to 1 MB", function()
    assert.equal("AB", (library.gsub("ab", ".", string.upper)))
    assert.equal("a1b1", (library.gsub("ab", ".", function(c) return c .. 1 end)))
    assert.equal("xb", (library.gsub("ab", ".", { a = "x" })))
    assert.equal("11", (library.gsub("ab", ".", 1)))
    for _, by in ipairs { string.find, library.find, library.rep, print } do
      assert.matches("string.gsub: expected a function of the app's own, or text",
        select(2, pcall(library.gsub, "ab", "(.)(.)", by)))
    end
    local text = string.rep("a", 1048577)
    for _, by in ipairs { tostring, {} } do
      assert.matches("string.gsub: the text has 1048577 bytes, at most 1048576",
        select(2, pcall(library.gsub, text, "b", by)))
    end
    assert.matches("string.gsub: a replacement of 20000 bytes is too long for a text of 1048577",
      select(2, pcall(library.gsub, text, "(x*)", string.rep("%1", 10000))))
    assert.equal(0, select(2, library.gsub(text, "b", "")))
  end)

  it("are not gone through from end to end when they are long, in the caller's line", function()
    local most = string.rep("a", 4194304)
    local more = most .. "a"
    for name, text in pairs { lower = most, reverse = most, upper = most:upper() } do
      assert.equal(text, library[name](most))
      local ok, problem = pcall(function() local made = library[name](more) return made end)
      assert.is_false(ok)
      assert.matches(("strings_spec.lua:%%d+: string.%s: the text has 4194305 bytes, at most "
        .. "4194304$"):format(name), problem)
    end
    assert.equal(4194306, #library.format("%q", most))
    for _, form in ipairs { "%s %q", "%%%-5q %s" } do
      assert.matches("^%S+strings_spec.lua:%d+: string.format, %%q: the texts have 4194306 bytes, "
        .. "at most 4194304$", select(2, pcall(function()
          local made = library.format(form, "a", more)
          return made
        end)))
    end
    local half = more:sub(1, 2097153)
    assert.matches("the texts have 4194306 bytes", select(2, pcall(library.format, "%q%q", half,
      half)))
    for _, form in ipairs { "request %s", "%%q %s", "100 %%%%q %s" } do
      assert.equal(form:format(more), library.format(form, more))
    end
    assert.equal(more, library.format("%s", more))
    assert.same({ "1.50 x", "a" }, { library.format("%.2f %s", 1.5, "x"), library.lower "A" })
  end)

  it("show the beginning of a long pattern that is too expensive", function()
    local ok, problem = pcall(library.find, "x", string.rep("a-", 3000000))
    assert.is_false(ok)
    assert.is_true(#problem < 400)
    assert.matches('string.find: pattern too expensive for a text of 1 bytes: "a%-.*6000000 bytes',
      problem)
  end)

  it("ask a table with a metatable only for short texts", function()
    local chain = {}
    for _ = 1, 98 do chain = setmetatable({}, { __index = chain, __metatable = false }) end
    assert.equal(10000, #library.gsub(string.rep("a", 10000), ".", chain))
    assert.matches("string.gsub: the text has 10001 bytes, at most 10000 for a table with a "
      .. "metatable", select(2, pcall(library.gsub, string.rep("a", 10001), ".", chain)))
  end)

  it("replace by a table, whatever it has", function()
    local many = {}
    for i = 1, 255 do many[string.char(i)] = i end
    assert.equal("979899", (library.gsub("abc", ".", many)))
    assert.equal("a1.5c", (library.gsub("abc", ".", { b = 1.5, c = false })))
    assert.matches("invalid replacement value",
      select(2, pcall(library.gsub, "a", ".", { a = {} })))
    many.a = string.rep("x", 4194305)
    assert.matches("the replacements have over 4194304 bytes",
      select(2, pcall(library.gsub, "a", ".", many)))
  end)

  it("say the time that is meant", function()
    assert.equal(os.date("%c", 0), strings.date(nil, 0))
    assert.equal(os.date("!%H", 3600), strings.date("!%H", 3600))
    assert.equal(#os.date(), #strings.date())
  end)

  it("replace by up to 4 MiB in all, in the caller's line", function()
    local text, by = string.rep("a", 10000), string.rep("b", 1000)
    local is_table = { a = by }
    for _, each in ipairs { by, by .. "%%", is_table } do
      local ok, problem = pcall(function()
        local made = library.gsub(text, "a", each)
        return made
      end)
      assert.is_false(ok)
      assert.matches("strings_spec.lua:%d+: string.gsub: the replacements have over 4194304 bytes$",
        problem)
    end
    assert.equal(string.rep(by .. "%", 4) .. text:sub(5),
      (library.gsub(text, "a", by .. "%%", 4)))
    assert.equal(string.rep(by, 4) .. text:sub(5), (library.gsub(text, "a", is_table, 4)))
    assert.equal(string.rep("b", 4194304), (library.gsub("a", "a", string.rep("b", 4194304))))
    assert.matches("a replacement of 4194305 bytes is too long for a text of 1",
      select(2, pcall(library.gsub, "a", "a", string.rep("b", 4194305))))
  end)

  it("replace by what was found in as many steps as that takes", function()
    local text = string.rep("a", 100000)
    assert.matches("a replacement of 12 bytes is too long for a text of 100000",
      select(2, pcall(library.gsub, text, "()", ("%1"):rep(6))))
    assert.equal(string.rep("aa", 100000), (library.gsub(text, "a", "%0%0")))
    assert.equal("<a%>", (library.gsub("a", "a", "<%0%%>")))
    assert.equal("2%x", (library.gsub("a", "a", 2) .. library.gsub("b", "b", "%%x")))
  end)

  it("replace by functions that are guarded, too", function()
    assert.equal("AB", (library.gsub("ab", ".", library.upper)))
  end)

  it("leave it to Lua to say what is wrong with arguments", function()
    for _, name in ipairs { "find", "match", "gmatch", "gsub", "rep" } do
      assert.matches("bad argument #1", select(2, pcall(library[name])))
    end
    assert.matches("malformed pattern", select(2, pcall(library.find, "a", "[a")))
  end)

  describe("once they are installed", function()
    local restore
    before_each(function() restore = strings.install() end)
    after_each(function() restore() end)

    it("are the methods of all strings, and the table they are in is nobody's", function()
      local mt, index, dump = getmetatable "", (""). __index, (""). dump
      local repeats, problem = pcall(function() return ("x"):rep(1e9) end)
      local found = pcall(function() return LONG:find ".-x" end)
      local direct = #string.rep("x", 2097152)
      restore()
      assert.same({ false, nil, nil, false, false, 2097152 },
        { mt, index, dump, repeats, found, direct })
      assert.matches("string.rep: the result would have 1000000000 bytes", problem)
    end)
  end)

  it("can be what they were", function()
    assert.equal(string, getmetatable("").__index)
  end)
end)
