local function read(path)
  local file = io.open(path, "r")
  if not file then return end
  local text = file:read "*a" or "" -- a folder
  file:close()
  return text
end

local function documents()
  local paths = {}
  local pipe = io.popen "ls README.md CONTRIBUTING.md CHANGELOG.md docs/*.md"
  for path in pipe:lines() do paths[#paths + 1] = path end
  pipe:close()
  return paths
end

--- Without code, in which brackets are no links and a # is no heading.
local function prose(text)
  local is_code, lines = false, {}
  for line in text:gmatch "([^\n]*)\n" do
    local is_fence = line:find "^%s*```"
    if is_fence then is_code = not is_code end
    lines[#lines + 1] = not is_code and not is_fence and line or ""
  end
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
  local file = target == "" and path or (path:match "^.*/" or "") .. target
  local text = read(file)
  if not text then return file .. " does not exist" end
  if anchor ~= "" and not anchors_of(text)[anchor] then
    return ("%s has no heading #%s"):format(file, anchor)
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
  for _, path in ipairs(documents()) do
    it("has no link that leads nowhere: " .. path, function()
      assert.same({}, (problems_of(path, read(path))))
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
