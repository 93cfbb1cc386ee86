--- bindings/library: what editors know of moongate, from the annotations on the functions.
--
--   ./dev docs      writes it; spec/docs/library_spec.lua fails when it is not as it should be
local file = require "spec.support.file"
local reference = require "spec.docs.reference"

local FOLDER = "bindings/library/"
local HEAD = "---@meta\n"
  .. "-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.\n"
  .. "-- luacheck: ignore"

local library = {}

--- Not what is the runtime's own.
local function public_lines(lines)
  local kept, is_private = {}, false
  for _, line in ipairs(lines) do
    if line:find "^@" then is_private = line:find "^@field private" ~= nil end
    if not is_private then kept[#kept + 1] = "---" .. line end
  end
  return table.concat(kept, "\n")
end

local function declared_by(block)
  local _, tags = reference.parse(block.lines)
  local tag = tags[1]
  local is_type = tag and (tag.tag == "class" or tag.tag == "alias")
  return is_type and tag.text:match "^moongate%.%w+" or nil
end

local function function_of(block)
  return block.code:match "^function ([%w_]+:[%w_]+%b())"
end

--- The file of a class with methods.
local function text_of_class(class)
  local out, functions, called = { HEAD, "\n---@class " .. class.name }, {}, nil
  for _, name in ipairs(class.files) do
    for _, block in ipairs(reference.blocks_of_file(name)) do
      local signature = function_of(block)
      if declared_by(block) == class.name then
        local _, fields = public_lines(block.lines):match "^(%-%-%-@class[^\n]*)\n?(.*)$"
        if fields ~= "" then out[#out + 1] = fields end
      elseif signature then
        called = called or signature:match "^[%w_]+"
        functions[#functions + 1] = ("\n%s\nfunction %s end"):format(public_lines(block.lines),
          called .. signature:match ":.*$")
      end
    end
  end
  out[#out + 1] = ("local %s = {}"):format(called)
  for _, text in ipairs(functions) do out[#out + 1] = text end
  return table.concat(out, "\n") .. "\n"
end

--- All types that are no class with methods: name -> text.
local function other_types(classes)
  local types = {}
  for _, path in ipairs(file.list "bindings/moongate/*.lua") do
    for _, block in ipairs(reference.blocks_of_file(path:match "([%w_]+)%.lua$")) do
      local name = declared_by(block)
      if name and not classes[name] then types[name] = public_lines(block.lines) end
    end
  end
  return types
end

--- Those that the texts name, and those that these name.
local function named_in(texts, types)
  local found, names, queue = {}, {}, {}
  for _, text in pairs(texts) do queue[#queue + 1] = text end
  while queue[1] do
    for name in table.remove(queue):gmatch "moongate%.%u%w*" do
      if types[name] and not found[name] then
        found[name] = true
        names[#names + 1] = name
        queue[#queue + 1] = types[name]
      end
    end
  end
  table.sort(names)
  return names
end

--- Path of each file -> its text.
---@return table<string, string>
function library.texts()
  local texts, classes = {}, {}
  for _, class in ipairs(reference.CLASSES) do
    classes[class.name] = true
    texts[FOLDER .. class.as .. ".lua"] = text_of_class(class)
  end
  local types, out = other_types(classes), { HEAD }
  for _, name in ipairs(named_in(texts, types)) do out[#out + 1] = "\n" .. types[name] end
  texts[FOLDER .. "types.lua"] = table.concat(out, "\n") .. "\n"
  return texts
end

function library.write()
  file.run(("mkdir -p %s && rm -f %s*.lua"):format(FOLDER, FOLDER))
  for path, text in pairs(library.texts()) do file.write(path, text) end
end

return library
