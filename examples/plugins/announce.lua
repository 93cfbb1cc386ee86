--- Says something in all rooms at certain times.
--
--   { "announce", options = { when = "0 22 * * *", text = "The server restarts in an hour." } }

---@param gate moongate.Gate
return function(gate)
  local text = gate:option("text", { default = "It is noon in Greenwich." })

  gate:cron(gate:option("when", "0 12 * * *"), function()
    for name, room in gate:rooms() do
      room:publish { type = "said", room = name, from = "announcer", data = { text = text },
        at = gate:now_ms() }
    end
  end)
end
