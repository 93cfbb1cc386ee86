--- Puts stars in place of words that are not wanted.
--
--   { "bad_words", options = { words = { "darn", "heck" } } }

---@param gate moongate.Gate
return function(gate)
  gate:needs "messages"
  local bad = {}
  local words = gate:option("words", { default = { "darn" } })
  for _, word in ipairs(words) do bad[word:lower()] = true end

  local function clean(text)
    return (text:gsub("[%w\128-\255]+", function(word)
      if bad[word:lower()] then return ("*"):rep(#word) end
    end))
  end

  gate:before("say", function(_, message)
    local data = message.data
    if type(data) == "string" then message.data = clean(data) end
    if type(data) == "table" and type(data.text) == "string" then data.text = clean(data.text) end
  end)
end
