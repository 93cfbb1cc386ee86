--- A small HTTP API beside the chat, for whoever has the key:
--
--   GET  /api/rooms              {"rooms":{"tea":2}}
--   POST /api/rooms/{name}/say   {"from":"weather","data":{"text":"it rains"}}
--
-- init.lua sets the key, { "api", options = { key = "…" } }; sent as "Authorization: Bearer KEY".

---@param gate moongate.Gate
return function(gate)
  gate:needs "rooms"
  local bearer = "Bearer " .. gate:option("key", { type = "string" })

  local function is_known(request) return request.authorization == bearer end

  gate:http("GET", "/api/rooms", function(request)
    if not is_known(request) then return { error = "not_authenticated" }, 401 end
    local rooms = {}
    for name, room in gate:rooms() do rooms[name] = room:size() end
    return { rooms = rooms }
  end)

  gate:http("POST", "/api/rooms/{name}/say", function(request)
    if not is_known(request) then return { error = "not_authenticated" }, 401 end
    local said = request:json()
    if type(said) ~= "table" or type(said.from) ~= "string" or said.data == nil then
      return { error = "bad_request" }, 400
    end
    local room = gate:room(request.params.name)
    if room:size() == 0 then return { error = "no_such_room" }, 404 end
    local at = gate:now_ms()
    local sent, reason = room:publish { type = "said", room = room.name, from = said.from,
      data = said.data, at = at }
    if reason == "too_big" then return { error = "too_big" }, 413 end
    if not sent then return { error = reason }, 503, { ["Retry-After"] = 1 } end
    return { at = at }, 202
  end)
end
