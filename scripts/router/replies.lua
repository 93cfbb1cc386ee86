--- Replies that are remembered: who sends a request again within the window gets the reply it got.
--
-- By user and the request's id. What is under way is an entry, too; its window begins with its
-- reply. All of it is data in a table of the caller's, who also tells the time; what has to go
-- goes oldest first, without a look at the rest.

local ENTRY_BYTES = 500 -- of memory that an entry takes beside its texts, about

local SECOND_MS = 1000

local replies = {}

---@class replies.Limits
---@field window_ms integer
---@field entries integer of a user: replies, and as many under way
---@field user_bytes integer
---@field all_bytes integer
---@field per_second integer repetitions of a user
---@field id_per_second integer of one request

---@class replies.Entry
---@field user string
---@field id string
---@field conn_id integer who asked first
---@field waiting? integer[] ids of connections that have asked again while it is under way
---@field at_ms? integer when the reply was there; nil: it is under way
---@field bytes? string the reply; nil: it was too long to be kept
---@field encoding? string of the bytes
---@field size? integer what it counts for
---@field place? integer in the queue of all
---@field again? { since_ms: integer, count: integer } repetitions in this second

--- Makes an empty table ready, and leaves one that is.
---@param state table
---@return table state
function replies.ready(state)
  if not state.users then
    state.users, state.queue, state.first, state.last, state.bytes = {}, {}, 1, 0, 0
  end
  return state
end

local function own_of(state, user)
  local own = state.users[user]
  if not own then
    own = { of = {}, places = {}, first = 1, last = 0, kept = 0, under_way = 0, bytes = 0 }
    state.users[user] = own
  end
  return own
end

--- The first place of something that is still there.
local function first_of(first, last, is_there)
  while first <= last and not is_there(first) do first = first + 1 end
  return first
end

--- Takes it out of the two queues, whose front moves to what is left.
local function unqueue(state, own, entry)
  state.queue[entry.place] = nil
  state.bytes, own.bytes, own.kept = state.bytes - entry.size, own.bytes - entry.size, own.kept - 1
  state.first = first_of(state.first, state.last, function(i) return state.queue[i] end)
  own.first = first_of(own.first, own.last, function(i)
    if state.queue[own.places[i]] then return true end
    own.places[i] = nil
  end)
end

--- Forgets an entry, also one that is under way.
---@param state table
---@param entry replies.Entry
function replies.forget(state, entry)
  local own = state.users[entry.user]
  if not own or own.of[entry.id] ~= entry then return end
  own.of[entry.id] = nil
  if entry.place then
    unqueue(state, own, entry)
  else
    own.under_way = own.under_way - 1
  end
  if own.kept == 0 and own.under_way == 0 then state.users[entry.user] = nil end
end

local function is_over(limits, entry, now_ms)
  return entry.at_ms and now_ms - entry.at_ms >= limits.window_ms
end

--- What is remembered of a request.
---@return replies.Entry?
function replies.find(state, limits, user, id, now_ms)
  local own = state.users[user]
  local entry = own and own.of[id]
  if not entry or not is_over(limits, entry, now_ms) then return entry end
  replies.forget(state, entry)
end

--- A request that find() does not know is under way now.
---@return replies.Entry? entry nil: too many of this user are
function replies.begin(state, limits, user, id, conn_id)
  local own = own_of(state, user)
  if own.under_way >= limits.entries then return end
  local entry = { user = user, id = id, conn_id = conn_id }
  own.of[id], own.under_way = entry, own.under_way + 1
  return entry
end

--- Those of this second; of each user, and of each entry.
local function again_of(holder, now_ms)
  local again = holder.again
  if not again or now_ms - again.since_ms >= SECOND_MS or now_ms < again.since_ms then
    again = { since_ms = now_ms, count = 0 }
    holder.again = again
  end
  return again
end

--- Counts a repetition, if there were not too many of late.
---@param state table
---@param limits replies.Limits
---@param entry replies.Entry
---@param now_ms integer
---@return integer wait_ms 0: it is counted
function replies.repeats(state, limits, entry, now_ms)
  local of_user = again_of(state.users[entry.user], now_ms)
  local of_entry = again_of(entry, now_ms)
  local wait_ms = 0
  if of_user.count >= limits.per_second then wait_ms = of_user.since_ms + SECOND_MS - now_ms end
  if of_entry.count >= limits.id_per_second then
    wait_ms = math.max(wait_ms, of_entry.since_ms + SECOND_MS - now_ms)
  end
  if wait_ms == 0 then
    of_user.count, of_entry.count = of_user.count + 1, of_entry.count + 1
  end
  return wait_ms
end

local function make_room(state, limits, own)
  while own.kept > limits.entries or own.bytes > limits.user_bytes do
    replies.forget(state, state.queue[own.places[own.first]])
  end
  while state.bytes > limits.all_bytes do replies.forget(state, state.queue[state.first]) end
end

--- It is done, and this is the reply.
---@param state table
---@param limits replies.Limits
---@param entry replies.Entry under way
---@param bytes string
---@param encoding string
---@param now_ms integer
function replies.keep(state, limits, entry, bytes, encoding, now_ms)
  local own = state.users[entry.user]
  if not own or own.of[entry.id] ~= entry or entry.place then return end
  local size = #entry.id + ENTRY_BYTES
  if size + #bytes <= math.min(limits.user_bytes, limits.all_bytes) then
    entry.bytes, entry.encoding, size = bytes, encoding, size + #bytes
  end
  state.last, own.last = state.last + 1, own.last + 1
  entry.at_ms, entry.size, entry.place = now_ms, size, state.last
  state.queue[state.last], own.places[own.last] = entry, state.last
  own.kept, own.under_way = own.kept + 1, own.under_way - 1
  own.bytes, state.bytes = own.bytes + size, state.bytes + size
  make_room(state, limits, own)
end

--- Forgets the oldest whose window is over.
---@param state table
---@param limits replies.Limits
---@param now_ms integer
---@param most integer at once
function replies.sweep(state, limits, now_ms, most)
  for _ = 1, most do
    local oldest = state.queue[state.first]
    if not oldest or not is_over(limits, oldest, now_ms) then return end
    replies.forget(state, oldest)
  end
end

return replies
