--- The modules of moongate test, for specs outside of the binary, which carries them.
require "spec.support.fake_core"
local file = require "spec.support.file"

local testing = {}

local texts = {}
for _, path in ipairs(file.list "scripts/*.lua scripts/*/*.lua") do
  texts[path] = file.read(path)
end
package.loaded["moongate.texts"] = texts

--- A gate of texts, or of what a folder has.
---@param plugins table what test.gate takes
---@param folder? string
---@return moongate.TestGate? gate
---@return string? problem
function testing.gate(plugins, folder)
  local start = require("moongate.test.fake").start
  return require("moongate.test.gate").new(start, folder or "/no/such/folder", plugins)
end

return testing
