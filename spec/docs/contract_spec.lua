local function read(path)
  local file = assert(io.open(path, "r"), path)
  local text = file:read "*a"
  file:close()
  return text
end

describe("the contract in docs/lua-api.md", function()
  local text = read "docs/lua-api.md"
  local sentences = text:match "## What you can rely on\n(.-)\nEach is held by specs"
  local rows = text:match "Each is held by specs.-\n(|.-)\n\n"

  --- The titles of a row, with the files they are said to be in.
  local function check(row, missing)
    for file, titles in row:gmatch "`([%w_]+/[%w_]+)`: ([^;|]+)" do
      local spec = read(("spec/%s_spec.lua"):format(file))
      for title in titles:gmatch '"(.-)"' do
        if not spec:find(('it("%s"'):format(title), 1, true) then
          missing[#missing + 1] = file .. ": " .. title
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
