local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local markdown = require "spec.docs.markdown"
local server = require "spec.support.server"
local token = require "spec.support.token"

describe("docs/lua-api.md", function()
  local blocks = markdown.blocks("docs/lua-api.md", "lua")
  local listed, watch, cheers, kick, answers, add, sign_in, ask, shown_spec = unpack(blocks)

  --- A plugin with this code in it.
  local function load(code)
    return fake_gate.load { a = ("return function(gate)\n%s\nend"):format(code) }
  end

  it("has nine pieces of code, all of which are run here", function()
    assert.equal(9, #blocks)
  end)

  it("shows a list that is in force", function()
    local app = file.scripts("auth", "rooms", "router")
    app.init = listed.code
    local gate = fake_gate.load(app)
    local rollback = gate.world.plugin.current().settings.rollback
    assert.same({ factor = 5, min_errors = 10, within_ms = 10000 }, rollback)
    gate:reload({ init = listed.code:gsub("connection = 50", 'connection = "50"') })
    local line = file.read("docs/lua-api.md"):match '\n(scripts/init.lua: plugin "rooms": [^\n]+)'
    assert.is_truthy(gate:logged((line:gsub("^scripts/", ""))), line)
  end)

  it("shows a task that puts things in order when it is cancelled", function()
    local gate = load(watch.code .. [[
      gate:on("watched", function() return { at = gate.store:get "watched:ann" } end)]])
    local ann, bob = gate:connect "ann", gate:connect "bob"
    local reply = gate:ask(ann, { type = "watch" })
    assert.is_true(ann.state.is_watching)
    gate:later(31000) -- it is looked at once a second
    assert.equal("timeout", reply.code)
    assert.is_nil(ann.state.is_watching)
    local watched = gate:ask(bob, { type = "watched" })
    gate:later(1)
    assert.equal("number", type(watched.data.at))
  end)

  it("shows a task that is given up, and what is behind it goes on", function()
    local loop = file.read("docs/lua-api.md"):match "`(while true do pcall[^`]+)`"
    local gate = load(([[gate:on("poll", function() %s end)
      gate:on("work", function() return { done = true } end)]]):format(loop))
    local ann = gate:connect "ann"
    local poll, work = gate:ask(ann, { type = "poll" }), gate:ask(ann, { type = "work" })
    assert.is_false(work.is_given)
    gate:later(31000)
    assert.equal("timeout", poll.code)
    assert.same({ done = true }, work.data)
    assert.is_truthy(gate:logged "a#1: on poll: given up, it has waited 16 times")
  end)

  it("shows an event that is told, and heard", function()
    local gate = fake_gate.load { a = cheers.code }
    gate:deliver(gate:connect "ann", { type = "cheer", room = "tea" })
    assert.is_truthy(gate:logged "ann cheered in tea")
  end)

  it("shows a kick, by the rooms' API", function()
    local gate = fake_gate.load { auth = "return function() end",
      rooms = file.read "scripts/rooms.lua",
      a = ("return function(gate)\n%s\nend"):format(kick.code) }
    local ann, bob = gate:connect "ann", gate:connect "bob"
    gate:deliver(ann, { type = "create", room = "tea" })
    for _, conn in ipairs { ann, bob } do gate:deliver(conn, { type = "join", room = "tea" }) end
    local function try(conn, user)
      return { gate:deliver(conn, { type = "kick", room = "tea", data = user }) }
    end
    assert.same({ nil, "not_allowed", "kick: not as guest in this room" }, try(bob, "ann"))
    assert.same({ { was_in = true } }, try(ann, "bob"))
    assert.equal("kicked", bob.heard[#bob.heard].reason)
    assert.equal("not_a_member", try(bob, "ann")[2])
  end)

  it("has each function of the rooms' API, with no others", function()
    local page = file.read "docs/lua-api.md"
    local rows = page:match '| of `gate:use%("rooms", "1.0"%)` | |\n(.-)\n\n'
    local described, there = {}, {}
    for name in rows:gmatch "\n| `([%l_]+)%(" do described[name] = true end
    local gate = fake_gate.load { auth = "return function() end",
      rooms = file.read "scripts/rooms.lua", a = [[return function(gate)
        for name in pairs(gate:use("rooms", "1.0")) do gate.state[name] = true end
      end]] }
    for name in pairs(gate.world.state.of "a") do there[name] = true end
    assert.same(there, described)
  end)

  it("shows answers to HTTP requests", function()
    local gate = load(answers.code)
    local got = gate:http("GET", "/votes")
    assert.same({ 200, { votes = 3 } }, { got.status, got.data })
    got = gate:http("GET", "/votes/tea")
    assert.same({ 404, { error = "no_such_room" } }, { got.status, got.data })
    got = gate:http("POST", "/votes")
    assert.same({ 303, "/votes", "" }, { got.status, got.headers.Location, got.body })
  end)

  it("shows a counter that is right whoever else counts", function()
    local gate = load(add.code .. [[
      gate:on("count", function() return { add("votes", 2) } end)
      gate:on("votes", function() return { votes = gate.store:get "votes" } end)]])
    local ann, bob = gate:connect "ann", gate:connect "bob"
    local given = {}
    for n = 1, 3 do
      given[n] = gate:ask(n == 2 and bob or ann, { type = "count" })
    end
    gate:later(1)
    for n = 1, 3 do assert.same({ true }, given[n].data) end
    local votes = gate:ask(ann, { type = "votes" })
    gate:later(1)
    assert.same({ votes = 6 }, votes.data)
  end)

  it("shows how somebody signs in with a token, and how not", function()
    local gate = load("local keys = { { algorithm = 'HS256', secret = 's' } }\n" .. sign_in.code)
    local function sign_in_with(claims, secret)
      local conn = gate:connect()
      local data, code, text = gate:deliver(conn, { type = "sign_in",
        token = token.by_secret('{"alg":"HS256"}', claims, secret or "s") })
      return { data or code, text, conn.user }
    end
    local iss = '"iss":"https://id.example"'
    assert.same({ { user = "ann" }, nil, "ann" }, sign_in_with('{"sub":"ann",' .. iss .. "}"))
    assert.same({ "bad_token", "it names nobody" }, sign_in_with("{" .. iss .. "}"))
    assert.same({ "bad_token", "it is of another issuer" }, sign_in_with '{"sub":"ann"}')
    assert.same({ "expired_token", "its time is over" }, sign_in_with('{"exp":1,' .. iss .. "}"))
    assert.same({ "bad_token", "its signature is wrong" }, sign_in_with("{}", "another"))
  end)

  it("shows a fetch, with what it makes of an answer and of none", function()
    local gate = load(([[gate:on("ask", function(_, message)
      local token = message.token
      %s
      return { user = user }
    end)]]):format(ask.code))
    local ann = gate:connect "ann"
    local reply = gate:ask(ann, { type = "ask", token = "t" })
    local fetch = gate:answer_fetch { status = 200, body = '{"name":"ann"}' }
    assert.same({ "POST", "https://api.example/users", { name = "ann" } },
      { fetch.method, fetch.url, gate.world.json.decode(fetch.body) })
    assert.same({ user = { name = "ann" } }, reply.data)
    reply = gate:ask(ann, { type = "ask", token = "t" })
    gate:answer_fetch("timeout", "too late")
    assert.same({ "later", "too late", true }, { reply.code, reply.text, reply.temporary })
  end)

  it("shows a spec that passes", function()
    local folder = file.folder()
    file.run("mkdir " .. folder .. "/spec")
    file.write(folder .. "/spec/shout_spec.lua", shown_spec.code)
    file.write(folder .. "/shout.lua", [[return function(gate)
      local may_ms = 0
      gate:on("shout", function(_, message)
        if gate:now_ms() < may_ms then return nil, "too_loud", "wait a minute" end
        may_ms = gate:now_ms() + 60000
        local text = message.text:upper()
        gate:room(message.room):publish { type = "shouted", text = text }
        return { text = text }
      end)
    end]])
    local status, out = server.run_to_end { "test", "--app", folder }
    file.run("rm -rf " .. folder)
    assert.equal(0, status, out)
    assert.matches("1 success / 0 failures", out)
  end)

  it("has each function of specs, with no others", function()
    local section = file.read("docs/lua-api.md"):match "## Testing(.-)<!%-%-"
    local gate = require("spec.support.testing").gate {}
    local internal = { check = true, registry = true, finish = true, settle = true }
    for title, object in pairs { ["a gate has"] = gate, ["a client has"] = gate:connect() } do
      local rows = section:match("| " .. title .. " | |\n(.-)\n\n")
      local described, there = {}, {}
      for cell in rows:gmatch "\n| ([^|]*)|" do
        for name in cell:gmatch "`(%l[%w_]*)" do described[name] = true end
      end
      local class = getmetatable(object).__index
      if type(class) == "function" then class = require("moongate.test.conn").METHODS end
      for name in pairs(class) do
        if not internal[name] then there[name] = true end
      end
      described.closed = nil
      assert.same(there, described)
    end
  end)
end)
