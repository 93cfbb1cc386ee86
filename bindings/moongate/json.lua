--- JSON by lua-cjson, with limits; failures are values.
local cjson = require("cjson").new()

cjson.decode_max_depth(32)
cjson.encode_max_depth(32)
cjson.decode_invalid_numbers(false)
cjson.encode_invalid_numbers(false)
cjson.encode_sparse_array(true, 2, 16)

local json = { null = cjson.null }

---@param text string
---@return any value nil when it is not JSON; JSON's null is json.null
---@return string? reason
function json.decode(text)
  local ok, value = pcall(cjson.decode, text)
  if ok then return value end
  return nil, value
end

---@param value any no functions, no NaN or infinity, at most 32 deep; an empty table is {}
---@return string? text
---@return string? reason
function json.encode(value)
  local ok, text = pcall(cjson.encode, value)
  if ok then return text end
  return nil, text
end

return json
