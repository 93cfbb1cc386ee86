local json = require "cjson"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local server = require "spec.support.server"

local CHAT = { "scripts/auth.lua", "scripts/rooms.lua", "scripts/messages.lua" }

local PATHS = file.list "examples/*.lua examples/plugins/*.lua"

local function header_of(path)
  local lines = {}
  for line in io.lines(path) do
    local text = line:match "^%-%-%-? ?(.*)$"
    if not text then break end
    lines[#lines + 1] = text
  end
  return table.concat(lines, "\n") .. "\n"
end

-- For those that have no default and are not shown in this form.
local KEYS = { api = { key = "a secret of the spec" } }

local function load(path, options)
  local is_app = not path:find "/plugins/"
  return fake_gate.load(path, options, not is_app and { with = CHAT } or nil)
end

describe("the header of an example", function()
  local count = { commands = 0, options = 0, urls = 0, objects = 0 }

  local function note(what) count[what] = count[what] + 1 end

  --- The options that init.lua is said to have, and whether it is.
  local function options_of(path)
    local name = path:match "([%w_]+)%.lua$"
    local entry = header_of(path):match("{ \"" .. name .. "\", (options = %b{})")
    if not entry then return KEYS[name] end
    entry = entry:gsub('"…"', '"a secret of the spec"'):gsub('os.getenv "%w+_KEY"', '"a secret"')
    return assert(loadstring("return { " .. entry .. " }"))().options, true
  end

  for _, path in ipairs(PATHS) do
    it("says what it is: " .. path, function()
      assert.matches("^%u.-[.:,]", header_of(path))
    end)

    it("shows options that it takes: " .. path, function()
      local options, is_shown = options_of(path)
      if is_shown then note "options" end
      assert.is_truthy(load(path, options))
    end)

    it("shows a command that starts it, and a URL that it serves: " .. path, function()
      for command, target in header_of(path):gmatch "\n *build/moongate run (%S+) *(%S*)" do
        note "commands"
        assert.equal(path, command)
        local route = load(path).world.plugin.current():find_route("ws",
          target:match "^ws://127%.0%.0%.1:8080(/.*)$")
        assert.is_truthy(route, target)
      end
      for method, target in header_of(path):gmatch "%f[%u](%u+)%s+(/[^%s]*)" do
        note "urls"
        local response = load(path, options_of(path)):http(method, (target:gsub("[{}]", "")))
        assert.are_not.equal(405, response.status)
        assert.equal(401, response.status) -- it is served, and asks for the key
      end
    end)

    it("shows JSON: " .. path, function()
      for object in header_of(path):gsub("\n", ""):gmatch "%b{}" do
        if object:find '^{"' then
          note "objects"
          assert(json.decode((object:gsub(":…", ":null"))))
        end
      end
    end)
  end

  it("of webhook_in shows a request that is heard", function()
    local path = "examples/plugins/webhook_in.lua"
    local body, key, target = header_of(path):match
      "curl %-d '(.-)' %-H 'Authorization: Bearer (%u+)' http://127%.0%.0%.1:8080(%S+)"
    local gate = load(path, { key = key .. " of 8 bytes" })
    local ann = gate:connect "ann"
    gate:deliver(ann, { type = "join", room = target:match "[^/]+$" })
    local response = gate:http("POST", target,
      { body = body, authorization = ("Bearer %s of 8 bytes"):format(key) })
    assert.equal(204, response.status)
    assert.equal(body, ann.heard[#ann.heard].data.text)
  end)

  it("of api shows what a request gets", function()
    local path = "examples/plugins/api.lua"
    local gate = load(path, KEYS.api)
    for _, name in ipairs { "ann", "bob" } do
      gate:deliver(gate:connect(name), { type = "join", room = "tea" })
    end
    local rooms = header_of(path):match "GET +/api/rooms +({.-})\n"
    local bearer = { authorization = "Bearer " .. KEYS.api.key }
    assert.same(json.decode(rooms), gate:http("GET", "/api/rooms", bearer).data)
  end)

  it("has something of everything in one of them", function()
    for what, number in pairs(count) do assert.is_true(number > 0, what .. ": " .. number) end
  end)

  it("of those that are apps shows what the binary starts", function()
    for _, path in ipairs(PATHS) do
      if not path:find "/plugins/" then
        assert.matches("build/moongate run", header_of(path))
        local house = server.start { app = path }
        house:stop()
      end
    end
  end)
end)
