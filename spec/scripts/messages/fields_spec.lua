local fields = require "scripts.messages.fields"

describe("fields of requests about messages", function()
  local function is_utf8(text) return not text:find "\255" end

  local function code_of(...) return (...) end

  it("have ids that are whole numbers", function()
    for _, id in ipairs { 1, 17600000000000, 2 ^ 53 } do
      assert.is_nil(fields.problem_of_id(id))
      assert.is_nil(fields.problem_of_reply(id))
    end
    for _, id in ipairs { 0, -1, 1.5, 2 ^ 53 + 2, "1", true, {}, 0 / 0, math.huge } do
      assert.equal("bad_request", code_of(fields.problem_of_id(id)))
      assert.equal("bad_request", code_of(fields.problem_of_reply(id)))
    end
    assert.equal("bad_request", code_of(fields.problem_of_id(nil)))
  end)

  it("have data, which is not too long where it is text", function()
    for _, data in ipairs { "12345", "", false, 7, { "123456" }, { text = "12345" } } do
      assert.is_nil(fields.problem_of_data(data, 5, 20))
    end
    assert.equal("bad_request", code_of(fields.problem_of_data(nil, 5, 20)))
    assert.same({ "too_big", "data: at most 5 bytes of text" },
      { fields.problem_of_data("123456", 5, 20) })
    assert.same({ "too_big", "data.text: at most 5 bytes" },
      { fields.problem_of_data({ text = "123456" }, 5, 20) })
  end)

  it("have data that is not too long in all, wherever in it that is", function()
    for _, data in ipairs { { body = ("x"):rep(21) }, { ("x"):rep(21) }, { { { ("x"):rep(21) } } },
      { [("x"):rep(21)] = 1 }, { 1, 2, 3, 4, 5, 6 }, { {}, {}, {}, {}, {}, {}, {}, {} },
      { text = "1234", n = { ("x"):rep(9) } } } do
      assert.same({ "too_big", "data: at most 20 bytes when it is encoded" },
        { fields.problem_of_data(data, 5, 20) })
    end
    assert.is_nil(fields.problem_of_data({ { {} }, n = 1 }, 5, 20))
  end)

  it("mention users, not too many", function()
    for _, mentions in ipairs { {}, { "ann" }, { "ann", "bob" }, { ("x"):rep(128) } } do
      assert.is_nil(fields.problem_of_mentions(mentions, 2, is_utf8))
    end
    for _, mentions in ipairs { "ann", 7, true, { "ann", "bob", "carl" }, { 7 }, { "" },
      { ann = "ann" }, { ("x"):rep(129) }, { "\255" }, { "a\nb" }, { {} } } do
      local code, text = fields.problem_of_mentions(mentions, 2, is_utf8)
      assert.same({ "bad_request", "mentions: expected a list of at most 2 names" }, { code, text })
    end
  end)

  local PICTURES = { "👍", "❤️", "🇩🇪", "👨‍👩‍👧", "1️⃣", "#⃣", "✔", "🍵🍵" }
  local LETTERS = { ":tea:", ":+1:", ":thumbs-up_2:", "привет", "ⓗⓘ", "🅷🅸", "é" }

  it("have emoji of 1 to 32 bytes", function()
    for _, list in ipairs { PICTURES, LETTERS, { ("é"):rep(16) } } do
      for _, emoji in ipairs(list) do assert.is_nil(fields.problem_of_emoji(emoji, is_utf8)) end
    end
    for _, emoji in ipairs { "", ("é"):rep(17), "\0", "\255", "a\tb", "\194\133", 7, true, "+",
      "hello", "1", "👍1", ":Tea:", ":a b:", "::", ":tea: :tea:", "http://a.example", "11⃣" } do
      assert.equal("bad_request", code_of(fields.problem_of_emoji(emoji, is_utf8)), emoji)
    end
    assert.equal("bad_request", code_of(fields.problem_of_emoji(nil, is_utf8)))
  end)

  it("have pictures that spell nothing", function()
    for _, emoji in ipairs(PICTURES) do assert.is_true(fields.is_picture(emoji), emoji) end
    for _, emoji in ipairs(LETTERS) do assert.is_false(fields.is_picture(emoji), emoji) end
  end)
end)
