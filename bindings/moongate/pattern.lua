--- How long a Lua pattern may take at worst. The watchdog cannot stop a match before it returns, so
--- one that could take more than some 250 ms, half of a budget, is not begun.
--
-- Each *, + and - may stop at any byte, so that what follows is tried anew from each of them; a
-- pattern without ^ may begin at any, too. That makes length ^ (quantifiers + 1, unless it is
-- anchored). Nothing is tried anew for the sake of what cannot fail: of a quantifier at the end,
-- and of a "." with * or - that only such are behind. So "^%s*(.-)%s*$" is length ^ 2.
local byte, find, sub = string.byte, string.find, string.sub

local MAX_STEPS = 2e7 -- of some 10 ns each
local MAX_CACHED, MAX_CACHED_BYTES = 500, 256 -- patterns, and of one
local STEP_BYTES = 3 -- of a pattern that are looked at in a step
local FIND_BYTES = 256 -- the same of a text that is looked for as it is
local MAX_PATTERN_BYTES = 65536

local pattern = {}

local QUANTIFIERS = { [42] = "*", [43] = "+", [45] = "-", [63] = "?" }
local PERCENT, BRACKET, CARET, DOT, DOLLAR = 37, 91, 94, 46, 36
local IS_CAPTURE = { [40] = true, [41] = true }

--- Where a set ends that begins here; "]" may be the first in it.
local function end_of_set(text, at)
  at = at + (byte(text, at + 1) == CARET and 2 or 1)
  repeat
    at = at + (byte(text, at) == PERCENT and 2 or 1)
  until at > #text or byte(text, at) == 93
  return at + 1
end

--- Where an item with a percent sign ends, and what it is if no quantifier can follow: "long" scans
--- or compares as a quantifier does. What looks like one behind %f[set] is a character.
local function escaped(text, at)
  local letter = sub(text, at + 1, at + 1)
  if letter == "b" then return at + 4, "long" end
  if letter == "f" then return end_of_set(text, at + 2), "one" end
  return at + 2, find(letter, "^%d") and "long"
end

--- Where the item ends, and what it is if no quantifier can follow.
local function end_of_item(text, at)
  local first = byte(text, at)
  if first == PERCENT then return escaped(text, at) end
  if first == BRACKET then return end_of_set(text, at) end
  return at + 1
end

local function kind_of(first, quantifier)
  if first == DOT and (quantifier == "*" or quantifier == "-") then return "any" end
  return quantifier or "one"
end

local MAY_FAIL = { one = true, long = true, ["+"] = true }
local COUNTS = { any = true, long = true, ["*"] = true, ["+"] = true, ["-"] = true }

--- What each item is: a quantifier, "long", or "one"; ".*" and ".-" are "any". And the most bytes
--- that are looked at in one go: of items up to the next that counts.
local function items_of(text, at, stop)
  local items, widest, from = {}, 1, at
  while at <= stop do
    if IS_CAPTURE[byte(text, at)] then
      at = at + 1
    else
      local after, alone = end_of_item(text, at)
      local quantifier = not alone and QUANTIFIERS[byte(text, after)]
      local kind = alone or kind_of(byte(text, at), quantifier)
      items[#items + 1] = kind
      widest = math.max(widest, after - from)
      at = after + (quantifier and 1 or 0)
      if COUNTS[kind] then from = at end
    end
  end
  return items, math.max(widest, at - from)
end

--- The place of the first item of those at the end that cannot fail, from an "any" on.
local function first_sure(items)
  local first = #items + 1
  for i = #items, 1, -1 do
    if MAY_FAIL[items[i]] then break end
    if items[i] == "any" then first = i end
  end
  return first
end

local function count(items, from, to)
  local counted = 0
  for i = from, to do counted = counted + (COUNTS[items[i]] and 1 or 0) end
  return counted
end

local function optional(items)
  local counted = 0
  for _, kind in ipairs(items) do counted = counted + (kind == "?" and 1 or 0) end
  return counted
end

--- The power of what may fail, and of what cannot.
local function power_of(items, has_end)
  local sure = first_sure(items)
  local before = count(items, 1, sure - 1)
  local is_free = sure <= #items or not has_end -- its last: nothing behind it can fail
  if is_free and items[sure - 1] ~= "long" then
    before = before - count(items, sure - 1, sure - 1)
  end
  return before, has_end and count(items, sure, #items) or 0
end

--- The power of the length, and how many times that.
local function analyse(text)
  local first = byte(text, 1) == CARET and 2 or 1
  local has_end = byte(text, -1) == DOLLAR
  local items, widest = items_of(text, first, has_end and #text - 1 or #text)
  local before, behind = power_of(items, has_end)
  local power = math.max(1, before + 2 - first, behind)
  return power, 2 ^ optional(items) * math.max(1, widest / STEP_BYTES)
end

local powers, factors, cached = {}, {}, 0

local function known(text)
  local power, factor = analyse(text)
  if #text > MAX_CACHED_BYTES then return power, factor end
  if cached == MAX_CACHED then powers, factors, cached = {}, {}, 0 end
  powers[text], factors[text], cached = power, factor, cached + 1
  return power, factor
end

--- Whether a match may begin.
---@param text string a pattern
---@param bytes integer of what it is matched with
---@return boolean
function pattern.is_cheap(text, bytes)
  local power, factor = powers[text], factors[text]
  if #text > MAX_PATTERN_BYTES then return false end
  if not power then power, factor = known(text) end
  return bytes ^ power * factor <= MAX_STEPS
end

--- The same of a text that is looked for as it is.
---@param text string
---@param bytes integer of what it is looked for in
---@return boolean
function pattern.is_cheap_to_find(text, bytes)
  return (bytes - #text) * (1 + #text / FIND_BYTES) <= MAX_STEPS
end

return pattern
