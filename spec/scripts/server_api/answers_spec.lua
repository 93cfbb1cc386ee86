local answers = require "server_api.answers"
local json = require "cjson"

describe("answers of the server API", function()
  it("have a status for each code, by whether it is temporary where there is none", function()
    assert.equal(404, answers.status "no_such_room")
    assert.equal(409, answers.status("under_way", true))
    assert.equal(503, answers.status("unavailable", true))
    assert.equal(400, answers.status "bad_request")
  end)

  it("say when to come again, in whole seconds and at least one", function()
    local body, status, headers = answers.refusal("rate_limited", "slowly", true, 1001)
    assert.same({ error = { code = "rate_limited", message = "slowly", temporary = true,
      retry_after_ms = 1001 } }, body)
    assert.same({ 429, { ["Retry-After"] = 2 } }, { status, headers })
    assert.equal(1, select(3, answers.refusal("rate_limited", nil, true, 0))["Retry-After"])
    assert.equal(1, select(3, answers.refusal("unavailable", nil, true))["Retry-After"])
    assert.same({}, (select(3, answers.refusal "bad_request")))
  end)

  it("show lists that are empty as lists, and nothing else", function()
    local function encode(data, lists)
      return answers.encode(data, lists, "m-a_r.k", json.encode)
    end
    assert.equal('{"list":[]}', encode({ list = {} }, { "list" }))
    assert.equal('{"list":{}}', encode({ list = {} }))
    assert.equal('{"list":["m-aXr.k"]}', encode({ list = { "m-aXr.k" } }, { "list" }))
    assert.equal('{}', encode({}, { "list" }))
    local data = { list = {} }
    encode(data, { "list" })
    assert.same({ list = {} }, data)
  end)

  it("say what cannot be encoded", function()
    assert.same({ nil, "too deep" },
      { answers.encode({}, nil, "x", function() return nil, "too deep" end) })
  end)
end)
