--- Says something in all rooms at certain times.
--
--   { "announce", options = { when = "0 22 * * *", text = "The server restarts in an hour." } }

---@param gate moongate.Gate
return function(gate)
  local messages = gate:use("messages", "1.0")
  local text = gate:option("text", { default = "It is noon in Greenwich." })

  gate:cron(gate:option("when", "0 12 * * *"), function()
    for name in gate:rooms() do messages.publish(name, "announcer", { text = text }) end
  end)
end
