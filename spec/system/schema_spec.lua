--- docs/schema against what the server and its clients really say, in both encodings.
local file = require "spec.support.file"
local schema = require "spec.support.schema"
local server = require "spec.support.server"
local talker = require "spec.support.talker"

local json = talker.json

local PLUGIN = [[return function(gate)
  gate:on("boom", function() error "ouch" end)
  gate:on("doze", function(_, message) gate:sleep(message.ms) return {} end)
  gate:on("late", function() gate:deadline(1) gate:sleep(1000) end)
  gate:on("busy", function() return nil, "busy", "later", true, 250 end)
  gate:command("wave", function() return {} end)
  gate:on("much", function() return { text = ("x"):rep(100000) } end)
end]]

-- What has specs of its own: messages_schema_spec.lua, moderation_schema_spec.lua,
-- rooms_schema_spec.lua, people_schema_spec.lua, server_api_spec.lua.
local ELSEWHERE = {}
for _, name in ipairs { "delete", "edit", "react", "read", "typing",
  "appeal", "audit", "ban", "bans", "kick", "mute", "report", "reports", "shadow_mute",
  "slow_mode", "unban", "unmute",
  "archive", "create", "delete_room", "describe", "direct", "invite",
  "rename", "resign", "role", "set", "unarchive",
  "logout", "refresh", "register", "status", "unwatch", "watch" } do
  ELSEWHERE["request/" .. name], ELSEWHERE["reply/" .. name] = true, true
end
for _, name in ipairs { "deleted", "edited", "mentioned", "reacted", "read", "typing",
  "moderated", "announced",
  "invited", "members_changed", "role_changed", "room_archived",
  "room_changed", "room_deleted", "room_renamed",
  "authenticated", "presence", "token_expiring" } do
  ELSEWHERE["push/" .. name] = true
end

describe("docs/schema", function()
  local house

  setup(function()
    house = server.start { plugins = { more = PLUGIN } }
    local list = file.read(house.app .. "/init.lua")
    house:save("init", (list:gsub("max_per_connection = 50", "max_per_connection = 3")))
    house:logs "generation 2"
    house:expects "ouch"
  end)
  teardown(function() house:stop() end)

  -- What is asked in a walk, by who has joined "tea": type, fields, the code that it is refused
  -- with. Names are of one encoding, so that both may walk at once.
  local function steps(name)
    return {
      { "ping" }, { "ping", { id = "x" } }, { "ping", { id = ("p"):rep(16) } },
      { "rooms", nil, "not_authenticated" },
      { "auth", { data = {} }, "bad_request" }, { "auth", { data = { name = 7 } }, "bad_request" },
      { "auth", { data = { name = "x", key = "" } }, "bad_request" },
      { "auth", { data = { name = "" } }, "bad_name" },
      { "auth", { data = { name = " x" } }, "bad_name" },
      { "auth", { data = { name = "taken" } }, "name_taken" },
      { "auth", { data = { name = name, key = "secret" } } },
      { "auth", { data = { name = name } }, "already_authenticated" },
      { "join", nil, "bad_request" }, { "join", { room = "" }, "bad_room" },
      { "join", { room = ("r"):rep(65) }, "bad_room" },
      { "join", { room = "tea" } }, { "join", { room = "tea" } }, { "join", { room = "a" } },
      { "join", { room = "b" } }, { "join", { room = "c" }, "too_many_rooms" },
      { "say", { room = "tea" }, "bad_request" }, { "say", { data = 1 }, "bad_request" },
      { "say", { room = "c", data = 1 }, "not_a_member" },
      { "say", { room = "tea", data = { text = "hello", list = { 1, 0.5, true, json.null } } } },
      { "say", { room = "tea", data = "", reply_to = 1, mentions = { "ann" } } },
      { "say", { room = "tea", data = "", reply_to = json.null, mentions = json.null } },
      { "say", { room = "tea", data = "", reply_to = 0 }, "bad_request" },
      { "say", { room = "tea", data = "", mentions = "ann" }, "bad_request" },
      { "say", { room = "tea", data = "", mentions = { "" } }, "bad_request" },
      { "say", { room = "tea", data = ("x"):rep(4097) }, "too_big" },
      { "say", { room = "tea", data = "once", id = ("s"):rep(16) } },
      { "say", { room = "tea", data = "/help" } },
      { "say", { room = "tea", data = "/nothing" }, "unknown_command" },
      { "members", { room = "tea" } }, { "members", { room = "c" }, "not_a_member" },
      { "members", { room = "tea", data = { limit = 1, after = "a" } } },
      { "members", { room = "tea", data = { limit = 501 } }, "bad_request" },
      { "rooms", { data = { limit = 1 } } }, { "rooms", { data = { prefix = "no such" } } },
      { "rooms", { data = { limit = 101 } }, "bad_request" },
      { "rooms", { data = { kind = 7 } }, "bad_request" },
      { "rooms", { data = { archived = "no" } }, "bad_request" },
      { "rooms" }, { "leave", { room = "a" } }, { "leave", { room = "a" }, "not_a_member" },
      { "nobody", nil, "unknown_type" }, { "boom", nil, "internal" }, { "late", nil, "timeout" },
      { "busy", nil, "busy" }, { "much", { id = ("m"):rep(16) } },
      { "much", { id = ("m"):rep(16) }, "duplicate" },
    }
  end

  local records, refused -- { encoding -> record }, { name of a schema, JSON } of what was not right

  --- With an empty list, as no table of Lua is written.
  local function says_to_nobody(one)
    local bytes = one.codec.encode { type = "say", room = "tea", data = "empty" }
    local longer = one.encoding == "json" and bytes:gsub("}$", ',"mentions":[]}')
      or "\132" .. bytes:sub(2) .. "\168mentions\144"
    one:sends(longer)
    assert.is_nil(one:hears({ type = "said", data = "empty" }).mentions)
  end

  --- Walks, and returns all that went over the wire.
  local function walk(encoding)
    local record, bad = {}, {}
    local holder = talker.connect(house.port, "json")
    holder:asks("auth", { data = { name = "taken", key = "x" } })
    local one = talker.connect(house.port, encoding, record)
    local other = talker.connect(house.port, encoding == "json" and "msgpack" or "json", record)
    for _, step in ipairs(steps(encoding)) do
      local type_name, fields, code = step[1], step[2], step[3]
      local reply = one:asks(type_name, fields)
      assert.same({ type_name, code }, { type_name, reply.error and reply.error.code })
      if code == "bad_request" or code == "bad_name" or code == "bad_room" then
        for i = #record, 1, -1 do
          if record[i].is_sent then
            bad[#bad + 1] = { "request/" .. type_name, record[i].json }
            break
          end
        end
      end
    end
    says_to_nobody(one)
    other:asks("auth", { data = { name = "other", key = json.null } })
    other:asks("join", { room = "tea" })
    other:asks("leave", { room = "tea" })
    one:hears { type = "left" }
    for bytes, code in pairs { ["{"] = "bad_" .. encoding, [""] = "bad_" .. encoding,
      [encoding == "json" and "[]" or "\144"] = "bad_batch" } do
      one:sends(bytes)
      assert.equal(code, one:hears({ type = "reply" }).error.code)
    end
    one.client:send(encoding == "json" and 2 or 1, "{}")
    assert.equal("bad_encoding", one:hears({ type = "reply" }).error.code)
    one:says { { type = "ping", id = "in a batch" }, { type = "rooms" } }
    one:hears { id = "in a batch" }
    one:hears { type = "reply" }
    for _, each in ipairs { one, other, holder } do each:closes() end
    return record, bad
  end

  setup(function()
    records, refused = {}, {}
    for _, encoding in ipairs { "json", "msgpack" } do
      local bad
      records[encoding], bad = walk(encoding)
      for _, each in ipairs(bad) do refused[#refused + 1] = each end
    end
  end)

  local BUILT_IN = {}
  for _, name in ipairs(schema.types "request") do BUILT_IN[name] = true end

  --- The request that a reply is to: its id comes back.
  local function request_of(record, place)
    local id = record[place].message.id
    for i = place, 1, -1 do
      if id and record[i].is_sent and record[i].message.id == id then return record[i] end
    end
  end

  --- What each message has to be, as { name of a schema, JSON }; seen gets what there was in the
  --- encoding.
  local function claims_of(record, seen, encoding)
    local claims = {}
    for i, each in ipairs(record) do
      local message = each.message
      local function claim(name, value)
        claims[#claims + 1] = { name, value }
        seen[name] = seen[name] or each.encoding == encoding
      end
      if not each.is_sent and message.type == "reply" then
        claim("reply", each.json)
        local asked = request_of(record, i)
        local name = asked and asked.message.type -- the reply to "/help" has `commands`
        if message.ok and BUILT_IN[name] and not message.data.commands then
          claim("reply/" .. name, json.encode(message.data))
          claim("request/" .. name, asked.json)
        elseif not message.ok then
          seen[message.error.code] = true
        end
      elseif not each.is_sent then
        claim("push/" .. message.type, each.json)
      end
    end
    return claims
  end

  for _, encoding in ipairs { "json", "msgpack" } do
    it("is what goes over the wire in " .. encoding, function()
      local seen = {}
      local claims = claims_of(records[encoding], seen, encoding)
      assert.same({}, schema.problems(claims))
      assert.is_true(#claims > 80)
      for _, folder in ipairs { "request", "reply", "push" } do
        for _, name in ipairs(schema.types(folder)) do
          local full = ("%s/%s"):format(folder, name)
          assert.is_true(seen[full] or ELSEWHERE[full], ("no %s was seen"):format(full))
        end
      end
    end)
  end

  it("refuses requests that the server refuses for their fields", function()
    assert.is_true(#refused >= 16)
    local numbers, wanted = {}, {}
    for i, problem in ipairs(schema.problems(refused, true)) do
      numbers[i], wanted[i] = tonumber(problem:match "^%d+"), i
    end
    for i = 1, #refused do wanted[i] = i end
    assert.same(wanted, numbers)
  end)

  it("has a reply for each request", function()
    assert.same(schema.types "request", schema.types "reply")
  end)

  it("says of each text of a request whether its length is in bytes or in characters", function()
    local silent = {}
    --- Of a field as a whole, or of one of the things that it may be.
    local function look(name, field, is_said)
      if type(field) ~= "table" then return end
      local about = type(field.description) == "string" and field.description or ""
      is_said = is_said or about:find "bytes" or about:find "character"
      if field.maxLength and not is_said then silent[#silent + 1] = name end
      for key, each in pairs(field) do
        look(("%s/%s"):format(name, key), each, key ~= "properties" and is_said)
      end
    end
    for _, name in ipairs(schema.types "request") do
      look(name, json.decode(file.read(schema.path("request/" .. name))))
    end
    assert.same({}, silent)
  end)

  it("has examples that are right", function()
    local examples = {}
    local function add(name)
      local shown = json.decode(file.read(schema.path(name))).examples or {}
      assert.is_truthy(shown[1] or name == "error", name .. " has no example")
      for _, example in ipairs(shown) do
        examples[#examples + 1] = { name, (json.encode(example)) }
      end
    end
    for _, folder in ipairs { "request", "reply", "push" } do
      for _, name in ipairs(schema.types(folder)) do add(folder .. "/" .. name) end
    end
    for _, name in ipairs { "reply", "error" } do add(name) end
    assert.same({}, schema.problems(examples))
    examples = {}
    add "request" -- of any type, with that type's fields
    assert.same({}, schema.problems(examples, true))
  end)

  it("knows the codes that docs/protocol.md has, and no others", function()
    local codes, known = {}, {}
    local section = file.read("docs/protocol.md"):match "\n## Error codes\n(.-)\n## "
    for first in section:gmatch "\n| (`[^|]+) |" do
      for code in first:gmatch "`([%l_]+)`" do codes[#codes + 1] = code end
    end
    for i, code in ipairs(json.decode(file.read(schema.path "error")).enum) do known[i] = code end
    table.sort(codes)
    assert.same(codes, known)
    local seen, claims = {}, {}
    for encoding, record in pairs(records) do claims_of(record, seen, encoding) end
    seen.busy = nil -- is the plugin's own
    for name in pairs(seen) do
      if not name:find "/" and name ~= "reply" then
        claims[#claims + 1] = { "error", json.encode(name) }
      end
    end
    assert.is_true(#claims >= 17)
    assert.same({}, schema.problems(claims))
  end)

  it("would find what is wrong", function()
    local wrong = {
      { "reply", '{"type":"reply","ok":true}' }, { "reply", '{"type":"reply","ok":false}' },
      { "reply", '{"type":"reply","ok":true,"data":1,"id":1.5}' },
      { "reply", '{"type":"reply","ok":true,"data":1,"more":1}' },
      { "reply", '{"type":"reply","ok":false,"error":{"code":"x","message":"x"}}' },
      { "push/said", '{"type":"said","room":"tea","id":1,"from":"ann","data":1}' },
      { "push/said", '{"type":"said","room":"tea","from":"ann","data":1,"at":1}' },
      { "push/said", '{"type":"said","room":"tea","id":1,"from":"ann","data":1,"at":1.5}' },
      { "push/left", '{"type":"joined","room":"tea","user":"ann","at":1}' },
      { "reply/join", '{"room":"tea","members":{},"count":0}' }, { "error", '"no_such_code"' },
      { "request", '{"type":""}' }, { "request", '{"id":1}' },
      { "request/say", '{"type":"say","room":"tea"}' },
    }
    assert.equal(#wrong, #schema.problems(wrong))
  end)
end)
