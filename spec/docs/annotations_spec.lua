--- The annotations as a language server reads them: there is none in Debian, so their grammar is
--- checked here, for all that stands in bindings/moongate and in the plugins.
local file = require "spec.support.file"

local FILES = "bindings/moongate/*.lua bindings/moongate/test/*.lua scripts/*.lua "
  .. "scripts/*/*.lua examples/plugins/*.lua"

local TAGS = { class = true, field = true, param = true, ["return"] = true, alias = true,
  type = true, generic = true, cast = true, diagnostic = true }

local BUILT_IN = { any = true, ["nil"] = true, boolean = true, string = true, number = true,
  integer = true, table = true, ["function"] = true, thread = true, userdata = true,
  fun = true, ["true"] = true, ["false"] = true, self = true }

--- Each tag with the lines that go on with it: { path, line, tag, text, code }.
local function tags_of(path)
  local tags, open, number = {}, {}, 0
  for line in io.lines(path) do
    number = number + 1
    local tag, text = line:match "^%s*%-%-%-@(%l+)%s*(.*)$"
    local more = line:match "^%s*%-%-%-([^@].*)$"
    if tag then
      open[#open + 1] = { where = path .. ":" .. number, tag = tag, text = text }
    elseif more and open[1] then
      open[#open].text = open[#open].text .. " " .. more
    elseif open[1] then
      for _, each in ipairs(open) do
        each.code = line
        tags[#tags + 1] = each
      end
      open = {}
    end
  end
  return tags
end

local function is_balanced(text)
  local depth = 0
  for bracket in text:gsub('".-"', ""):gsub("%->", ""):gmatch "[%(%)<>{}%[%]]" do
    depth = depth + (bracket:find "[%(<{%[]" and 1 or -1)
    if depth < 0 then return false end
  end
  return depth == 0
end

describe("annotations", function()
  local all, classes = {}, {}

  setup(function()
    for _, path in ipairs(file.list(FILES)) do
      for _, tag in ipairs(tags_of(path)) do
        all[#all + 1] = tag
        local name = (tag.tag == "class" or tag.tag == "alias") and tag.text:match "^[%w_.]+"
        if name then classes[name] = true end
      end
    end
  end)

  local function problems(look)
    local found = {}
    for _, tag in ipairs(all) do
      local problem = look(tag)
      if problem then found[#found + 1] = ("%s: %s"):format(tag.where, problem) end
    end
    return found
  end

  it("are there", function() assert.is_true(#all > 500) end)

  it("have tags that a language server knows", function()
    assert.same({}, problems(function(tag)
      return not TAGS[tag.tag] and "unknown tag @" .. tag.tag or nil
    end))
  end)

  it("have brackets in balance", function()
    assert.same({}, problems(function(tag)
      return not is_balanced(tag.text) and "brackets: " .. tag.text or nil
    end))
  end)

  it("name types that are declared", function()
    assert.same({}, problems(function(tag)
      for name in tag.text:gmatch "moongate%.%u%w*" do
        if not classes[name] then return "no such class: " .. name end
      end
      local kind = (tag.tag == "param" or tag.tag == "field")
        and tag.text:gsub("^private ", ""):match "^%S+%s+([%w_.]+)"
      if kind and not kind:find "%." and not BUILT_IN[kind] then return "no such type: " .. kind end
    end))
  end)

  it("name the parameters that the functions have", function()
    assert.same({}, problems(function(tag)
      local list = tag.tag == "param" and tag.code:match "function[^%(]*(%b())"
      local name = list and tag.text:match "^([%w_.]+)"
      if name and not (list:gsub("%.%.%.", " ... "):gsub("[%(%),]", " ") .. " "):find(
        " " .. name .. " ", 1, true) then
        return ("no parameter %s in %s"):format(name, tag.code)
      end
    end))
  end)
end)
