--- What the modules of moongate test, and the specs of moongate itself, do with files and texts.

local files = {}

---@param path string
---@return string?
function files.read(path)
  local file = io.open(path, "r")
  if not file then return end
  local text = file:read "*a"
  file:close()
  return text
end

--- A word for the shell.
---@param text string
function files.quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- The value as Lua has it in a source.
---@param value any data
---@return string
function files.literal(value)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value) or tostring(value)
  end
  local parts = {}
  for key, inner in pairs(value) do
    parts[#parts + 1] = ("[%s] = %s"):format(files.literal(key), files.literal(inner))
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

return files
