local file = require "spec.support.file"

describe("the contract in docs/lua-api.md", function()
  local text = file.read "docs/lua-api.md"
  local sentences = text:match "## What you can rely on\n(.-)\nEach is held by specs"
  local rows = text:match "Each is held by specs.-\n(|.-)\n\n"

  --- The titles of a row, with the files they are said to be in.
  local function check(row, missing)
    for name, titles in row:gmatch "`([%w_]+/[%w_]+)`: ([^;|]+)" do
      local spec = file.read(("spec/%s_spec.lua"):format(name))
      for title in titles:gmatch '"(.-)"' do
        if not spec:find(('it("%s"'):format(title), 1, true) then
          missing[#missing + 1] = name .. ": " .. title
        end
      end
    end
  end

  it("has a spec for each sentence", function()
    local missing, count = {}, 0
    for number in sentences:gmatch "\n?(%d+)%. " do
      count = count + 1
      local row = rows:match("| " .. number .. " |([^\n]*)")
      assert.is_truthy(row and row:find '"', "no spec for sentence " .. number)
      check(row, missing)
    end
    assert.equal(8, count)
    assert.same({}, missing)
  end)
end)
