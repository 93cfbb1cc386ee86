--- Names of guests who have gone: held for a while, a bounded number, oldest let go first.
--
-- All of it is data in a table of the caller's, who also tells the time. They are held for the
-- same time each, so that their order is that of their ends.
local held = {}

---@class auth.Held
---@field users table<integer, string> place -> user
---@field until_ms table<integer, integer> place -> its end
---@field places table<string, integer> user -> place
---@field first integer
---@field last integer
---@field count integer

---@return auth.Held
function held.new()
  return { users = {}, until_ms = {}, places = {}, first = 1, last = 0, count = 0 }
end

--- Lets go of a name, if it is held.
---@param state auth.Held
---@param user string
function held.drop(state, user)
  local place = state.places[user]
  if not place then return end
  state.places[user], state.users[place], state.until_ms[place] = nil, nil, nil
  state.count = state.count - 1
  while state.first <= state.last and not state.users[state.first] do
    state.first = state.first + 1
  end
end

--- Holds a name.
---@param state auth.Held
---@param user string
---@param until_ms integer not before that of the one held before
---@param max integer
---@return string? user who is let go for it
function held.add(state, user, until_ms, max)
  held.drop(state, user)
  local oldest = state.count >= max and state.users[state.first] or nil
  if oldest then held.drop(state, oldest) end
  local place = state.last + 1
  state.last, state.count = place, state.count + 1
  state.places[user], state.users[place], state.until_ms[place] = place, user, until_ms
  return oldest
end

--- Lets go of the oldest if its time is over.
---@param state auth.Held
---@param now_ms integer
---@return string? user
function held.expire(state, now_ms)
  local user = state.users[state.first]
  if not user or state.until_ms[state.first] > now_ms then return end
  held.drop(state, user)
  return user
end

return held
