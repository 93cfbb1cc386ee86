--- The options of the commands of moongate ctl that have a program of their own at this end.
local options = {}

--- Reads "--name VALUE" and, where a name's text is a "flag", "--name".
---@param words string[]
---@param known table<string, "value"|"flag">
---@return table<string, string|true>? given
---@return string? problem
function options.read(words, known)
  local given, i = {}, 1
  while words[i] do
    local name = words[i]:match "^%-%-([%l-]+)$"
    local kind = name == "help" and "flag" or known[name]
    if not kind then return nil, words[i] .. ": unknown; see --help" end
    if kind == "value" then
      i = i + 1
      if not words[i] then return nil, ("--%s: a value is missing"):format(name) end
    end
    given[name] = kind == "flag" or words[i]
    i = i + 1
  end
  return given
end

--- Names and texts come from files and from scripts: nothing in them shall move the cursor.
---@param text string
---@return string
function options.plain(text)
  return (text:gsub("\194[\128-\159]", "?"):gsub("[%z\1-\8\11-\31\127]", "?"))
end

return options
