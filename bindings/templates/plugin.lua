--- NAME: keeps the last notes that users make, and shows them.
--
-- {"type":"NAME.add","text":"buy tea"} gets {"count":1}, {"type":"NAME.list"} gets
-- {"count":1,"notes":[{"user":"ann","text":"buy tea"}]}

local MAX_TEXT_BYTES = 200

--- nil when a note may be like that, else an error code, and what is wrong, for people.
local function problem_of(text)
  if type(text) ~= "string" or text == "" then
    return "bad_request", "text: expected a string that is not empty"
  elseif #text > MAX_TEXT_BYTES then
    return "too_long", ("text: expected at most %d bytes, got %d"):format(MAX_TEXT_BYTES, #text)
  end
end

---@param gate moongate.Gate
return function(gate)
  -- Set in init.lua: { "NAME", options = { max_notes = 50 } }
  local max_notes = gate:option("max_notes", { type = "integer", default = 20, min = 1, max = 1000,
    about = "notes that are kept; the oldest go first" })

  -- Locals are new with each reload; what is in gate.state stays.
  gate.state.notes = gate.state.notes or {}
  local notes = gate.state.notes

  gate:on("NAME.add", function(conn, message)
    local code, problem = problem_of(message.text)
    if code then return nil, code, problem end
    notes[#notes + 1] = { user = conn.user, text = message.text }
    while #notes > max_notes do table.remove(notes, 1) end
    return { count = #notes }
  end)

  gate:on("NAME.list", function() return { count = #notes, notes = notes } end)
end
