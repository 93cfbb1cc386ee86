local ffi = require "ffi"
local cdef = require "spec.support.cdef"
local core = require "spec.support.core"

local PURE = {
  "address", "batch", "census", "conn", "frame", "governor", "handshake", "hash", "heartbeat",
  "http", "keys", "letter", "limit", "mem", "metrics", "origin", "outbox", "proxy", "queue",
  "reason", "ring", "roster", "route", "spill", "wheel",
}

describe("a header for FFI", function()
  local folder

  local function write(name, text)
    local path = folder .. "_" .. name
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    core.keep(path, os.remove)
    return path
  end

  before_each(function()
    folder = os.tmpname()
    core.keep(folder, os.remove)
  end)

  after_each(core.tidy)

  for _, name in ipairs(PURE) do
    it("keeps to the dialect in core/" .. name .. ".h", function()
      local read = cdef.read("core/" .. name .. ".h")
      assert.equal("core/" .. name .. ".h", read[#read].path)
      assert.matches("moon_", read[#read].text)
      cdef.declare("core/" .. name .. ".h")
    end)
  end

  it("may be declared again", function()
    cdef.declare "core/conn.h"
    cdef.declare "core/conn.h"
    cdef.declare "core/../core/types.h"
    assert.is_true(ffi.sizeof "struct moon_conn" > ffi.sizeof "struct moon_outbox")
  end)

  it("comes after the headers it includes, each of them once", function()
    local paths, count = {}, {}
    for i, part in ipairs(cdef.read "core/conn.h") do
      paths[part.path] = i
      count[part.path] = (count[part.path] or 0) + 1
    end
    for path, times in pairs(count) do assert.equal(1, times, path) end
    assert.is_true(paths["core/mem.h"] < paths["core/frame.h"])
    assert.is_true(paths["core/frame.h"] < paths["core/conn.h"])
    assert.is_true(paths["core/types.h"] < paths["core/conn.h"])
  end)

  it("loses its comments and directives, and keeps the numbers of its lines", function()
    local path = write("a.h", table.concat({
      "/* inline, a: b", " * #define X 1 */", "#pragma once", "#include <stdint.h>",
      "int moon_a; // _Atomic", "int moon_b;",
    }, "\n"))
    local read = cdef.read(path)
    local lines = {}
    for line in (read[1].text .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
    assert.matches("^int moon_a;%s*$", lines[5])
    assert.equal("int moon_b;", lines[6])
    assert.is_nil(read[1].text:find "[#:]")
    assert.is_nil(read[1].text:find "inline")
  end)

  it("is followed into what it includes", function()
    local inner = write("inner.h", "#pragma once\ntypedef int moon_inner;\n")
    local outer = write("outer.h", '#include "' .. inner:match "[^/]+$" .. '"\nmoon_inner moon_o;')
    local read = cdef.read(outer)
    assert.equal(2, #read)
    assert.equal(inner, read[1].path)
    assert.equal(outer, read[2].path)
  end)

  for what, text in pairs {
    ["an attribute"] = "int moon_x __attribute__((unused));",
    ["an inline function"] = "static inline int moon_x(void);",
    ["a function with a body"] = "static int moon_x(void)\n{\n    return 1;\n}",
    ["a static assertion"] = '_Static_assert(sizeof(int) == 4, "int");',
    ["an atomic"] = "_Atomic int moon_x;",
    ["a bit-field"] = "struct moon_x { unsigned a : 3; };",
    ["#define"] = "#define MOON_X 1",
    ["# define"] = "  # define MOON_X 1",
    ["#ifdef"] = "#ifdef MOON_X",
    ["another pragma"] = "#pragma pack(1)",
    ["an include by macro"] = "#include MOON_X",
    ["a continued line"] = "int \\\n moon_x;",
  } do
    it("is refused with " .. what .. ", by file and line", function()
      local path = write("bad.h", "#pragma once\n" .. text .. "\n")
      local ok, reason = pcall(cdef.read, path)
      assert.is_false(ok)
      assert.equal(path .. ":2: ", reason:sub(1, #path + 4))
      assert.matches("outside the FFI dialect", reason)
    end)
  end
end)
