--- Whoever says /roll throws a die that the whole room sees.

---@param gate moongate.Gate
return function(gate)
  gate:needs "rooms"
  local sides = gate:option("sides", { default = 6, min = 2, max = 100 })

  gate:before("say", function(_, message)
    local data = message.data
    if type(data) == "table" and data.text == "/roll" then
      data.text = ("rolls a %d"):format(math.random(sides))
    end
  end)
end
