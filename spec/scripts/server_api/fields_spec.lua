local fields = require "server_api.fields"

local function is_utf8(text) return not text:find "\255" end

describe("fields of the server API", function()
  local NULL = {}
  local WANTED = { room = "string!", count = "integer", on = "boolean", options = "object",
    users = "strings", data = "any" }

  local function body(given) return fields.of_body(WANTED, given, NULL) end
  local function query(given) return fields.of_query(WANTED, given, is_utf8) end

  it("of a body are taken as they are, but null", function()
    local given = { room = "tea", count = 2, on = false, options = {}, users = { "ann" }, data = 7 }
    assert.same(given, (body(given)))
    assert.same({ room = "tea" }, (body { room = "tea", data = NULL, count = NULL }))
  end)

  it("of a body are refused when they are of another type, with what was expected", function()
    for field, wrong in pairs { room = 7, count = "1", on = "true", options = { 1 },
      users = { "a", 7 } } do
      local args, problem = body { room = field ~= "room" and "tea" or nil, [field] = wrong }
      assert.is_nil(args)
      assert.is_truthy(problem:find("^" .. field .. ": expected "), problem)
    end
    assert.same({ nil, "count: expected a whole number" }, { body { room = "tea", count = 1.5 } })
    for _, users in ipairs { { a = "x" }, { "a", [3] = "b" }, "ann" } do
      assert.same({ nil, "users: expected a list of strings" },
        { body { room = "tea", users = users } })
    end
  end)

  it("are refused when one is missing, or there is none of that name", function()
    assert.same({ nil, "room: is missing" }, { body {} })
    assert.same({ nil, "room: is missing" }, { body { room = NULL } })
    assert.same({ nil, "room: is missing" }, { query {} })
    assert.same({ nil, "co?lor: there is no such field" }, { body { room = "x", ["co\nlor"] = 1 } })
    assert.same({ nil, "color: there is no such field" }, { query { room = "x", color = "1" } })
  end)

  it("are in one object", function()
    for _, other in ipairs { "x", 7, true, { {} }, { 1 } } do
      assert.same({ nil, "the body: expected one object" }, { body(other) })
    end
  end)

  it("of a query are texts that are read", function()
    assert.same({ room = "12", count = -12, on = true },
      (query { room = "12", count = "-12", on = "true" }))
    assert.is_false(query({ room = "x", on = "false" }).on)
    for _, count in ipairs { "", "1.5", "1e3", "0x10", " 1", "nan" } do
      assert.same({ nil, "count: expected a whole number" },
        { query { room = "x", count = count } })
    end
    assert.same({ nil, "on: expected true or false" }, { query { room = "x", on = "1" } })
    assert.same({ nil, "room: is not UTF-8" }, { query { room = "\255" } })
  end)

  it("that name a user have 1 to 128 bytes of text without control characters", function()
    for _, name in ipairs { "a", ("x"):rep(128), "ann b" } do
      assert.is_true(fields.is_user(name, is_utf8))
    end
    for _, name in ipairs { "", ("x"):rep(129), "a\n", "\255", "a\194\133" } do
      assert.is_false(fields.is_user(name, is_utf8))
    end
  end)
end)
