--- Says in a room what another service posts:
--
--   curl -d 'The build is green.' -H 'Authorization: Bearer KEY' http://127.0.0.1:8080/hooks/dev
--
--   { "webhook_in", options = { key = os.getenv "HOOK_KEY", from = "builds" },
--     capabilities = { "http" } }

local STATUS = { bad_request = 400, too_big = 413 } -- what to send again is of no use

---@param gate moongate.Gate
return function(gate)
  local messages = gate:use("messages", "1.0")
  local bearer = "Bearer " .. gate:option("key", { type = "string", min = 8 })
  local from = gate:option("from", "webhook")

  gate:http("POST", "/hooks/{room}", function(request)
    if request.authorization ~= bearer then return { error = "not_authenticated" }, 401 end
    local room = request.params.room
    if gate:room(room):size() == 0 then return { error = "nobody_there" }, 404 end
    local said, code = messages.publish(room, from, { text = request.body })
    if not said then return { error = code }, STATUS[code] or 503 end
  end)
end
