local answers = require "server_api.answers"

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

  it("have lists where they are empty, and nowhere else", function()
    local function list(value) return next(value) == nil and "none" or value end
    local data = { list = {}, other = {} }
    local shown = answers.with_lists(data, { "list", "missing" }, list)
    assert.same({ list = "none", other = {} }, shown)
    assert.same({ list = {}, other = {} }, data)
    assert.same(data, answers.with_lists(data, nil, list))
    assert.same({ list = { 1 } }, answers.with_lists({ list = { 1 } }, { "list" }, list))
  end)
end)
