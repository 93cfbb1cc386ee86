--- Whose an address is, as far as it can be told: of IPv6 people get networks of 64 bits, in which
--- each has as many addresses as they like.

local function groups_of(text)
  local groups = {}
  for group in text:gmatch "[^:]+" do groups[#groups + 1] = group end
  return groups
end

--- How many groups these are: an IPv4 address at the end stands for two.
local function width(groups)
  local last = groups[#groups]
  return #groups + (last and last:find(".", 1, true) and 1 or 0)
end

--- The address as the core writes it; of IPv6 the first 64 bits, as four groups.
---@param address string
---@return string network
return function(address)
  if not address:find(":", 1, true) then return address end
  local head, tail = address:match "^(.-)::(.*)$"
  local groups, behind = groups_of(head or address), groups_of(tail or "")
  for _ = 1, tail and 8 - #groups - width(behind) or 0 do groups[#groups + 1] = "0" end
  for _, group in ipairs(behind) do groups[#groups + 1] = group end
  return table.concat(groups, ":", 1, math.min(4, #groups)) .. "::/64"
end
