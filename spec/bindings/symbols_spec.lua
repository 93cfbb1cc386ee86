local core = require "spec.support.core"
local ffi = require "ffi"
local file = require "spec.support.file"
local C = core.load "bindings/symbols.h"

local LIBRARY = os.getenv "MOONGATE_TEST_LIB" or "build/libmoongate_test.so"

describe("symbols", function()
  after_each(core.tidy)

  local function read(path)
    return core.keep(C.moon_symbols_read(path), C.moon_symbols_destroy)
  end

  --- Where the library is loaded, as this process sees it.
  local function base()
    for line in io.lines "/proc/self/maps" do
      local start, offset, name = line:match "^(%x+)%-%S+ %S+ (%x+) %S+ %S+%s+(.*)$"
      if name and name:find(LIBRARY:match "[^/]+$", 1, true) and tonumber(offset, 16) == 0 then
        return tonumber(start, 16)
      end
    end
  end

  local function name_at(symbols, offset)
    local name = C.moon_symbols_find(symbols, offset)
    return name ~= nil and ffi.string(name) or nil
  end

  it("names the function at an address, also within it", function()
    local symbols = read(LIBRARY)
    local address = tonumber(ffi.cast("uintptr_t", ffi.cast("void *", C.moon_symbols_find)))
    local offset = address - base()
    assert.equal("moon_symbols_find", name_at(symbols, offset))
    assert.equal("moon_symbols_find", name_at(symbols, offset + 4))
    assert.not_equal("moon_symbols_find", name_at(symbols, offset - 1))
  end)

  it("knows no name where there is no function", function()
    local symbols = read(LIBRARY)
    assert.is_nil(name_at(symbols, 0))
    assert.is_nil(name_at(symbols, 2 ^ 40))
  end)

  it("knows none of a file that has no table", function()
    local folder = file.folder()
    for name, text in pairs { empty = "", short = "\127ELF\2\1", text = ("no ELF"):rep(100) } do
      file.write(folder .. "/" .. name, text)
      assert.is_nil(name_at(read(folder .. "/" .. name), 4096))
    end
    assert.is_nil(name_at(read(folder .. "/missing"), 4096))
    file.run("strip -o " .. folder .. "/stripped " .. LIBRARY)
    assert.is_nil(name_at(read(folder .. "/stripped"), 4096))
    file.run("rm -rf " .. folder)
  end)
end)
