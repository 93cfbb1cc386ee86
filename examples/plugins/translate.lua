--- Asks a service what "/translate TEXT" means; the answer is for who has asked. The service is one
--- like LibreTranslate: POST {"q":…,"source":"auto","target":"en"} gives {"translatedText":…}.
--
--   { "translate", options = { url = "https://translate.example/translate", target = "en" },
--     capabilities = { "fetch" } }

---@param gate moongate.Gate
return function(gate)
  gate:needs "messages"
  local url = gate:option("url", { type = "string", pattern = "https?://.+" })
  local target = gate:option("target", { default = "en", pattern = "%l%l" })

  gate:command("translate", function(_, words)
    if words.text == "" or #words.text > 400 then return nil, "bad_request", "1 to 400 bytes" end
    local response, code = gate:fetch(url,
      { json = { q = words.text, source = "auto", target = target } })
    if not response then return nil, "unavailable", code, true end
    local answer = response:json()
    local text = type(answer) == "table" and answer.translatedText
    if type(text) ~= "string" then return nil, "unavailable", "no translation came", true end
    return { text = text }
  end, "says what a text means")
end
