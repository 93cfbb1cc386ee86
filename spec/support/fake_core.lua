--- moongate.test.core for specs, outside of the binary, which carries it: with the headers as they
-- are in the tree, and moongate.msgpack and what is computed in C as libraries of their own.
local cdef = require "spec.support.cdef"
local ffi = require "ffi"

if not package.path:find("./bindings/?.lua", 1, true) then
  package.path = "./bindings/?.lua;" .. package.path
end

local MODULES = (os.getenv "MOONGATE_MODULES" or "build/modules") .. "/?.so;"
if not package.cpath:find(MODULES, 1, true) then package.cpath = MODULES .. package.cpath end

cdef.declare "bindings/api.h" -- by the mark that other specs look for
local texts = {}
for i, header in ipairs(cdef.read "bindings/api.h") do texts[i] = header.text end
package.loaded["moongate.cdef"] = table.concat(texts, "\n")

local LIBRARY = os.getenv "MOONGATE_TEST_LIB" or "build/libmoongate_test.so"
-- For ffi.C, as the binary exports it; anchored where no busted forgets it between two files: what
-- is collected is unloaded.
debug.getregistry()["spec.support.fake_core"] =
  ffi.load((LIBRARY:gsub("%.so$", "_crypto.so")), true)

return require "moongate.test.core"
