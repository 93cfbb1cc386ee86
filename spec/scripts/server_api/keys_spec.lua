local fake_crypto = require "spec.support.fake_crypto"
local keys = require "server_api.keys"
local operations = require "server_api.operations"

describe("keys of the server API", function()
  local crypto = fake_crypto.new()
  local HASH = crypto:sha256 "secret"

  local function read(...) return keys.read({ ... }, operations) end

  local function allowed(allow)
    local names = {}
    for name in pairs(read({ name = "x", sha256 = HASH, allow = allow })[1].may) do
      names[#names + 1] = name
    end
    table.sort(names)
    return names
  end

  it("are for all operations, or for those and the groups that are named", function()
    assert.equal(#operations, #allowed(nil))
    assert.same({ "kick" }, allowed { "kick" })
    assert.same({ "broadcast", "kick", "publish" }, allowed { "messages", "kick" })
    assert.same({ "logout", "presence", "user" }, allowed { "users" })
    for _, name in ipairs(allowed { "read" }) do
      assert.is_nil(name:find "create" or name:find "ban$" or name:find "publish")
    end
    assert.equal(8, #allowed { "read" })
  end)

  it("say what is wrong with them, and where", function()
    local good = { name = "x", sha256 = HASH }
    for text, entry in pairs {
      ["entry 2: expected { name =, sha256 =, allow = }"] = "x",
      ['entry 2: has no field "key", but name, sha256 and allow'] = { key = "secret" },
      ["entry 2: name: expected 1 to 32 letters, digits, _, . or -"] = { name = "a b" },
      ["entry 2: sha256: expected 64 hexadecimal digits"] = { name = "y", sha256 = "secret" },
      ["entry 2: name: another entry has it"] = { name = "x", sha256 = ("a"):rep(64) },
      ["entry 2: sha256: another entry has it"] = { name = "y", sha256 = HASH:upper() },
      ['entry 2: allow: there is no operation or group "fly"'] = { name = "y",
        sha256 = ("a"):rep(64), allow = { "kick", "fly" } },
      ['entry 2: allow: expected a list as { "publish", "users" }'] = { name = "y",
        sha256 = ("a"):rep(64), allow = {} },
    } do
      local ok, problem = pcall(read, good, entry)
      assert.is_false(ok)
      assert.equal('option "keys": ' .. text, problem)
    end
    for _, given in ipairs { good, { ops = good }, { good, more = good }, { nil, good } } do
      local ok, problem = pcall(keys.read, given, operations)
      assert.is_false(ok)
      assert.equal('option "keys": expected a list: { { name =, sha256 =, allow = }, ... }',
        problem)
    end
    for _, name in ipairs { "", ("x"):rep(33), 7 } do
      assert.is_false(pcall(read, { name = name, sha256 = HASH }))
    end
  end)

  it("are found by what a request brings, in constant time over all of them", function()
    local list = read({ name = "one", sha256 = HASH },
      { name = "two", sha256 = crypto:sha256("other"):upper() })
    local compared = 0
    local counting = { sha256 = function(_, text) return crypto:sha256(text) end,
      same = function(_, a, b)
        compared = compared + 1
        return crypto:same(a, b)
      end }
    local function find(header) return keys.find(list, counting, header) end
    assert.equal("one", find("Bearer secret").name)
    assert.equal(2, compared)
    assert.equal("two", find("bearer  other ").name)
    assert.same({ nil, true }, { find "Bearer wrong" })
    for _, header in ipairs { "", "Bearer", "Bearer ", "Basic secret", "secret", "Bearer a b",
      "Bearersecret" } do
      assert.same({}, { find(header) })
    end
    assert.same({}, { find(nil) })
  end)
end)
