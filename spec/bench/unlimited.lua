--- An app without the plugin that limits what a user may send: a bench sends more.
local file = require "spec.support.file"

local unlimited = {}

--- Copies an app; one of a commit that has no such plugin yet is copied as it is.
---@param app string folder
---@param to string folder, whose contents are replaced
---@return string to
function unlimited.copy(app, to)
  file.run(("rm -rf %s && mkdir -p %s && cp -r %s/. %s"):format(to, to, app, to))
  local list = to .. "/init.lua"
  file.write(list, (file.read(list):gsub('\n  { "limits"[^\n]*', "")))
  return to
end

return unlimited
