--- The narrowest waist: everything Lua knows of C goes through this table.
--
-- The declarations are the text the binary was compiled from. Specs replace this module by
-- spec/support/fake_core.lua.
local ffi = require "ffi"

ffi.cdef(require "moongate.cdef")

return { C = ffi.C, new = ffi.new, string = ffi.string, copy = ffi.copy, sizeof = ffi.sizeof }
