--- JSON Schemas of the protocol: docs/schema, held against documents by python3-jsonschema.
local file = require "spec.support.file"

local schema = { FOLDER = "docs/schema" }

--- The types that have a file in a folder: "say" for docs/schema/request/say.json.
---@param folder string "request", "reply", "push"
---@return string[] sorted
function schema.types(folder)
  local names = {}
  for _, path in ipairs(file.list(("%s/%s/*.json"):format(schema.FOLDER, folder))) do
    names[#names + 1] = path:match "([^/]+)%.json$"
  end
  return names
end

---@param name string "reply", "request/say"
function schema.path(name) return ("%s/%s.json"):format(schema.FOLDER, name) end

--- What is wrong with them, one line each.
---@param documents table[] { name of a schema, JSON }
---@param is_lenient? boolean as for clients: fields that the schema does not have are no problem
---@return string[] problems each begins with the number of the document
function schema.problems(documents, is_lenient)
  local lines = {}
  for i, each in ipairs(documents) do
    lines[i] = ("%s\t%s\n"):format(schema.path(each[1]), each[2])
  end
  local path = file.free_path()
  file.write(path, table.concat(lines))
  local output = file.output(("python3 spec/support/schema.py %s %s"):format(
    is_lenient and "lenient" or "strict", path))
  os.remove(path)
  local problems = {}
  for line in output:gmatch "[^\n]+" do problems[#problems + 1] = line end
  return problems
end

return schema
