--- What one address stands for: whoever has IPv6 has a /64 of them at least.

local network = {}

--- The groups of a part of an IPv6 address.
local function groups_of(text)
  local groups = {}
  for group in text:gmatch "[^:]+" do groups[#groups + 1] = group end
  return groups
end

--- An IPv4 address as it is; of an IPv6 address its /64.
---@param address string as the core writes it
---@return string
function network.of(address)
  if not address:find(":", 1, true) then return address end
  local mapped = address:match "^::[fF][fF][fF][fF]:(%d+%.%d+%.%d+%.%d+)$"
  if mapped then return mapped end
  local head, tail = address:match "^(.-)::(.*)$"
  local groups, behind = groups_of(head or address), tail and groups_of(tail) or {}
  if tail then
    for _ = #groups + #behind + 1, 8 do groups[#groups + 1] = "0" end
    for _, group in ipairs(behind) do groups[#groups + 1] = group end
  end
  return table.concat(groups, ":", 1, math.min(4, #groups)) .. "::/64"
end

return network
