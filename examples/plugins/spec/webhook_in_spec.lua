local test = require "moongate.test"

describe("webhook_in", function()
  it("says what is posted, by those who have the key", function()
    local gate = test.gate { "rooms",
      { "webhook_in", options = { key = "a secret", from = "builds" }, capabilities = { "http" } } }
    local ann = gate:connect { user = "ann" }
    ann:ask("join", { room = "tea" })
    local function post(room, authorization, body)
      return gate:http("POST", "/hooks/" .. room, { body = body or "The build is green.",
        headers = { Authorization = authorization } }).status
    end
    assert.equal(401, post("tea"))
    assert.equal(401, post("tea", "Bearer a guess"))
    assert.equal(404, post("milk", "Bearer a secret"))
    assert.equal(204, post("tea", "Bearer a secret"))
    local said = ann:heard()[1]
    assert.same({ "builds", "The build is green." }, { said.from, said.data.text })
    assert.equal(400, post("tea", "Bearer a secret", "\255"))
  end)
end)
