--- What is decoded, with json.empty_list where there is an empty array: so it can be told from an
--- empty object, which json.decode and msgpack.decode do not do. Of what is right only.
local fake_core = require "spec.support.fake_core"

local world = fake_core.world()
local json, msgpack = world.json, world.msgpack

local arrays = {}

-- ---- JSON ----

local MARK = "\1empty array\1" -- in no JSON as it stands: control characters are escaped

--- The text with the mark as a string in place of each empty array.
local function with_marks(text)
  local parts, at = {}, 1
  while at <= #text do
    local from, to = text:find('^[^"%[]+', at)
    if not from then from, to = text:find('^%[%s*%]', at) end
    local is_array = from and text:sub(from, from) == "["
    if not from and text:sub(at, at) == '"' then
      from, to = at, at + 1
      while text:sub(to, to) ~= '"' do to = to + (text:sub(to, to) == "\\" and 2 or 1) end
    end
    from, to = from or at, to or at
    parts[#parts + 1] = is_array and '"\\u0001empty array\\u0001"' or text:sub(from, to)
    at = to + 1
  end
  return table.concat(parts)
end

local function without_marks(value)
  if value == MARK then return json.empty_list end
  if type(value) ~= "table" then return value end
  for key, inner in pairs(value) do value[key] = without_marks(inner) end
  return value
end

---@param text string
---@return any
function arrays.json(text) return without_marks(assert(json.decode(with_marks(text)))) end

-- ---- MessagePack ----

local BYTES_OF = { [0xc4] = 1, [0xc5] = 2, [0xc6] = 4, [0xd9] = 1, [0xda] = 2, [0xdb] = 4 }
local ITEMS_OF = { [0xdc] = 2, [0xdd] = 4, [0xde] = 2, [0xdf] = 4 }
local NUMBERS = { [0xcb] = 8, [0xcc] = 1, [0xcd] = 2, [0xce] = 4, [0xcf] = 8, [0xd0] = 1,
  [0xd1] = 2, [0xd2] = 4, [0xd3] = 8 }
local WORDS = { [0xc0] = json.null, [0xc2] = false, [0xc3] = true }

local read

local function unsigned(bytes, at, count)
  local number = 0
  for i = at, at + count - 1 do number = number * 256 + bytes:byte(i) end
  return number, at + count
end

local function read_items(bytes, at, count, is_map)
  local items = not is_map and count == 0 and json.empty_list or {}
  for i = 1, count do
    local key = i
    if is_map then key, at = read(bytes, at) end
    items[key], at = read(bytes, at)
  end
  return items, at
end

local function text(bytes, at, count) return bytes:sub(at, at + count - 1), at + count end

--- What takes more than its first byte; a number is read by the codec.
local function read_long(bytes, at, kind)
  local count = BYTES_OF[kind] or ITEMS_OF[kind]
  if not count then
    local behind = at + NUMBERS[kind]
    return assert(msgpack.decode(bytes:sub(at - 1, behind - 1))), behind
  end
  count, at = unsigned(bytes, at, count)
  if BYTES_OF[kind] then return text(bytes, at, count) end
  return read_items(bytes, at, count, kind >= 0xde)
end

function read(bytes, at)
  local kind = bytes:byte(at)
  at = at + 1
  if WORDS[kind] ~= nil then return WORDS[kind], at end
  if kind < 0x80 then return kind, at end
  if kind < 0x90 then return read_items(bytes, at, kind - 0x80, true) end
  if kind < 0xa0 then return read_items(bytes, at, kind - 0x90, false) end
  if kind < 0xc0 then return text(bytes, at, kind - 0xa0) end
  if kind >= 0xe0 then return kind - 256, at end
  return read_long(bytes, at, kind)
end

---@param bytes string
---@return any
function arrays.msgpack(bytes)
  local value, at = read(bytes, 1)
  assert(at == #bytes + 1)
  return value
end

return arrays
