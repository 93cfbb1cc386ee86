--- The beginning of a text, cut between characters, and how long all of it is; or the text, if it
--- is no longer than that.
---@param text string
---@param most integer bytes
---@return string
return function(text, most)
  if #text <= most then return text end
  local stop = most
  while stop > most - 4 and string.find(text, "^[\128-\191]", stop + 1) do stop = stop - 1 end
  return ("%s... (%d bytes)"):format(string.sub(text, 1, stop), #text)
end
