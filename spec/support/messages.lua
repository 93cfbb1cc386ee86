--- The plugin "messages" with a stand-in for "rooms", as texts: for fake_gate.load, and for
--- server.start.
local file = require "spec.support.file"

---@param more? table<string, string> name -> source text of other plugins
---@return table<string, string> plugins
local function plugins(more)
  local texts = {}
  for name, text in pairs(more or {}) do texts[name] = text end
  texts.rooms = file.read "spec/support/stand_in_rooms.lua"
  for _, path in ipairs(file.list "scripts/messages.lua scripts/messages/*.lua") do
    texts[path:match "^scripts/(.+)%.lua$"] = file.read(path)
  end
  return texts
end

--- What a connection of the fake gate has heard since the last time.
---@param conn table
---@return table[] pushes
local function heard(conn)
  local list = conn.heard
  conn.heard = {}
  return list
end

return { plugins = plugins, heard = heard }
