--- The reference in docs/lua-api.md, from the annotations on the functions themselves.
--
--   ./dev docs      writes it; spec/docs/reference_spec.lua fails when it is not as it should be
local file = require "spec.support.file"

local DOCUMENT = "docs/lua-api.md"
local BEGIN = "<!-- Written by ./dev docs from bindings/moongate/*.lua: do not edit below. -->\n"

-- What plugins may hold, in the order of the document: class -> how its methods are called.
local CLASSES = {
  { name = "moongate.Gate", as = "gate",
    files = { "gate", "gate_events", "gate_people", "gate_time" } },
  { name = "moongate.Conn", as = "conn", files = { "conn" } },
  { name = "moongate.User", as = "user", files = { "user" } },
  { name = "moongate.Room", as = "room", files = { "room" } },
  { name = "moongate.Request", as = "request", files = { "http" } },
  { name = "moongate.Store", as = "store", files = { "store" } },
  { name = "moongate.Crypto", as = "crypto", files = { "crypto" } },
  { name = "moongate.Response", as = "response", files = { "fetch" } },
  { name = "moongate.Metric", as = "metric", files = { "metric" } },
}

-- Tables that are passed or given, and where they are declared.
local TABLES = {
  { "moongate.Json", "gate" }, { "moongate.Msgpack", "gate" },
  { "moongate.How", "letter" }, { "moongate.HowToAll", "room" }, { "moongate.Limits", "limits" },
  { "moongate.Books", "books" }, { "moongate.RawHandlers", "gate" },
  { "moongate.Admission", "admission" }, { "moongate.FetchOptions", "fetch" },
  { "moongate.Key", "jwt" }, { "moongate.JwtOptions", "jwt" },
  { "moongate.OptionSpec", "option" },
  { "moongate.RoomKind", "kind_declaration" },
  { "moongate.MetricSpec", "metric" }, { "moongate.Words", "command" },
}

local reference = { CLASSES = CLASSES }

--- Blocks of annotations: the lines of each, and the line of code below.
local function blocks_of(text)
  local blocks, lines = {}, {}
  for line in text:gmatch "([^\n]*)\n" do
    local doc = line:match "^%-%-%-(.*)$"
    if doc then
      lines[#lines + 1] = doc
    elseif lines[1] then
      blocks[#blocks + 1] = { lines = lines, code = line }
      lines = {}
    end
  end
  return blocks
end

--- Text in front of the tags, and the tags: a line that is none goes on with the one before.
local function parse(lines)
  local text, tags = {}, {}
  for _, line in ipairs(lines) do
    local tag, rest = line:match "^@(%l+)%s*(.*)$"
    if tag then
      tags[#tags + 1] = { tag = tag, text = rest }
    elseif tags[1] and line:match "^%-" == nil then
      local last = tags[#tags]
      last.text = last.text .. " " .. line:match "^%s*(.*)$"
    elseif not tags[1] then
      text[#text + 1] = line:match "^%s*(.-)%s*$"
    end
  end
  return table.concat(text, " "), tags
end

--- A type at the start of the text, with its brackets in balance, and what follows it.
local function cut_type(text)
  local depth, at = 0, 1
  while at <= #text do
    local char = text:sub(at, at)
    if char:find "[%(<{%[]" then depth = depth + 1 end
    if char:find "[%)>}%]]" then depth = depth - 1 end
    local goes_on = text:sub(1, at - 1):find "[:,|]$" or text:sub(at):find "^%s*|"
    if char == " " and depth == 0 and not goes_on then break end
    at = at + 1
  end
  return text:sub(1, at - 1), (text:sub(at):match "^%s*(.-)%s*$")
end

local function typed(kind) return "`" .. kind:gsub("moongate%.", "") .. "`" end

local function item(name, kind, about)
  local line = "- " .. (name and ("`%s`: "):format(name) or "") .. typed(kind)
  return about ~= "" and line .. ", " .. about or line
end

local function print_fields(tags, out)
  for _, tag in ipairs(tags) do
    local name, rest = tag.text:match "^(%S+)%s+(.*)$"
    if tag.tag == "field" and name ~= "private" then
      out[#out + 1] = item(name, cut_type(rest))
    end
  end
end

local function print_function(as, block, out)
  local name, arguments = block.code:match "^function [%w_]+:([%w_]+)(%b())"
  if not name then return end
  local text, tags = parse(block.lines)
  out[#out + 1] = ("\n#### `%s:%s%s`\n"):format(as, name, arguments)
  out[#out + 1] = text .. (tags[1] and "\n" or "")
  for _, tag in ipairs(tags) do
    if tag.tag == "param" then
      local param, rest = tag.text:match "^(%S+)%s+(.*)$"
      out[#out + 1] = item(param, cut_type(rest))
    elseif tag.tag == "return" then
      local kind, rest = cut_type(tag.text)
      local result, about = rest:match "^([%w_]+)%s*(.*)$"
      out[#out + 1] = item("returns" .. (result and " " .. result or ""), kind, about or rest)
    end
  end
end

local function blocks_of_file(name)
  return blocks_of(file.read(("bindings/moongate/%s.lua"):format(name)))
end

local function print_class(class, out)
  out[#out + 1] = ("\n### %s\n"):format(class.as)
  for _, name in ipairs(class.files) do
    for _, block in ipairs(blocks_of_file(name)) do
      local _, tags = parse(block.lines)
      if tags[1] and tags[1].tag == "class" and tags[1].text:match "^[%w.]+" == class.name then
        print_fields(tags, out)
      end
    end
  end
  for _, name in ipairs(class.files) do
    for _, block in ipairs(blocks_of_file(name)) do print_function(class.as, block, out) end
  end
end

local function print_table(name, module, out)
  for _, block in ipairs(blocks_of_file(module)) do
    local _, tags = parse(block.lines)
    if tags[1] and tags[1].tag == "class" and tags[1].text:match "^[%w.]+" == name then
      out[#out + 1] = ("\n### %s\n"):format(name:match "%.(.*)$")
      local base = tags[1].text:match ":%s*(%S+)"
      if base then out[#out + 1] = ("As %s, and:\n"):format(typed(base)) end
      print_fields(tags, out)
    end
  end
end

---@return string Markdown
function reference.text()
  local out = { "\n## Reference" }
  for _, class in ipairs(CLASSES) do print_class(class, out) end
  for _, entry in ipairs(TABLES) do print_table(entry[1], entry[2], out) end
  return table.concat(out, "\n") .. "\n"
end

--- The document as it is, up to the reference, and the whole as it should be.
---@return string before
---@return string wanted
function reference.document()
  local text = file.read(DOCUMENT)
  local _, stop = text:find(BEGIN, 1, true)
  assert(stop, DOCUMENT .. " has no mark for the reference")
  return text, text:sub(1, stop) .. reference.text()
end

function reference.write()
  local _, wanted = reference.document()
  file.write(DOCUMENT, wanted)
end

reference.parse, reference.blocks_of_file = parse, blocks_of_file

return reference
