local fields = require "moderation.fields"

local function is_utf8(text) return not text:find "\255" end

describe("fields of moderation", function()
  it("name a user or an address", function()
    assert.same({ user = "bob" }, fields.target({ user = "bob" }, is_utf8))
    for address, key in pairs { ["10.0.0.1"] = "10.0.0.1", ["2001:DB8::7"] = "2001:db8::/64" } do
      assert.same({ address = key }, fields.target({ address = address }, is_utf8))
    end
    for _, wrong in ipairs { {}, { user = 7 }, { user = "" }, { user = "\255" }, { user = "a\n" },
      { user = ("x"):rep(129) }, { user = "bob", address = "::1" }, { address = 7 },
      { address = "example" }, { address = "10.0.0" },
      { address = "999.999.1.1" }, { address = ":" }, { address = (":"):rep(46) } } do
      local target, problem = fields.target(wrong, is_utf8)
      assert.is_nil(target)
      assert.matches("^data.*expected", problem)
    end
  end)

  it("say how long and why", function()
    assert.same({ duration_ms = 1000, reason = "spam" },
      fields.grounds({ duration_ms = 1000, reason = "spam" }, is_utf8))
    assert.same({}, fields.grounds({ reason = "" }, is_utf8))
    for _, wrong in ipairs { { duration_ms = 999 }, { duration_ms = 1.5e3 + 0.5 },
      { duration_ms = "1h" }, { duration_ms = 1e12 }, { reason = 7 }, { reason = "a\n" },
      { reason = ("x"):rep(201) } } do
      local given, problem = fields.grounds(wrong, is_utf8)
      assert.is_nil(given)
      assert.matches("^data%.[%l_]+: expected", problem)
    end
  end)

  it("ask for a page", function()
    assert.equal(100, fields.limit({}, "string"))
    assert.equal(7, fields.limit({ limit = 7, after = "x" }, "string"))
    for _, wrong in ipairs { { limit = 0 }, { limit = 101 }, { limit = "7" }, { after = 7 } } do
      assert.is_nil(fields.limit(wrong, "string"))
    end
    assert.equal(100, fields.limit({ after = 7 }, "number"))
    assert.is_nil(fields.limit({ after = 7.5 }, "number"))
  end)

  it("set a slow mode, report and appeal", function()
    assert.equal(3600000, fields.slow_mode { slow_mode_ms = 3600000 })
    for _, wrong in ipairs { {}, { slow_mode_ms = -1 }, { slow_mode_ms = 3600001 } } do
      assert.is_nil((fields.slow_mode(wrong)))
    end
    assert.same({ message_id = 7, why = "spam" },
      fields.report({ message_id = 7, why = "spam", more = 1 }, is_utf8))
    for _, wrong in ipairs { { why = "spam" }, { message_id = 0, why = "spam" },
      { message_id = 7, why = "" }, { message_id = 7, why = ("x"):rep(501) },
      { message_id = 7 } } do
      assert.is_nil((fields.report(wrong, is_utf8)))
    end
    assert.equal("sorry", (fields.appeal({ text = "sorry" }, is_utf8)))
    for _, wrong in ipairs { {}, { text = "" }, { text = ("x"):rep(201) } } do
      assert.is_nil((fields.appeal(wrong, is_utf8)))
    end
  end)
end)

describe("slash commands of moderation", function()
  it("name a user, how long and why", function()
    for text, data in pairs {
      ["bob"] = { user = "bob", reason = "" },
      ["bob 10m"] = { user = "bob", duration_ms = 600000, reason = "" },
      ["bob 7d too much spam"] = { user = "bob", duration_ms = 604800000,
        reason = "too much spam" },
      ["bob 2 hours"] = { user = "bob", reason = "2 hours" },
      ["bob 10minutes"] = { user = "bob", reason = "10minutes" },
      ['"bob ross" 30s paints'] = { user = "bob ross", duration_ms = 30000, reason = "paints" },
      [""] = { user = "", reason = "" },
    } do
      assert.same(data, fields.of_command(text, true), text)
    end
    assert.same({ user = "bob", reason = "10m" }, fields.of_command "bob 10m")
  end)

  it("say how slow, and what to report", function()
    assert.same({ slow_mode_ms = 30000 }, fields.of_slow "30")
    assert.same({ slow_mode_ms = 0 }, fields.of_slow "off")
    assert.same({}, fields.of_slow "soon")
    assert.same({ message_id = 17, why = "is spam" }, fields.of_report "17 is spam")
    assert.same({}, fields.of_report "spam")
  end)
end)
