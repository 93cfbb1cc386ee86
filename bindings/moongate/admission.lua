--- Who may come in: the rules that scripts set, as struct moon_policy and its texts.
local core = require "moongate.ffi"
local fields = require "moongate.fields"
local status = require "moongate.status"

local C = core.C

---@class moongate.Admission what is not given stays as it is
---@field origins? string[] beside the server's own; { "*" } for all
---@field deny? string[] networks: { "192.0.2.0/24", "2001:db8::/32" }
---@field max_connections? integer of the whole process, as the other numbers
---@field max_connections_per_address? integer
---@field handshakes_per_second? integer
---@field retry_after_s? integer what those are told who are refused for a while
---@field refuse? string|false why all newcomers get 503, at most 200 bytes; false: no longer

-- name -> field of struct moon_policy
local NUMBERS = {
  max_connections = "max_connections",
  max_connections_per_address = "max_per_address",
  handshakes_per_second = "handshakes_per_second",
  retry_after_s = "retry_after_s",
}

local KNOWN = { origins = true, deny = true, refuse = true }
for name in pairs(NUMBERS) do KNOWN[name] = true end

local UNCHANGED = "\1" -- a text that stays as it is
local REFUSE, ADMIT = 1, 2

local MAX_REFUSE_BYTES = 200 -- the core's response has room for one line

local function joined(list) return list and table.concat(list, ", ") or UNCHANGED end

local function is_word(text) return text:find "^[^%s%c,]+$" ~= nil end

local function problem_of_refuse(why)
  if why == nil or why == false then return end
  if type(why) ~= "string" or not why:find "^%C+$" then
    return "refuse: expected one line of text, or false"
  end
  if #why > MAX_REFUSE_BYTES then
    return ("refuse: expected at most %d bytes, got %d"):format(MAX_REFUSE_BYTES, #why)
  end
end

local function problem_of_texts(given)
  return fields.not_list("origins", given.origins or {}, is_word, "an origin")
    or fields.not_list("deny", given.deny or {}, is_word, "a network")
    or problem_of_refuse(given.refuse)
end

local admission = {}

---@param given moongate.Admission
---@return table? rules for apply()
---@return string? problem
function admission.pack(given)
  local policy = core.new "struct moon_policy"
  local problem = fields.unknown(given, KNOWN) or fields.fill(policy, given, NUMBERS)
    or problem_of_texts(given)
  if problem then return nil, problem end
  if given.refuse ~= nil then policy.refuse_all = given.refuse and REFUSE or ADMIT end
  local texts = { joined(given.origins), joined(given.deny), given.refuse or UNCHANGED, "" }
  return { policy = policy, texts = table.concat(texts, "\0") }
end

---@param rules table
---@return true? accepted
---@return "invalid"|"too_big"|"full"? reason "invalid": a network that is none
function admission.apply(rules)
  local result = C.moon_policy(rules.policy, rules.texts, #rules.texts)
  if result == 0 then return true end
  return nil, status.code[result]
end

return admission
