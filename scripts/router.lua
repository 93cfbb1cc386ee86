--- The wire protocol moongate.v1 (docs/protocol.md), in JSON or MessagePack: one object a message,
--- from the socket to the plugin that handles its type, and the reply back.
--
-- Reload: replies that are remembered are in gate.state. A request that is under way is answered
-- by the code that it came to.
local replies = require "router.replies"

local MAX_TYPE = 64 -- bytes
local MAX_ID = 64   -- bytes
local MAX_NUMBER = 2 ^ 53 - 1 -- the next one cannot be told from the one after it
local MIN_KEPT_ID = 16 -- bytes: nobody makes up so long a one twice
local MAX_WAITING = 16 -- repetitions of a request that is under way
local ID_PER_SECOND = 5 -- repetitions of one request
local SWEEP_MS, MAX_SWEPT = 1000, 10000

-- What these change goes with the connection, or is the same when it is done twice: on another
-- connection the reply of the first would say what is not so.
local CARRIED_OUT_AGAIN = { "auth", "direct", "join", "leave", "logout", "refresh", "status",
  "unwatch", "watch" }

local PROTOCOLS = { "moongate.v1.json", "moongate.v1.msgpack" }

-- The core keeps room for replies when pushes have filled the queue. A client that reads none
-- of them is closed as slow when that is full, too.
local AS_REPLY = { class = "control" }
local AS_BYTES = { class = "control", binary = true }

-- Temporary, and yet something has been done, nobody knows how much.
local IS_DONE = { internal = true, timeout = true }

---@param gate moongate.Gate
return function(gate)
  local max_batch = gate:option("max_batch", { default = 64, min = 1, max = 256,
    about = "requests in one message" })
  local limits = {
    window_ms = gate:option("dedup_ms", { default = 60000, min = 1000, max = 3600000,
      about = "how long a reply is remembered" }),
    entries = gate:option("dedup_entries", { default = 256, min = 1, max = 10000,
      about = "replies that are remembered of a user" }),
    user_bytes = gate:option("dedup_bytes", { default = 65536, min = 4096, max = 16777216,
      about = "memory for the replies of a user" }),
    all_bytes = gate:option("dedup_all_bytes", { default = 33554432, min = 65536,
      max = 1073741824, about = "memory for the replies of all users" }),
    per_second = gate:option("dedup_per_second", { default = 20, min = 1, max = 100000,
      about = "requests of a user that are answered as before" }),
    id_per_second = ID_PER_SECOND,
  }
  local is_carried_out_again = {}
  for _, list in ipairs { CARRIED_OUT_AGAIN, gate:option("carried_out_again", { default = {},
    max = 1000, about = "types whose replies are not remembered, beside join and its like" }) } do
    for _, name in ipairs(list) do is_carried_out_again[name] = true end
  end
  local repeated = gate:counter("repeated_total", { labels = { "outcome" },
    about = "Requests that were not carried out: the same one had been before" })
  local remembered = replies.ready(gate.state)

  local function refusal(id, code, text, temporary, retry_after_ms)
    return {
      type = "reply", id = id, ok = false,
      error = { code = code, message = text or code, temporary = temporary or false,
        retry_after_ms = retry_after_ms },
    }
  end

  local function refuse(conn, ...) conn:send(refusal(...), AS_REPLY) end

  local function is_id(id)
    return id == nil
      or (type(id) == "number" and id == math.floor(id) and math.abs(id) <= MAX_NUMBER)
      or (type(id) == "string" and #id <= MAX_ID)
  end

  --- nil when the message has the shape of a request, else the code and what is wrong.
  local function problem_of(message, codec)
    if type(message) ~= "table" or message[1] ~= nil then
      return "bad_" .. codec.name, "expected one object"
    end
    if message.id == gate.json.null then message.id = nil end
    if not is_id(message.id) then
      return "bad_request",
        "id: expected a whole number below 2^53, or a string of at most 64 bytes"
    end
    local name = message.type
    local is_name = type(name) == "string" and name ~= "" and #name <= MAX_TYPE
    if not is_name or not gate:is_utf8(name) then
      return "bad_request", "type: expected a string of 1 to 64 bytes of UTF-8"
    end
  end

  --- Raises when what a plugin has returned cannot be sent.
  local function send(conn, message, how)
    local _, problem = conn:send(message, how)
    if problem == "too_big" or problem == "bad_utf8" then
      error("it cannot be sent: " .. problem, 0)
    end
  end

  local function granted(id, data) return { type = "reply", id = id, ok = true, data = data } end

  --- For gate:request. `of`: whose request it was, and its id.
  local function reply(data, code, text, temporary, retry_after_ms, of)
    local message = data == nil and refusal(of.id, code, text, temporary, retry_after_ms)
      or granted(of.id, data)
    send(of.conn, message, AS_REPLY)
  end

  -- ---- requests that are remembered ----

  --- Those of the user who have asked again meanwhile.
  local function waiting_for(entry)
    local conns, user = {}, gate:user(entry.user)
    for _, id in ipairs(user and entry.waiting or {}) do conns[#conns + 1] = user.conns[id] end
    entry.waiting = nil
    return conns
  end

  --- What has been replied, as this connection hears it.
  local function say_again(conn, entry)
    local codec = conn.codec
    local message, how = entry.bytes, codec.is_binary and AS_BYTES or AS_REPLY
    if message and entry.encoding ~= codec.name then
      message, how = gate[entry.encoding].decode(message), AS_REPLY
    end
    local _, problem
    if message then _, problem = conn:send(message, how) end
    if message and problem ~= "too_big" and problem ~= "bad_utf8" then return end
    refuse(conn, entry.id, "duplicate", "carried out before; its reply cannot be said again")
  end

  --- Whether a refusal leaves nothing that a repetition could do twice.
  local function is_undone(conn, code, temporary)
    if code == "gone" and not conn.is_open then return true end -- it was not begun
    if code == conn.state.ended then return true end -- nor this: its connection is being closed
    return temporary and not IS_DONE[code]
  end

  --- A reply as it is said again: an id that was refused for a while gets nothing else any more.
  local function bytes_to_keep(codec, message, bytes)
    local problem = message.error
    if not problem or not problem.temporary then return bytes end
    problem.message = (problem.message or problem.code)
      .. "; it may have been carried out: to have it tried again take a new id"
    problem.temporary, problem.retry_after_ms = false, nil
    return codec.encode(message)
  end

  --- For gate:request, of what is remembered.
  local function reply_and_keep(conn, entry)
    return function(data, code, text, temporary, retry_after_ms)
      local message = data == nil and refusal(entry.id, code, text, temporary, retry_after_ms)
        or granted(entry.id, data)
      if data == nil and is_undone(conn, code, temporary) then
        replies.forget(remembered, entry)
        for _, other in ipairs(waiting_for(entry)) do
          refuse(other, entry.id, "unavailable", "it was not carried out", true, retry_after_ms)
        end
        return send(conn, message, AS_REPLY)
      end
      local codec = conn.codec
      local bytes, problem = codec.encode(message)
      if not bytes then error("it cannot be sent: " .. problem, 0) end
      send(conn, bytes, codec.is_binary and AS_BYTES or AS_REPLY)
      bytes = bytes_to_keep(codec, message, bytes)
      replies.keep(remembered, limits, entry, bytes, codec.name, gate:now_ms())
      for _, other in ipairs(waiting_for(entry)) do say_again(other, entry) end
    end
  end

  --- A request that is under way, or has been replied to.
  local function repeat_reply(conn, entry)
    local wait_ms = replies.repeats(remembered, limits, entry, gate:now_ms())
    if wait_ms > 0 then
      repeated:add(1, "refused")
      return refuse(conn, entry.id, "rate_limited", "sent again too often", true, wait_ms)
    end
    if entry.at_ms then
      repeated:add(1, "replied")
      return say_again(conn, entry)
    end
    local waiting = entry.waiting or {}
    if #waiting == MAX_WAITING then
      repeated:add(1, "refused")
      return refuse(conn, entry.id, "too_many_requests", "this one is under way", true)
    end
    repeated:add(1, "waited")
    entry.waiting, waiting[#waiting + 1] = waiting, conn.id
  end

  --- A request with an id that its client has made up for it alone.
  local function submit_once(conn, message, bytes)
    local id = message.id
    local entry = replies.find(remembered, limits, conn.user, id, gate:now_ms())
    if entry then return repeat_reply(conn, entry) end
    entry = replies.begin(remembered, limits, conn.user, id, conn.id)
    if not entry then
      return refuse(conn, id, "too_many_requests", "earlier requests are still waiting", true)
    end
    gate:request(conn, message, reply_and_keep(conn, entry), bytes)
  end

  --- The id of a message that may have any shape, if it can come back.
  local function id_of(message)
    local id = type(message) == "table" and message.id or nil
    return is_id(id) and id or nil
  end

  local function submit(conn, message, bytes)
    local code, text = problem_of(message, conn.codec)
    if code then return refuse(conn, id_of(message), code, text) end
    local id = message.id
    message.only_sender = nil -- for plugins to say
    local is_kept = type(id) == "string" and #id >= MIN_KEPT_ID and conn.user
    if is_kept and not is_carried_out_again[message.type] then
      return submit_once(conn, message, bytes)
    end
    gate:request(conn, message, reply, bytes, { conn = conn, id = id })
  end

  --- One by one, each with a reply of its own.
  local function submit_all(conn, batch, bytes)
    local count = #batch
    if count < 1 or count > max_batch then
      return refuse(conn, nil, "bad_batch",
        ("expected 1 to %d requests, got %d"):format(max_batch, count))
    end
    if count > 1 then conn:charge(count - 1) end
    for i = 1, count do submit(conn, batch[i], math.ceil(bytes / count)) end
  end

  --- An empty array cannot be told from an empty object once it is decoded.
  local function is_array(message, bytes, codec)
    if type(message) ~= "table" then return false end
    if next(message) ~= nil then return message[1] ~= nil end
    return bytes:find(codec.is_binary and "^[\144\220\221]" or "^%s*%[") ~= nil
  end

  gate:every(SWEEP_MS, function() replies.sweep(remembered, limits, gate:now_ms(), MAX_SWEPT) end)

  gate:on("ping", function() return { at = gate:now_ms() } end)

  gate:raw("/ws", {
    protocols = PROTOCOLS,
    auth = true,

    opened = function(conn)
      conn:send {
        type = "hello",
        protocol = "moongate.v1",
        server = "moongate " .. gate.facts.version,
        max_message_bytes = gate.facts.max_message_bytes,
        ping_interval_ms = gate.facts.ping_interval_ms,
        auth_timeout_ms = gate.facts.auth_timeout_ms,
        max_batch = max_batch,
        dedup_ms = limits.window_ms,
        encodings = PROTOCOLS,
        at = gate:now_ms(),
      }
    end,

    received = function(conn, bytes, binary)
      local codec = conn.codec
      if binary ~= codec.is_binary then
        return refuse(conn, nil, "bad_encoding",
          codec.protocol .. (binary and " is text" or " is binary"))
      end
      local message, reason = codec.decode(bytes)
      if message == nil then return refuse(conn, nil, "bad_" .. codec.name, reason) end
      if is_array(message, bytes, codec) then return submit_all(conn, message, #bytes) end
      submit(conn, message, #bytes)
    end,

    refused = function(conn, bytes, binary, retry_after_ms)
      local codec = conn.codec
      local id = binary == codec.is_binary and id_of((codec.decode(bytes))) or nil
      refuse(conn, id, "rate_limited", "more than the rate allows", true, retry_after_ms)
    end,
  })
end
