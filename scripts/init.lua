--- The app's own settings. Loads first; every other file of this folder is a plugin.

---@param gate moongate.Gate
return function(gate)
  gate:set("rooms.max_per_connection", 50)
end
