--- What the fake core does when it is asked: the verbs of bindings/api.h. Each gets the core and
-- the arguments of its prototype. The constants are those of core/types.h itself.
local ffi = require "ffi"
local computed = require "moongate.test.computed"
local outbox = require "moongate.test.outbox"
local cdef = require "moongate.cdef" -- both headers, as the core was compiled from them

local MAX_REASON_BYTES = 123

if not pcall(ffi.typeof, "struct moon_event") then ffi.cdef(cdef) end

local constants = {}
for name in cdef:gmatch "%f[%w_]MOON_[%u%d_]+" do constants[name] = ffi.C[name] end

local verbs = {}
for name, verb in pairs(computed) do verbs[name] = verb end

-- lead bytes and those that must not follow: too long, surrogates, beyond U+10FFFF
local BAD_PAIRS = { "\224[\128-\159]", "\237[\160-\191]", "\240[\128-\143]",
  "\244[\144-\191]" }
local CHARACTERS = { "[\240-\244][\128-\191][\128-\191][\128-\191]",
  "[\224-\239][\128-\191][\128-\191]", "[\194-\223][\128-\191]" }

local function is_utf8(text)
  for _, pair in ipairs(BAD_PAIRS) do if string.find(text, pair) then return false end end
  for _, character in ipairs(CHARACTERS) do text = string.gsub(text, character, ".") end
  return not string.find(text, "[\128-\255]")
end

local function check_message(opcode, class, key, bytes, length)
  assert(class >= 0 and class < constants.MOON_CLASSES, "no class")
  assert((class == constants.MOON_LATEST) == (key ~= 0), "a key is for MOON_LATEST, and only there")
  assert(length == #bytes, "the length is not that of the bytes")
  if length > constants.MOON_MAX_FRAME_BYTES then return constants.MOON_EBIG end
  if opcode ~= constants.MOON_TEXT and opcode ~= constants.MOON_BINARY then
    return constants.MOON_EINVAL
  end
  if opcode == constants.MOON_TEXT and not is_utf8(bytes) then return constants.MOON_EUTF8 end
  return constants.MOON_OK
end

--- Writes the command down. Returns the status the test wants, or else `status`.
local function note(core, verb, status, command)
  status = core.answers["moon_" .. verb] or status or constants.MOON_OK
  command.verb, command.status = verb, status
  table.insert(core.commands, command)
  return status
end

local function find(core, id)
  return core.conns[id] and constants.MOON_OK or constants.MOON_EGONE
end

local function hand_over(core, id, opcode, class, key, bytes)
  local conn = core.conns[id]
  if not conn.is_open then return end -- misses quietly
  conn.books.sent[class] = conn.books.sent[class] + 1
  if conn.outbox then
    return outbox.push(core, id, { opcode = opcode, class = class, key = key, bytes = bytes })
  end
  outbox.deliver(core, id, opcode, class, bytes)
end

local WORDS = { [0] = "reliable", "latest", "volatile", "control" }

--- What a command says of a message: { opcode, class = "latest", key = "pos", bytes }.
local function letter(core, opcode, class, key, bytes)
  return { opcode = opcode, class = WORDS[class], key = core.keys[tonumber(key)], bytes = bytes }
end

function verbs.moon_event_next(core, event)
  if core.lent then ffi.fill(core.lent, ffi.sizeof(core.lent), 0xDB) end -- no longer yours
  local next = table.remove(core.events, 1)
  if not next then return 0 end
  core.lent = ffi.new("char[?]", #next.bytes + 1, next.bytes)
  event.kind, event.code, event.reason = next.kind, next.code, next.reason
  event.subject, event.bytes, event.length = next.subject, core.lent, #next.bytes
  return 1
end

function verbs.moon_key(core, bytes, length)
  assert(length == #bytes, "the length is not that of the key")
  local number = core.keys[bytes]
  if not number then
    number = #core.keys + 1
    core.keys[number], core.keys[bytes] = bytes, number
  end
  return ffi.new("uint64_t", number)
end

function verbs.moon_send(core, id, opcode, class, key, bytes, length)
  local status = find(core, id)
  if status == 0 then status = check_message(opcode, class, key, bytes, length) end
  local command = letter(core, opcode, class, key, bytes)
  command.conn = id
  status = note(core, "send", status, command)
  if status == 0 then hand_over(core, id, opcode, class, tonumber(key), bytes) end
  return status
end

function verbs.moon_publish(core, room, except, opcode, class, key, bytes, length)
  local status = check_message(opcode, class, key, bytes, length)
  if class == constants.MOON_CONTROL then status = constants.MOON_EINVAL end
  local command = letter(core, opcode, class, key, bytes)
  command.room, command.except = room, except
  status = note(core, "publish", status, command)
  for _, id in ipairs(status == 0 and core.rooms[room] or {}) do
    if id ~= except then hand_over(core, id, opcode, class, tonumber(key), bytes) end
  end
  return status
end

function verbs.moon_has_room(core, messages, bytes)
  return note(core, "has_room", nil, { messages = messages, bytes = bytes })
end

local function take_out(members, id)
  for i = #members, 1, -1 do
    if members[i] == id then table.remove(members, i) end
  end
end

function verbs.moon_join(core, room, id)
  local status = note(core, "join", find(core, id), { room = room, conn = id })
  if status == 0 and core.conns[id].is_open then
    core.rooms[room] = core.rooms[room] or {}
    take_out(core.rooms[room], id)
    table.insert(core.rooms[room], id)
  end
  return status
end

function verbs.moon_leave(core, room, id)
  local status = note(core, "leave", find(core, id), { room = room, conn = id })
  if status == 0 then take_out(core.rooms[room] or {}, id) end
  return status
end

local function check_close(code, reason, length)
  assert(length == #reason, "the length is not that of the reason")
  local is_code = code == 1000 or (code >= 3000 and code <= 4999)
  if not is_code or length > MAX_REASON_BYTES then return constants.MOON_EINVAL end
  return is_utf8(reason) and constants.MOON_OK or constants.MOON_EUTF8
end

function verbs.moon_close(core, id, code, reason, length)
  local status = check_close(code, reason, length)
  if status == 0 then status = find(core, id) end
  status = note(core, "close", status, { conn = id, code = code, reason = reason })
  if status == 0 then core:close(id, "script", code) end
  return status
end

function verbs.moon_look(core, id)
  return note(core, "look", find(core, id), { conn = id })
end

function verbs.moon_admit(core, id)
  local status = note(core, "admit", find(core, id), { conn = id })
  if status == 0 then core.conns[id].is_admitted = true end
  return status
end

--- The fields of a struct that say something.
local function filled(struct, names)
  local found = {}
  for name in names:gmatch "%S+" do
    if struct[name] ~= 0 then found[name] = struct[name] end
  end
  return found
end

function verbs.moon_limit(core, id, limits)
  local command = filled(limits, [[outbox_bytes outbox_messages outbox_age_ms rate_messages
    burst_messages rate_bytes burst_bytes flood_action]])
  command.conn = id
  local status = note(core, "limit", find(core, id), command)
  for name, value in pairs(status == 0 and command or {}) do core.conns[id].limits[name] = value end
  return status
end

function verbs.moon_charge(core, id, messages)
  return note(core, "charge", find(core, id), { conn = id, messages = messages })
end

local function is_network(text)
  return text:find "^%d+%.%d+%.%d+%.%d+/?%d*$" ~= nil
    or (text:find "^[%x:.]+/?%d*$" ~= nil and text:find(":", 1, true) ~= nil)
end

--- Texts that stay as they are, "\1", are not in the command.
function verbs.moon_policy(core, policy, fields, length)
  assert(length == #fields, "the length is not that of the fields")
  local command = filled(policy, [[max_connections max_per_address handshakes_per_second
    retry_after_s refuse_all]])
  local texts = { string.match(fields, "^(%Z*)%z(%Z*)%z(%Z*)%z$") }
  assert(texts[3], "three texts, each ended by NUL")
  for i, name in ipairs { "origins", "deny", "reason" } do
    if texts[i] ~= "\1" then command[name] = texts[i] end
  end
  local status
  for network in (command.deny or ""):gmatch "[^, ]+" do
    if not is_network(network) then status = constants.MOON_EINVAL end
  end
  return note(core, "policy", status, command)
end

local RESERVED = { connection = true, date = true, trailer = true, upgrade = true,
  ["content-length"] = true, ["transfer-encoding"] = true }

--- name -> value; nil when scripts may not set them.
local function headers_of(lines)
  local headers = {}
  local rest = string.gsub(lines, "([%w!#$%%&'*+.^_`|~-]+): ([^\r\n%z]*)\r\n", function(name, value)
    headers[name] = value
    return ""
  end)
  for name in pairs(headers) do
    if RESERVED[name:lower()] then return nil end
  end
  return rest == "" and headers or nil
end

local function check_response(status, headers, lines, body)
  if #lines + #body > constants.MOON_MAX_FRAME_BYTES then return constants.MOON_EBIG end
  if status < 200 or status > 599 or not headers then return constants.MOON_EINVAL end
  return constants.MOON_OK
end

function verbs.moon_respond(core, id, number, status, lines, lines_length, body, body_length)
  assert(lines_length == #lines and body_length == #body, "a length is not that of its bytes")
  local response = core.responses[id]
  if not response then return constants.MOON_EGONE end
  local headers = headers_of(lines)
  local result = note(core, "respond", check_response(status, headers, lines, body),
    { conn = id, number = number, code = status })
  local is_awaited = not response.is_given and response.number == number
  if result == 0 and is_awaited then -- else it misses quietly
    response.is_given, response.status = true, status
    response.headers, response.body = headers, body
    core.on_response(response)
  end
  return result
end

function verbs.moon_route(core, text, length)
  assert(length == #text, "the length is not that of the table")
  return note(core, "route", nil, { text = text })
end

function verbs.moon_report(core, text, length)
  assert(length == #text, "the length is not that of the text")
  return note(core, "report", nil, { text = text })
end

function verbs.moon_is_utf8(_, bytes, length)
  assert(length == #bytes, "the length is not that of the bytes")
  return is_utf8(bytes) and 1 or 0
end

local OPERATIONS = { [0] = "get", "put", "delete", "swap", "scan" }

--- Answered by core:stored(ticket, ...), when the test likes.
function verbs.moon_store(core, ticket, operation, query, bytes, length)
  assert(length == #bytes, "the length is not that of the bytes")
  local at = 1
  local function cut(count)
    at = at + count
    return bytes:sub(at - count, at - 1)
  end
  local command = { ticket = ticket, operation = OPERATIONS[operation],
    space = cut(query.space_bytes), key = cut(query.key_bytes), value = cut(query.value_bytes),
    expected = cut(query.expected_bytes), must_be_new = query.must_be_new == 1,
    expires_ms = tonumber(query.expires_ms), limit = query.limit }
  assert(at == length + 1, "the lengths of the query are not that of the bytes")
  return note(core, "store", nil, command)
end

local OWN_HEADERS = { host = true, connection = true, ["content-length"] = true,
  ["transfer-encoding"] = true, upgrade = true, trailer = true, te = true, expect = true,
  ["keep-alive"] = true, ["proxy-connection"] = true, ["proxy-authorization"] = true }

local function fetch_headers_of(lines)
  local headers = {}
  local rest = string.gsub(lines, "([%w!#$%%&'*+.^_`|~-]+): ([^\r\n%z]*)\r\n", function(name, value)
    headers[name:lower()] = value
    return ""
  end)
  assert(rest == "", "malformed header lines")
  for name in pairs(headers) do assert(not OWN_HEADERS[name], name .. " is the core's") end
  return headers
end

--- Remembers it in core.fetches until answer_fetch() or an abort.
function verbs.moon_fetch(core, ticket, limits, request, length)
  assert(length == #request, "the length is not that of the request")
  local method, url, lines, body = string.match(request, "^(%Z*)%z(%Z*)%z(%Z*)%z(.*)$")
  local fetch = { ticket = ticket, method = method, url = url, headers = fetch_headers_of(lines),
    body = body, timeout_ms = limits.timeout_ms, max_bytes = limits.max_bytes,
    redirects = limits.redirects }
  local status = note(core, "fetch", nil, fetch)
  if status == 0 then table.insert(core.fetches, fetch) end
  return status
end

function verbs.moon_abort_fetch(core, ticket)
  note(core, "abort_fetch", nil, { ticket = ticket })
  for i, fetch in ipairs(core.fetches) do
    if fetch.ticket == ticket then
      table.remove(core.fetches, i).is_aborted = true
      return
    end
  end
end

function verbs.moon_turn(core) return core.turn end

function verbs.moon_name_plugin(core, who, name, length)
  core.named[who] = name:sub(1, length)
end

function verbs.moon_samples(core) return core.samples end

function verbs.moon_heap(core) return core.heap end

function verbs.moon_timer_start(core, delay_ms)
  assert(delay_ms >= 0 and delay_ms <= 4294967295, "not a uint32_t")
  core.last_token = core.last_token + 1
  note(core, "timer_start", nil, { token = core.last_token, delay_ms = delay_ms })
  table.insert(core.timers,
    { token = core.last_token, due_ms = core.now_ms + math.floor(delay_ms) })
  return core.last_token
end

function verbs.moon_timer_stop(core, token)
  for i, timer in ipairs(core.timers) do
    if timer.token == token then return table.remove(core.timers, i) and nil end
  end
end

--- What the spec has put into core.profile is what there is to find.
function verbs.moon_profile_start(core, who)
  local status = core.is_profiling and constants.MOON_EFULL or constants.MOON_OK
  status = note(core, "profile_start", status, { who = who })
  if status == constants.MOON_OK then core.is_profiling = true end
  return status
end

function verbs.moon_profile_stop(core, profile)
  if not core.is_profiling then return constants.MOON_EGONE end
  core.is_profiling = false
  core.folded = core.profile.folded -- C has only a pointer to it
  profile.folded, profile.length = core.folded, #core.folded
  profile.ticks, profile.dropped = core.profile.ticks, core.profile.dropped
  profile.tick_us = 5000
  return note(core, "profile_stop", nil, {})
end

function verbs.moon_asker(core, ticket, asker)
  local told = core.tickets[ticket]
  if not told or told.is_given or told.has_gone then return constants.MOON_EGONE end
  asker.uid, asker.pid = 1000, 4711
  return constants.MOON_OK
end

function verbs.moon_tell(core, ticket, bytes, length)
  assert(length == #bytes, "the length is not that of the line")
  local told = core.tickets[ticket]
  local status = told and not told.is_given and constants.MOON_OK or constants.MOON_EGONE
  if string.find(bytes, "\n", 1, true) then status = constants.MOON_EINVAL end
  if length > constants.MOON_MAX_ANSWER_BYTES then status = constants.MOON_EBIG end
  status = note(core, "tell", status, { ticket = ticket, bytes = bytes })
  if status == 0 then told.is_given, told.bytes = true, bytes end
  return status
end

--- The files are real; a test may say what else there is.
function verbs.moon_is_file(core, path)
  if core.answers.moon_is_file then return core.answers.moon_is_file end
  local file = io.open(path, "r")
  if file then file:close() end
  return file and 1 or 0
end

function verbs.moon_stack_is_deep(core) return core.answers.moon_stack_is_deep or 0 end

function verbs.moon_time_ms(core) return core.now_ms end
function verbs.moon_clock_ms(core) return core.now_ms end

local LEVELS = { [0] = "error", "warn", "info", "debug" }

function verbs.moon_log_line(core, level, bytes, length)
  assert(length == #bytes, "the length is not that of the line")
  table.insert(core.log, { level = LEVELS[level], text = bytes })
end

function verbs.moon_facts(core) return core.facts end

local REASONS = { "client", "lost", "script", "slow", "no_pong", "too_big", "bad_utf8",
  "protocol", "shutdown", "flood", "overload", "auth_timeout" }

function verbs.moon_reason_word(_, reason) return REASONS[reason] or "unknown" end

function verbs.moon_event_size() return ffi.sizeof "struct moon_event" end

return { verbs = verbs, constants = constants, take_out = take_out, reasons = REASONS }
