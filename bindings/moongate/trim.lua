--- Takes the blanks at both ends of a text away. Both steps are linear: "^%s*(.-)%s*$" takes the
--- square of the blanks within.
---@param text string
---@param from? integer where to begin
---@return string
return function(text, from)
  local first = string.find(text, "%S", from)
  return first and string.match(text, "^.*%S", first) or ""
end
