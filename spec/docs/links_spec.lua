local file = require "spec.support.file"
local markdown = require "spec.docs.markdown"

--- The lines without code, in which brackets are no links and a # is no heading.
local function prose(text)
  local _, rest = markdown.split(text)
  local lines = {}
  for line in rest:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

--- What GitHub calls the place of a heading.
local function anchor_of(heading)
  return (heading:gsub("%[(.-)%]%(.-%)", "%1"):lower():gsub("[^%w%-_ \128-\255]", "")
    :gsub(" ", "-"))
end

local function anchors_of(text)
  local anchors, count = {}, {}
  for _, line in ipairs(prose(text)) do
    local heading = line:match "^#+%s+(.-)%s*$"
    if heading then
      local anchor = anchor_of(heading)
      local before = count[anchor] or 0
      count[anchor] = before + 1
      anchors[before > 0 and anchor .. "-" .. before or anchor] = true
    end
  end
  return anchors
end

--- nil, or what is wrong with a link in this document.
local function problem_of(path, link)
  if link:find "^%a[%w+.-]*:" then return end -- elsewhere
  local target, anchor = link:match "^([^#]*)#?(.*)$"
  local there = target == "" and path or (path:match "^.*/" or "") .. target
  local text = file.peek(there)
  if not text then return there .. " does not exist" end
  if anchor ~= "" and not anchors_of(text)[anchor] then
    return ("%s has no heading #%s"):format(there, anchor)
  end
end

local function problems_of(path, text)
  local problems, count = {}, 0
  for number, line in ipairs(prose(text)) do
    line = line:gsub("`[^`]*`", "")
    local links = {}
    for link in line:gmatch "%]%(([^)%s]*)[^)]*%)" do links[#links + 1] = link end
    links[#links + 1] = line:match "^%[[^%]]+%]:%s*(%S+)"
    count = count + #links
    for _, link in ipairs(links) do
      local problem = problem_of(path, link)
      if problem then problems[#problems + 1] = ("%s:%d: %s"):format(path, number, problem) end
    end
  end
  return problems, count
end

describe("the documentation", function()
  for _, path in ipairs(markdown.documents()) do
    it("has no link that leads nowhere: " .. path, function()
      assert.same({}, (problems_of(path, file.read(path))))
    end)
  end

  it("would not get away with one", function()
    local problems, count = problems_of("docs/x.md", [[
[a](operations.md), [b](../README.md#moongate), [c](https://example.org/x)
[gone](lua.md), `[code](nowhere.md)`, [far](operations.md#nowhere) [near](#two-words-here)
```
[code](nowhere.md)
# Two words: here
```
[ref]: ../nothing.md
![picture](chat.png "title")
]])
    assert.equal(8, count)
    assert.same({ "docs/x.md:2: docs/lua.md does not exist",
      "docs/x.md:2: docs/operations.md has no heading #nowhere",
      "docs/x.md:2: docs/x.md does not exist",
      "docs/x.md:7: docs/../nothing.md does not exist" }, problems)
  end)
end)
