--- Hashes of passwords: the core makes and compares them on a thread of its own, the task waits.
local core = require "moongate.ffi"
local status = require "moongate.status"
local task = require "moongate.task"

local C = core.C

local password = {}

local waiting = {} -- ticket -> done
local last_ticket = 0

local REASON = {
  [C.MOON_PASSWORD_BAD_HASH] = "bad_hash",
  [C.MOON_PASSWORD_FAILED] = "no_memory",
}

--- For loop.lua.
---@param ticket integer
---@param outcome integer enum moon_password_outcome
---@param bytes string a hash that was made
function password.answer(ticket, outcome, bytes)
  local done = waiting[ticket]
  waiting[ticket] = nil
  done(outcome, bytes)
end

--- Waits for what becomes of it: an outcome and the hash that was made. Or nil, reason.
local function ask(what, text, hash)
  return task.wait(what, function(done)
    last_ticket = last_ticket + 1
    local result = C.moon_password(last_ticket, text, #text, hash, #hash)
    if result ~= C.MOON_OK then return done(nil, status.code[result]) end
    waiting[last_ticket] = done
  end)
end

---@param what string the function that is called
---@param text string
---@return string? hash
---@return "full"|"too_big"|"no_memory"? reason
function password.hash(what, text)
  local outcome, bytes = ask(what, text, "")
  if outcome == nil then return nil, bytes end
  if outcome ~= C.MOON_PASSWORD_DONE then return nil, REASON[outcome] end
  return bytes
end

---@param what string
---@param text string
---@param hash string
---@return boolean? is_right
---@return boolean|"full"|"bad_hash"|"no_memory"? outdated or reason
function password.check(what, text, hash)
  task.current(what)
  if hash == "" or #hash >= C.MOON_MAX_HASH_BYTES then return nil, "bad_hash" end
  if #text > C.MOON_MAX_PASSWORD_BYTES then return false end -- it cannot have been hashed
  local outcome, reason = ask(what, text, hash)
  if outcome == nil then return nil, reason end
  if REASON[outcome] then return nil, REASON[outcome] end
  if outcome == C.MOON_PASSWORD_WRONG then return false end
  return true, outcome == C.MOON_PASSWORD_OUTDATED
end

return password
