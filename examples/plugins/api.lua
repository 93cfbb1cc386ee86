--- Lists the rooms over HTTP, for whoever has the key:
--
--   GET  /api/rooms              {"rooms":{"tea":2}}
--
-- The key is sent as "Authorization: Bearer KEY"; init.lua sets it:
--
--   { "api", options = { key = "…" }, capabilities = { "http", "rooms" } }

---@param gate moongate.Gate
return function(gate)
  local bearer = "Bearer " .. gate:option("key", { type = "string", min = 8 })

  gate:http("GET", "/api/rooms", function(request)
    if request.authorization ~= bearer then return { error = "not_authenticated" }, 401 end
    local rooms = {}
    for name, room in gate:rooms() do rooms[name] = room:size() end
    return { rooms = rooms }
  end)
end
