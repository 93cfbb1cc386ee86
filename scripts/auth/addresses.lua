--- IP addresses as they are counted and banned: of IPv4 each for itself, of IPv6 the network of 64
--- bits, in which a client takes what address it likes. Knows no gate.

local MAX_KNOWN = 10000

local addresses = {}

local function is_v4(text)
  local count = 0
  for part in text:gmatch "[^.]+" do
    count = count + 1
    if not part:find "^%d%d?%d?$" or part:find "^0%d" or tonumber(part) > 255 then return false end
  end
  return count == 4 and not text:find "^%." and not text:find "%.$" and not text:find("..", 1, true)
end

--- An address of IPv4 at the end of one of IPv6 becomes two groups; nil: it is none.
local function with_groups(text)
  local front, v4 = text:match "^(.*:)([^:]*%.[^:]*)$"
  if not v4 then return not text:find(".", 1, true) and text or nil end
  if not is_v4(v4) then return nil end
  local a, b, c, d = v4:match "(%d+)%.(%d+)%.(%d+)%.(%d+)"
  return ("%s%x:%x"):format(front, a * 256 + b, c * 256 + d)
end

--- The groups of what stands on one side of "::"; nil: they are none.
local function groups_of(text)
  local list = {}
  if text == "" then return list end
  for group in (text .. ":"):gmatch "([^:]*):" do
    if not group:find "^%x%x?%x?%x?$" then return nil end
    list[#list + 1] = tonumber(group, 16)
  end
  return list
end

--- The groups on both sides, and those that "::" stands for; nil: there are not eight of them.
local function joined(front, back, has_gap)
  local missing = 8 - #front - #back
  if missing < (has_gap and 1 or 0) or (missing > 0 and not has_gap) then return nil end
  for _ = 1, missing do front[#front + 1] = 0 end
  for _, group in ipairs(back) do front[#front + 1] = group end
  return front
end

--- The eight groups of an address of IPv6; nil: it is none.
local function read_v6(text)
  text = with_groups(text)
  if not text then return nil end
  local before, behind = text:match "^(.-)::(.*)$"
  local front, back = groups_of(before or text), groups_of(behind or "")
  return front and back and joined(front, back, before ~= nil)
end

--- The address of IPv4 that is mapped into IPv6; nil: none is.
local function mapped(groups)
  for place = 1, 5 do
    if groups[place] ~= 0 then return nil end
  end
  if groups[6] ~= 0xffff then return nil end
  local high, low = groups[7], groups[8]
  return ("%d.%d.%d.%d"):format(high / 256, high % 256, low / 256, low % 256)
end

local function network(groups)
  local last, parts = 4, {}
  while last > 0 and groups[last] == 0 do last = last - 1 end
  for place = 1, last do parts[place] = ("%x"):format(groups[place]) end
  return table.concat(parts, ":") .. "::/64"
end

--- What is banned by this text: the address, or its network, always written alike.
---@param text any
---@return string? key nil: it is no address
function addresses.read(text)
  if type(text) ~= "string" or #text > 48 then return nil end
  if is_v4(text) then return text end
  local groups = read_v6((text:gsub("/64$", "")))
  return groups and (mapped(groups) or network(groups))
end

local known, count = {}, 0

--- The key under which a connection's address is banned, if it is. Is asked for each request.
---@param address string
---@return string key
function addresses.key_of(address)
  local key = known[address]
  if key then return key end
  if count >= MAX_KNOWN then known, count = {}, 0 end
  key = addresses.read(address) or address
  known[address], count = key, count + 1
  return key
end

return addresses
