local operations = require "server_api.operations"

describe("operations of the server API", function()
  it("have names and routes of their own, and paths of one word", function()
    local seen = {}
    for _, operation in ipairs(operations) do
      local route = operation.method .. " " .. operation.path
      assert.is_nil(seen[operation.name] or seen[route])
      seen[operation.name], seen[route] = true, true
      assert.is_truthy(operation.path:find "^[%l_]+$")
    end
  end)

  it("change something, unless their method is GET, but for presence", function()
    for _, operation in ipairs(operations) do
      assert.equal(operation.method == "GET" or operation.name == "presence",
        operation.is_reading or false, operation.name)
    end
  end)

  it("have fields of types that there are, in a query only what a text can be", function()
    local types = { string = true, integer = true, boolean = true, object = false,
      strings = false, any = false }
    for _, operation in ipairs(operations) do
      local is_query = operation.method == "GET" or operation.method == "DELETE"
      for name, type_name in pairs(operation.fields) do
        local is_of_query = types[type_name:match "^(%l+)!?$"]
        assert.is_not_nil(is_of_query, name)
        assert.is_true(is_of_query or not is_query, name)
      end
      assert.equal(operation.is_once or false, operation.fields.message_key ~= nil)
    end
  end)
end)
