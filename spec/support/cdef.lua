--- Reads C headers for FFI: the very text the compiler reads.
--
-- Keeps the headers to the dialect that C11 and LuaJIT's parser both read, and refuses,
-- with file and line, what LuaJIT would refuse or silently understand otherwise.
local ffi = require "ffi"
local file = require "spec.support.file"

local REFUSED = {}
for word in ([[
  __attribute__ __attribute __declspec __extension__ __packed asm __asm__ inline __inline
  __inline__ static_assert _Static_assert _Alignas _Alignof _Atomic _Complex _Generic
  _Noreturn _Thread_local __int128 __typeof__ typeof
]]):gmatch "%S+" do
  REFUSED[word] = true
end

--- Blanks comments out; the lines keep their numbers.
local function without_comments(text)
  local function newlines_of(comment) return " " .. comment:gsub("[^\n]", "") end
  return (text:gsub("/%*.-%*/", newlines_of):gsub("//[^\n]*", ""))
end

--- "bindings/../core/types.h" -> "core/types.h", so that each header has one name.
local function plain(path)
  local parts = {}
  for part in path:gmatch "[^/]+" do
    if part == ".." and #parts > 0 and parts[#parts] ~= ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return (path:sub(1, 1) == "/" and "/" or "") .. table.concat(parts, "/")
end

local function refuse(path, line_number, what)
  error(("%s:%d: %s is outside the FFI dialect"):format(path, line_number, what), 0)
end

local function check_words(path, line_number, line)
  for word in line:gmatch "[%a_][%w_]*" do
    if REFUSED[word] then refuse(path, line_number, word) end
  end
  if line:find(":", 1, true) then refuse(path, line_number, "a bit-field") end
  if line:find "\\%s*$" then refuse(path, line_number, "a continued line") end
end

--- The project header that a directive includes; nil when there is nothing to follow.
local function included(path, line_number, name, rest)
  if name == "pragma" and rest:find "^%s+once%s*$" then return nil end
  if name ~= "include" then refuse(path, line_number, "#" .. name .. rest) end
  if rest:find "^%s*<[^>]+>%s*$" then return nil end
  local header = rest:match '^%s*"([^"]+)"%s*$'
  if header == nil then refuse(path, line_number, "#" .. name .. rest) end
  return plain((path:match "^(.*/)" or "") .. header)
end

local function collect(path, found)
  if found[path] then return end
  found[path] = true
  local kept = {}
  local line_number = 0
  for line in (without_comments(file.read(path)) .. "\n"):gmatch "(.-)\n" do
    line_number = line_number + 1
    local name, rest = line:match "^%s*#%s*(%w*)(.*)$"
    if name == nil then
      check_words(path, line_number, line)
      kept[line_number] = line
    else
      local header = included(path, line_number, name, rest)
      if header ~= nil then collect(header, found) end
      kept[line_number] = ""
    end
  end
  local text = table.concat(kept, "\n")
  local body = text:find "%)%s*{"
  if body ~= nil then
    local _, newlines = text:sub(1, body):gsub("\n", "")
    refuse(path, newlines + 1, "a function with a body")
  end
  found[#found + 1] = { path = path, text = text }
end

--- The header and the project headers it includes, each once, in the order of need.
---@param header string path from the root of the project
---@return { path: string, text: string }[]
local function read(header)
  local found = {}
  collect(plain(header), found)
  return found
end

--- Hands the header, and what it includes, to FFI.
--
-- FFI takes a struct once per process, and the runner loads this module anew for each spec
-- file. So FFI itself remembers which header it has seen: each leaves a typedef behind.
---@param header string path from the root of the project
local function declare(header)
  for _, part in ipairs(read(header)) do
    local mark = "moon_declared_" .. part.path:gsub("%W", "_")
    if not pcall(ffi.typeof, mark) then
      local ok, reason = pcall(ffi.cdef, part.text .. "\ntypedef int " .. mark .. ";")
      if not ok then error(part.path .. ": " .. reason, 0) end
    end
  end
end

return { read = read, declare = declare }
