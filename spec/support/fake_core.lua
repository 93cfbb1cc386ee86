--- moongate.test.core for specs, outside of the binary, which carries it: with the headers as they
-- are in the tree, and moongate.msgpack as a library of its own.
local cdef = require "spec.support.cdef"

if not package.path:find("./bindings/?.lua", 1, true) then
  package.path = "./bindings/?.lua;" .. package.path
end

local MODULES = (os.getenv "MOONGATE_MODULES" or "build/modules") .. "/?.so;"
if not package.cpath:find(MODULES, 1, true) then package.cpath = MODULES .. package.cpath end

cdef.declare "core/types.h" -- by the mark that other specs look for
local texts = {}
for i, header in ipairs(cdef.read "bindings/api.h") do texts[i] = header.text end
package.loaded["moongate.cdef"] = table.concat(texts, "\n")

return require "moongate.test.core"
