--- docs/schema against what is really said of messages, in both encodings.
local file = require "spec.support.file"
local schema = require "spec.support.schema"
local server = require "spec.support.server"
local talker = require "spec.support.talker"

local json = talker.json

local REQUESTS = { "delete", "edit", "react", "read", "typing" }
local PUSHES = { "deleted", "edited", "mentioned", "reacted", "read", "typing" }

describe("docs/schema, of messages,", function()
  local house, claims, refused

  setup(function()
    house = server.start()
    claims, refused = {}, {}
  end)
  teardown(function() house:stop() end)

  --- Asks, and claims what it was, and what it was granted.
  local function ask(one, type_name, fields, code)
    fields.room = fields.room or "tea"
    local reply = one:asks(type_name, fields)
    assert.equal(code, reply.error and reply.error.code)
    fields.type = type_name
    local asked = json.encode(fields)
    if code == "bad_request" then
      refused[#refused + 1] = { "request/" .. type_name, asked }
    elseif not code and type_name ~= "join" and type_name ~= "say" then
      claims[#claims + 1] = { "request/" .. type_name, asked, encoding = one.encoding }
      claims[#claims + 1] = { "reply/" .. type_name, (json.encode(reply.data)),
        encoding = one.encoding }
    end
    return reply.data
  end

  local function walk(encoding)
    local heard = {}
    local one = talker.connect(house.port, encoding, heard)
    local other = talker.connect(house.port, encoding == "json" and "msgpack" or "json", heard)
    local outside = talker.connect(house.port, encoding, heard)
    for name, conn in pairs { ann = one, bob = other, carl = outside } do
      -- Of one user others are not told twice in a second that they type.
      conn:asks("auth", { data = { name = name .. encoding, key = name } })
    end
    for _, conn in ipairs { one, other } do ask(conn, "join", {}) end
    local id = ask(one, "say", { data = 1, mentions = { "carl" .. encoding } }).id
    for _, fields in ipairs { {}, { message_id = 0, data = 1 }, { message_id = 1.5, data = 1 },
      { message_id = "1", data = 1 }, { message_id = id },
      { room = 7, message_id = id, data = 1 } } do
      ask(one, "edit", fields, "bad_request")
    end
    ask(one, "edit", { message_id = 1, data = 1 }, "too_old")
    ask(one, "edit", { message_id = id, data = { json.null } })
    for _, fields in ipairs { { message_id = id }, { message_id = id, emoji = "" },
      { message_id = id, emoji = ("x"):rep(33) }, { message_id = id, emoji = "\t" },
      { message_id = id, emoji = "buy" },
      { message_id = id, emoji = ":x:", on = 1 }, { emoji = ":x:" } } do
      ask(other, "react", fields, "bad_request")
    end
    for _, emoji in ipairs { ":+1:", "1\239\184\143\226\131\163" } do
      ask(other, "react", { message_id = id, emoji = emoji })
    end
    for _, is_on in ipairs { true, false, json.null } do
      ask(other, "react", { message_id = id, emoji = "\240\159\145\141", on = is_on })
    end
    ask(other, "typing", { on = "yes" }, "bad_request")
    ask(other, "typing", {})
    ask(other, "read", {}, "bad_request")
    ask(other, "read", { message_id = id })
    ask(other, "delete", {}, "bad_request")
    ask(other, "delete", { message_id = id }, "not_allowed")
    ask(one, "delete", { message_id = id })
    outside:hears { type = "mentioned" }
    other:hears { type = "deleted" }
    for _, conn in ipairs { one, other, outside } do conn:closes() end
    return heard
  end

  it("is what goes over the wire", function()
    local seen = {}
    for _, encoding in ipairs { "json", "msgpack" } do
      for _, each in ipairs(walk(encoding)) do
        local name = each.message.type
        for _, push in ipairs(PUSHES) do
          if not each.is_sent and name == push then
            claims[#claims + 1] = { "push/" .. name, each.json, encoding = each.encoding }
          end
        end
      end
    end
    for _, claim in ipairs(claims) do seen[claim[1] .. " in " .. claim.encoding] = true end
    local function is_seen(name)
      for _, encoding in ipairs { "json", "msgpack" } do
        local full = ("%s in %s"):format(name, encoding)
        assert.is_true(seen[full], full)
      end
    end
    for _, name in ipairs(REQUESTS) do
      is_seen("request/" .. name)
      is_seen("reply/" .. name)
    end
    for _, name in ipairs(PUSHES) do is_seen("push/" .. name) end
    assert.same({}, schema.problems(claims))
  end)

  it("refuses what the server refuses for its fields", function()
    assert.is_true(#refused >= 30)
    local is_refused, passed = {}, {}
    for _, problem in ipairs(schema.problems(refused, true)) do
      is_refused[tonumber(problem:match "^%d+")] = true
    end
    for n, each in ipairs(refused) do
      if not is_refused[n] then passed[#passed + 1] = each end
    end
    assert.same({}, passed)
  end)

  it("has examples that are right", function()
    local examples = {}
    local function add(name)
      for _, example in ipairs(json.decode(file.read(schema.path(name))).examples) do
        examples[#examples + 1] = { name, json.encode(example) }
      end
    end
    for _, name in ipairs(REQUESTS) do
      add("request/" .. name)
      add("reply/" .. name)
    end
    for _, name in ipairs(PUSHES) do add("push/" .. name) end
    assert.equal(2 * #REQUESTS + #PUSHES, #examples)
    assert.same({}, schema.problems(examples))
  end)
end)
