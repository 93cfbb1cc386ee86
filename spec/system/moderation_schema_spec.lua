--- docs/schema against what is really said of moderation, in both encodings.
local file = require "spec.support.file"
local schema = require "spec.support.schema"
local server = require "spec.support.server"
local talker = require "spec.support.talker"

local json = talker.json

local REQUESTS = { "appeal", "audit", "ban", "bans", "kick", "mute", "report", "reports",
  "shadow_mute", "slow_mode", "unban", "unmute" }

-- Makes whoever asks an admin, as a plugin that knows people would.
local CROWN = [[return function(gate)
  gate:on("crown", function(conn) conn.state.admin = true return {} end)
end]]

describe("docs/schema, of moderation,", function()
  local house, claims, refused, codes

  setup(function()
    house = server.start { plugins = { crown = CROWN } }
    claims, refused, codes = {}, {}, {}
  end)
  teardown(function() house:stop() end)

  --- Asks, and claims what it was, and what it was granted.
  local function ask(one, type_name, fields, code)
    local reply = one:asks(type_name, fields)
    assert.same({ type_name, code }, { type_name, reply.error and reply.error.code })
    fields.type = type_name
    if code == "bad_request" then
      refused[#refused + 1] = { "request/" .. type_name, (json.encode(fields)) }
    elseif code then
      codes[code] = true
    else
      claims[#claims + 1] = { "request/" .. type_name, (json.encode(fields)),
        encoding = one.encoding }
      claims[#claims + 1] = { "reply/" .. type_name, (json.encode(reply.data)),
        encoding = one.encoding }
    end
    return reply.data
  end

  --- What is refused for its fields, as the data of a request in the room.
  local function wrongs(bob)
    local long = ("x"):rep(501)
    local of_user = { {}, { user = "" }, { user = 7 }, { user = ("x"):rep(129) },
      { user = "\t" }, { user = bob, reason = long }, { user = bob, reason = 1 } }
    local of_time = { { user = bob, duration_ms = 999 }, { user = bob, duration_ms = 1000.5 },
      { user = bob, duration_ms = 31622400001 }, { user = bob, duration_ms = "1h" } }
    local of_target = { { user = bob, address = "10.9.9.9" }, { address = "here" },
      { address = "999.999.1.1" }, { address = ":" } }
    local of_page = { { limit = 0 }, { limit = 101 }, { limit = "1" }, { after = true } }
    return {
      kick = { of_user }, unmute = { of_user }, mute = { of_user, of_time },
      shadow_mute = { of_user, of_time }, ban = { of_user, of_time, of_target },
      unban = { of_user, of_target },
      slow_mode = { { {}, { slow_mode_ms = -1 }, { slow_mode_ms = 3600001 } } },
      report = { { {}, { message_id = 1 }, { message_id = 1, why = "" },
        { message_id = 1, why = long }, { message_id = 0, why = "x" } } },
      appeal = { { {}, { text = "" }, { text = long } } },
      bans = { of_page, { { after = 1 } } }, audit = { of_page, { { after = "1" } } },
      reports = { of_page, { { after = 0 } } },
    }
  end

  --- One moderates, the other is moderated.
  local function walk(encoding)
    local heard = {}
    local one = talker.connect(house.port, encoding, heard)
    local other = talker.connect(house.port, encoding == "json" and "msgpack" or "json", heard)
    local room, bob = "of " .. encoding, "bob_" .. encoding
    one:asks("auth", { data = { name = "ann_" .. encoding } })
    other:asks("auth", { data = { name = bob } })
    one:asks("create", { room = room })
    other:asks("join", { room = room })

    local function of(data) return { room = room, data = data } end

    for type_name, lists in pairs(wrongs(bob)) do
      for _, list in ipairs(lists) do
        for _, data in ipairs(list) do ask(one, type_name, of(data), "bad_request") end
      end
    end
    for _, type_name in ipairs { "bans", "reports", "audit" } do ask(one, type_name, of()) end
    ask(other, "appeal", of { text = "why?" }, "nothing_to_appeal")
    ask(other, "report", of { message_id = 17600000000000, why = "spam" }, "too_old")
    local said = other:asks("say", { room = room, data = "buy" }).data
    ask(other, "report", of { message_id = said.id, why = "spam" })
    ask(other, "report", of { message_id = said.id, why = "spam" }, "already_reported")
    ask(one, "reports", of { limit = 1 })
    ask(one, "unmute", of { user = bob }, "not_muted")
    ask(one, "mute", of { user = bob, duration_ms = 60000, reason = "loud" })
    other:says { type = "say", room = room, data = "hello", id = "muted" }
    assert.equal("muted", other:hears({ id = "muted" }).error.code)
    ask(other, "appeal", of { text = "sorry" })
    ask(other, "appeal", of { text = "sorry" }, "already_appealed")
    ask(one, "bans", of { after = json.null, limit = json.null })
    ask(one, "unmute", of { user = bob, reason = json.null })
    ask(one, "shadow_mute", of { user = bob })
    ask(one, "slow_mode", of { slow_mode_ms = 0 })
    ask(one, "kick", of { user = bob })
    ask(one, "unban", of { user = bob }, "not_banned")
    ask(one, "ban", of { user = bob, address = json.null, duration_ms = 60000 })
    ask(other, "ban", of { user = bob }, "banned")
    other:says { type = "join", room = room, id = "banned" }
    assert.equal("banned", other:hears({ id = "banned" }).error.code)
    ask(one, "unban", of { user = bob })
    one:asks "crown"
    ask(one, "ban", of { address = "10.9.9.9", reason = "spam" })
    ask(one, "bans", of { limit = 1 })
    ask(one, "unban", of { address = "10.9.9.9" })
    ask(one, "audit", of { limit = 1 })
    ask(one, "audit", of { after = 3 })
    one:asks("join", { room = room })
    for _, text in ipairs { "/help", "/bans", "/mute nobody 10m loud", "/unmute nobody",
      "/ban nobody", "/unban nobody", "/slow 3", "/slow off", "hello" } do
      ask(one, "say", of(text))
    end
    ask(one, "reports", { room = json.null, data = { limit = 1 } })
    ask(one, "ban", { room = json.null, data = { user = "nobody_" .. encoding } })
    local banned = talker.connect(house.port, encoding, heard)
    banned:asks("auth", { data = { name = "nobody_" .. encoding } })
    assert.is_nil(banned:hears({ type = "moderated" }).room)
    ask(banned, "appeal", { data = { text = "sorry" }, room = json.null })
    banned.client:is_closed()
    for _, type_name in ipairs { "bans", "reports", "audit" } do ask(one, type_name, {}) end
    ask(one, "unban", { data = { user = "nobody_" .. encoding } })
    ask(one, "kick", { data = { user = bob, reason = "out" } })
    other.client:is_closed()
    one:closes()
    return heard
  end

  it("is what goes over the wire", function()
    local actions = {}
    for _, encoding in ipairs { "json", "msgpack" } do
      for _, each in ipairs(walk(encoding)) do
        if not each.is_sent and each.message.type == "moderated" then
          actions[each.message.action .. " in " .. each.encoding] = true
          claims[#claims + 1] = { "push/moderated", each.json, encoding = each.encoding }
        end
      end
    end
    local seen = {}
    for _, claim in ipairs(claims) do seen[claim[1] .. " in " .. claim.encoding] = true end
    for _, encoding in ipairs { "json", "msgpack" } do
      for _, name in ipairs(REQUESTS) do
        for _, what in ipairs { "request", "reply" } do
          local full = ("%s/%s in %s"):format(what, name, encoding)
          assert.is_true(seen[full], full)
        end
      end
      for _, action in ipairs { "kick", "ban", "mute", "unmute" } do
        assert.is_true(actions[("%s in %s"):format(action, encoding)], action)
      end
    end
    for code in pairs(codes) do claims[#claims + 1] = { "error", (json.encode(code)) } end
    assert.same({}, schema.problems(claims))
  end)

  it("refuses what the server refuses for its fields", function()
    assert.is_true(#refused >= 100)
    local is_refused, passed = {}, {}
    for _, problem in ipairs(schema.problems(refused, true)) do
      is_refused[tonumber(problem:match "^%d+")] = true
    end
    for n, each in ipairs(refused) do
      if not is_refused[n] then passed[#passed + 1] = each end
    end
    assert.same({}, passed)
  end)

  it("tells what is said from what a slash command replies", function()
    local SAY = "reply/say"
    local right = { { SAY, '{"id":17600000000000,"at":1760000000000}' }, { SAY, '{"total":4}' },
      { SAY, '{"commands":[{"name":"roll"}]}' }, { SAY, "{}" }, { SAY, "[4]" } }
    assert.same({}, schema.problems(right))
    local wrong = { { SAY, '{"id":"x","at":1760000000000}' }, { SAY, '{"id":1,"at":2,"by":"x"}' },
      { SAY, '{"commands":{}}' }, { SAY, '{"commands":[{"about":"x"}]}' } }
    assert.equal(#wrong, #schema.problems(wrong))
  end)

  it("has examples that are right", function()
    local examples = {}
    local function add(name)
      for _, example in ipairs(json.decode(file.read(schema.path(name))).examples) do
        examples[#examples + 1] = { name, (json.encode(example)) }
      end
    end
    for _, name in ipairs(REQUESTS) do
      add("request/" .. name)
      add("reply/" .. name)
    end
    add "push/moderated"
    assert.is_true(#examples > 2 * #REQUESTS)
    assert.same({}, schema.problems(examples))
  end)
end)
