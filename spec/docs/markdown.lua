--- Finds the code in Markdown.
--
-- A block of Lua that is only a piece of something has a comment in front that names the globals
-- it is given: <!-- a piece; given: gate, token -->

local file = require "spec.support.file"

local markdown = {}

local PIECE = "^<!%-%- a piece; given: (.-) %-%->$"

--- All documents of the repository.
function markdown.documents()
  return file.list "README.md CONTRIBUTING.md CHANGELOG.md docs/*.md"
end

local function words(text)
  local set = {}
  for word in text:gmatch "[%w_]+" do set[word] = true end
  return set
end

--- The fenced blocks, and the text without them, in which the lines keep their numbers.
---@param text string
---@return { language: string, code: string, line: integer, given: table<string, true>? }[] blocks
---@return string rest
function markdown.split(text)
  local blocks, rest, open, before, number = {}, {}, nil, "", 0
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    local indent, language = line:match "^(%s*)```(%w*)"
    if open then
      if indent then
        open.code = table.concat(open.lines, "\n") .. "\n"
        open = nil
      else
        table.insert(open.lines, line:sub(#open.indent + 1))
      end
    elseif indent then
      local given = before:match(PIECE)
      open = { language = language, indent = indent, lines = {}, line = number,
        given = given and words(given) }
      blocks[#blocks + 1] = open
    end
    rest[number] = (open or indent) and "" or line
    before = line
  end
  return blocks, table.concat(rest, "\n") .. "\n"
end

--- The blocks of a document in this language.
---@param path string
---@param language string
function markdown.blocks(path, language)
  local found = {}
  for _, block in ipairs((markdown.split(file.read(path)))) do
    if block.language == language then found[#found + 1] = block end
  end
  return found
end

--- Code in the lines of a text: { code, line } each.
---@param text string
function markdown.spans(text)
  local spans, number = {}, 0
  local _, rest = markdown.split(text)
  for line in rest:gmatch "([^\n]*)\n" do
    number = number + 1
    for code in line:gmatch "`([^`]+)`" do spans[#spans + 1] = { code = code, line = number } end
  end
  return spans
end

return markdown
