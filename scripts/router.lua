--- The wire protocol moongate.v1 (docs/protocol.md), in JSON or MessagePack: one object a message,
--- from the socket to the plugin that handles its type, and the reply back.

local MAX_TYPE = 64 -- bytes
local MAX_ID = 64   -- bytes

-- The core keeps room for replies when pushes have filled the queue. A client that reads none
-- of them is closed as slow when that is full, too.
local AS_REPLY = { class = "control" }

---@param gate moongate.Gate
return function(gate)
  local function refusal(id, code, text, temporary, retry_after_ms)
    return {
      type = "reply", id = id, ok = false,
      error = { code = code, message = text or code, temporary = temporary or false,
        retry_after_ms = retry_after_ms },
    }
  end

  local function refuse(conn, ...) conn:send(refusal(...), AS_REPLY) end

  local function is_id(id)
    return id == nil or (type(id) == "number" and id == math.floor(id))
      or (type(id) == "string" and #id <= MAX_ID)
  end

  --- nil when the message has the shape of a request, else the code and what is wrong.
  local function problem_of(message, codec)
    if type(message) ~= "table" or message[1] ~= nil then
      return "bad_" .. codec.name, "expected one object"
    end
    if not is_id(message.id) then
      return "bad_request", "id: expected a whole number or a string of at most 64 bytes"
    end
    local name = message.type
    local is_name = type(name) == "string" and name ~= "" and #name <= MAX_TYPE
    if not is_name or not gate:is_utf8(name) then
      return "bad_request", "type: expected a string of 1 to 64 bytes of UTF-8"
    end
  end

  --- For gate:request: raises when what a plugin has returned cannot be sent.
  local function reply(conn, id)
    return function(data, ...)
      local message = data == nil and refusal(id, ...)
        or { type = "reply", id = id, ok = true, data = data }
      local _, problem = conn:send(message, AS_REPLY)
      if problem == "too_big" or problem == "bad_utf8" then
        error("it cannot be sent: " .. problem, 0)
      end
    end
  end

  --- The id of a message that may have any shape, if it can come back.
  local function id_of(message)
    local id = type(message) == "table" and message.id or nil
    return is_id(id) and id or nil
  end

  gate:on("ping", function() return { at = gate:now_ms() } end)

  gate:raw("/ws", {
    protocols = { "moongate.v1.json", "moongate.v1.msgpack" },
    auth = true,

    opened = function(conn)
      conn:send {
        type = "hello",
        protocol = "moongate.v1",
        server = "moongate " .. gate.facts.version,
        max_message_bytes = gate.facts.max_message_bytes,
        ping_interval_ms = gate.facts.ping_interval_ms,
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
      local code, text = problem_of(message, codec)
      if code then return refuse(conn, id_of(message), code, text) end
      gate:request(conn, message, reply(conn, message.id), #bytes)
    end,

    refused = function(conn, bytes, binary, retry_after_ms)
      local codec = conn.codec
      local id = binary == codec.is_binary and id_of((codec.decode(bytes))) or nil
      refuse(conn, id, "rate_limited", "more than the rate allows", true, retry_after_ms)
    end,
  })
end
