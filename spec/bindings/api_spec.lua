local cdef = require "spec.support.cdef"
local fake_core = require "spec.support.fake_core"
local ffi = require "ffi"

local BINARY = os.getenv "MOONGATE_BIN" or "build/moongate"

--- Everything a command prints.
local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

--- The names of the functions that a header declares itself, sorted.
local function functions_of(header)
  local names = {}
  for _, part in ipairs(cdef.read(header)) do
    local text = part.path == header and part.text or ""
    for name in text:gmatch "([%w_]+)%s*%b()%s*;" do names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function sorted_keys(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

describe("api.h", function()
  local declared = functions_of "bindings/api.h"

  it("declares the verbs", function()
    assert.is_true(#declared >= 18)
    for _, name in ipairs(declared) do assert.matches("^moon_%l", name) end
  end)

  it("has the verbs of the fake core and no others", function()
    local faked = {}
    for name, value in pairs(fake_core.new().C) do
      if type(value) == "function" then faked[name] = true end
    end
    assert.same(declared, sorted_keys(faked))
  end)

  it("shares its constants with the fake core", function()
    local C = fake_core.new().C
    assert.equal(-5, C.MOON_EINVAL)
    assert.equal(2, C.MOON_BINARY)
    assert.equal(10, C.MOON_CHANGED)
    assert.equal(4, C.MOON_CLASSES)
    assert.equal(9, C.MOON_SHUTDOWN)
  end)

  it("keeps to the dialect that C and FFI share", function()
    assert.has_no_error(function() cdef.read "bindings/api.h" end)
    assert.has_no_error(function() cdef.declare "bindings/api.h" end)
  end)

  it("is all that the executable exports", function()
    local exported = {}
    for name in output_of("nm -D --defined-only " .. BINARY):gmatch "%sT%s+(moon_[%w_]+)" do
      exported[name] = true
    end
    assert.same(declared, sorted_keys(exported))
  end)

  --- What the server prints when it runs with these options a plugin of this source.
  local function printed_by(source, options)
    local plugin = os.tmpname()
    local file = assert(io.open(plugin, "w"))
    file:write('local ffi = require "ffi"\n' .. source .. "\nos.exit(0)")
    file:close()
    local text = output_of(("%s run --port 0 %s %s"):format(BINARY, options, plugin))
    os.remove(plugin)
    return text
  end

  it("means the same struct to C and to LuaJIT", function()
    local text = printed_by([[
      io.write(("C says %d, LuaJIT says %d\n"):format(tonumber(ffi.C.moon_event_size()),
        ffi.sizeof "struct moon_event"))
    ]], "")
    local size = ffi.sizeof "struct moon_event"
    assert.matches(("C says %d, LuaJIT says %d\n"):format(size, size), text)
  end)

  it("has the facts of the command line", function()
    local text = printed_by([[
      local facts = ffi.C.moon_facts()
      io.write(("facts: %d %d %d %d\n"):format(facts.max_message_bytes, facts.ping_interval_ms,
        facts.pong_timeout_ms, facts.http_timeout_ms))
    ]], "--max-message-bytes 1001 --ping-interval-ms 1002 --pong-timeout-ms 103 "
      .. "--http-timeout-ms 1004")
    assert.matches("facts: 1001 1002 103 1004\n", text)
  end)
end)
