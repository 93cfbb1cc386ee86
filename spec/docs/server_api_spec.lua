local answers = require "server_api.answers"
local fake_crypto = require "spec.support.fake_crypto"
local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local json = require "cjson"
local openapi = require "spec.support.openapi"
local operations = require "server_api.operations"

describe("docs/server_api.md", function()
  local page = file.read "docs/server_api.md"

  local function load(options)
    return fake_gate.load("scripts/server_api.lua", options, { crypto = fake_crypto.new(),
      with = { "scripts/limits.lua", "scripts/router.lua" } })
  end

  --- The rows of the table whose head begins with this.
  local function rows_of(head)
    local rows = {}
    local text = page:match("\n| " .. head .. " |[^\n]*\n| %-[^\n]*\n(.-)\n\n")
    for line in (text .. "\n"):gmatch "| ([^\n]*)|\n" do
      local cells = {}
      for cell in line:gmatch "([^|]*)" do
        if cell ~= "" then cells[#cells + 1] = cell:match "^%s*(.-)%s*$" end
      end
      rows[#rows + 1] = cells
    end
    return rows
  end

  local function names_in(text)
    local names = {}
    for name in text:gmatch "`([%l_]+)`" do names[name] = true end
    return names
  end

  it("has each group with its operations", function()
    local groups, shown = { read = {} }, {}
    for _, operation in ipairs(operations) do
      groups[operation.group] = groups[operation.group] or {}
      groups[operation.group][operation.name] = true
      if operation.is_reading then groups.read[operation.name] = true end
    end
    for _, cells in ipairs(rows_of "group") do
      shown[cells[1]:match "`(%l+)`"] = names_in(cells[2])
    end
    assert.same(groups, shown)
  end)

  it("has each code that has a status of its own", function()
    local shown = {}
    for _, cells in ipairs(rows_of "status") do
      local status = tonumber(cells[1])
      if status ~= 400 and status ~= 503 then
        for name in pairs(names_in(cells[2])) do
          if name ~= "message_key" then shown[name] = status end
        end
      end
    end
    assert.same(answers.STATUS, shown)
  end)

  it("has each option with its default", function()
    local declared, shown = {}, {}
    for name, spec in pairs(load().world.plugin.current().plugins.server_api.options) do
      declared[name] = spec.default
    end
    for _, cells in ipairs(rows_of "option") do
      shown[cells[1]:match "`([%l_]+)`"] = assert(loadstring("return "
        .. cells[2]:match "^`(.*)`$"))()
    end
    assert.same(declared, shown)
  end)

  it("shows a list that the API takes", function()
    local list = loadstring(page:match "```lua\n(return.-)```")()
    local options = list[#list].options
    local gate = load(options)
    assert.equal(401, gate:http("GET", "/api/v1/rooms").status)
    assert.equal(2, #options.keys)
  end)

  it("shows an error, a line of the log, and the metric as they are", function()
    local crypto = fake_crypto.new()
    local gate = load { keys = { { name = "shop", sha256 = crypto:sha256 "key" } } }
    gate:later(100)
    local function call(method, path, body)
      return gate:http(method, "/api/v1/" .. path, { authorization = "Bearer key", body = body,
        content_type = "application/json", address = "192.0.2.7" })
    end
    local error_shown = json.decode(page:match '`({"error":.-})`')
    assert.same(error_shown, call("GET", "room?room=tea").data)
    local bob = gate:connect "bob"
    gate:deliver(bob, { type = "join", room = "tea" })
    call("POST", "kick", '{"room":"tea","user":"bob","reason":"spam"}')
    assert.is_truthy(gate:logged(page:match "\n`(key shop [^\n]-)`"))
    gate:later(10000)
    local reports = gate.core:issued "report"
    local name, label, other = page:match "\n| `(plugin_server_api_[%l_]+)` | `(%l+)`, `(%l+)` |"
    local line = ('%s{%s="kick",%s="200"} 1'):format(name, label, other)
    assert.is_truthy(reports[#reports].text:find(line, 1, true))
  end)
end)

describe("docs/openapi.json", function()
  local api

  setup(function() api = openapi.open "docs/openapi.json" end)
  teardown(function() api:close() end)

  it("has each operation where it is, with the fields that it has", function()
    local count = 0
    for _, operation in ipairs(operations) do
      local found = api.operations[operation.name]
      count = count + 1
      assert.same({ operation.method, "/api/v1/" .. operation.path, { operation.group } },
        { found.method, found.path, found.spec.tags })
      local fields, is_query = {}, operation.method == "GET" or operation.method == "DELETE"
      for _, parameter in ipairs(found.spec.parameters or {}) do
        fields[parameter.name] = parameter.required
      end
      if not is_query then
        local schema = found.spec.requestBody.content["application/json"].schema
        assert.is_false(schema.additionalProperties)
        for name in pairs(schema.properties) do fields[name] = false end
        for _, name in ipairs(schema.required or {}) do fields[name] = true end
      end
      local wanted = {}
      for name, type_name in pairs(operation.fields) do wanted[name] = type_name:sub(-1) == "!" end
      assert.same(wanted, fields, operation.name)
    end
    for _ in pairs(api.operations) do count = count - 1 end
    assert.equal(0, count)
  end)

  it("has examples that are right, of what goes in and what comes out", function()
    for name, operation in pairs(api.operations) do
      local spec, pointer = operation.spec, operation.pointer
      local media = "/content/application~1json/schema"
      local answer = spec.responses["200"].content["application/json"].example
      assert.is_nil(api:problem(pointer .. "/responses/200" .. media, json.encode(answer)), name)
      if spec.requestBody then
        local body = spec.requestBody.content["application/json"].example
        assert.is_nil(api:problem(pointer .. "/requestBody" .. media, json.encode(body)), name)
      end
    end
  end)

  it("says of each operation what it may be refused with", function()
    for name, operation in pairs(api.operations) do
      local responses = operation.spec.responses
      for _, status in ipairs { "200", "400", "401", "403", "404", "405", "429", "500", "503" } do
        assert.is_truthy(responses[status], name .. " " .. status)
      end
      assert.equal(operation.spec.requestBody ~= nil, responses["413"] ~= nil)
      assert.equal(operation.spec.requestBody ~= nil, responses["415"] ~= nil)
      for _, response in pairs(responses) do assert.is_truthy(api:resolve(response).description) end
    end
  end)
end)
