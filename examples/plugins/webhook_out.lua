--- Tells another service what is said in some rooms: POST {"room":…,"from":…,"data":…} to its URL.
--
--   { "webhook_out", options = { url = "https://hooks.example/chat", rooms = { "dev" } },
--     capabilities = { "fetch" } }

---@param gate moongate.Gate
return function(gate)
  gate:needs "messages"
  local url = gate:option("url", { type = "string", pattern = "https?://.+" })
  local lost = gate:counter("lost_total", { about = "Messages that the service has not taken." })
  local watched = {}
  for _, name in ipairs(gate:option("rooms", { default = {} })) do watched[name] = true end

  gate:after("say", function(conn, message)
    if not watched[message.room] or message.only_sender then return end
    local said = { room = message.room, from = conn.user, data = message.data }
    gate:spawn(function() -- nobody has to wait for it
      local response, code, text = gate:fetch(url, { json = said, timeout_ms = 5000 })
      if response and response.status < 300 then return end
      lost:add()
      gate:warn("not taken: %s", response and "HTTP " .. response.status or code .. ", " .. text)
    end)
  end)
end
