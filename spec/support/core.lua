--- The pure half of the core, for specs: the test library and what every spec needs with it.
local ffi = require "ffi"
local cdef = require "spec.support.cdef"

local PATH = os.getenv "MOONGATE_TEST_LIB" or "build/libmoongate_test.so"
local lib = ffi.load(PATH)
cdef.declare "core/mem.h"

local kept = {} -- { object, destroy }, oldest first

--- Declares the header named and returns the library.
---@param header string path from the root of the project
local function load(header)
  cdef.declare(header)
  return lib
end

--- The same for a module that is no part of the pure half and has a test library of its own.
---@param name string "tls"
local function load_apart(header, name)
  cdef.declare(header)
  return ffi.load((PATH:gsub("%.so$", "_" .. name .. ".so")))
end

--- Hands the object on; tidy() will destroy it.
local function keep(object, destroy)
  kept[#kept + 1] = { object, destroy }
  return object
end

--- Destroys what was kept, the youngest first: for after_each().
local function tidy()
  while #kept > 0 do
    local object, destroy = unpack(table.remove(kept))
    destroy(object)
  end
end

--- A copy of the string in C memory of exactly its length, not terminated: a sanitizer
--- notices the first byte read beyond it. Kept.
---@param text string
local function exact(text)
  local copy = ffi.cast("char *", keep(lib.moon_alloc(#text), lib.moon_free))
  ffi.copy(copy, text, #text)
  return copy
end

--- The same, terminated.
local function terminated(text) return exact(text .. "\0") end

local capacity = ffi.new "uint32_t[1]"

--- Whether the buffer is the one that the pool would give next. What has gone back to the
--- system instead would be the next that the system gives: so that is taken first.
local function is_in_pool(pool, buffer, bytes)
  local elsewhere = lib.moon_realloc(nil, bytes)
  local given = lib.moon_pool_take(pool, bytes, capacity)
  lib.moon_pool_give(pool, given, capacity[0])
  lib.moon_free(elsewhere)
  return given == buffer
end

--- A source of whole numbers that is the same on every machine, and the business of nobody
--- else (Lehmer's generator).
---@param seed integer 1 to 2147483646
---@return fun(low: integer, high: integer): integer
local function random(seed)
  local state = seed
  for _ = 1, 8 do state = state * 16807 % 2147483647 end
  return function(low, high)
    state = state * 16807 % 2147483647
    return low + state % (high - low + 1)
  end
end

return {
  load = load,
  load_apart = load_apart,
  keep = keep,
  tidy = tidy,
  exact = exact,
  terminated = terminated,
  is_in_pool = is_in_pool,
  random = random,
}
