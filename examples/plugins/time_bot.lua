--- A bot that answers when it is asked: say "bot, what time is it?". It is no user, only a name: in
--- no list of members, and somebody may be called so, too.

---@param gate moongate.Gate
return function(gate)
  local messages = gate:use("messages", "1.0")
  local name = gate:option("name", { default = "bot", pattern = "%l+" })
  local answers = gate:counter("answers_total", { about = "Questions that the bot has answered." })

  gate:after("say", function(_, message)
    if message.only_sender then return end -- nobody else has heard it
    local text = type(message.data) == "table" and message.data.text
    if type(text) ~= "string" or not text:lower():find("^" .. name .. ",.*time") then return end
    answers:add()
    gate:after_ms(500, function() -- as if it had to look
      local time = os.date("!It is %H:%M UTC.", gate:now_ms() / 1000)
      messages.publish(message.room, name, { text = time })
    end)
  end)
end
