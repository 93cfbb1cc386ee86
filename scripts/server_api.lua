--- The server API: what other servers may do here over HTTP, with keys. docs/server_api.md has the
--- calls, docs/openapi.json all of their fields.
--
-- All names of rooms and users are in queries and bodies, where they may be anything; a path is
-- one word. Without keys all of /api/v1/ is 404. What is done is done with the rights of an admin
-- who is called "api:" and the name of the key; a key itself is nowhere.

local answers = require "server_api.answers"
local bucket = require "limits.bucket"
local calls = require "server_api.calls"
local fields = require "server_api.fields"
local keyring = require "server_api.keys"
local operations = require "server_api.operations"
local repeats = require "server_api.repeats"

local METHODS = { "GET", "POST", "PUT", "PATCH", "DELETE" }
local SWEEP_MS, MAX_SWEPT = 1000, 10000
local RETRY_MS = 100
local REALM = 'Bearer realm="moongate"'

local of_path = {} -- path -> method -> operation
for _, operation in ipairs(operations) do
  of_path[operation.path] = of_path[operation.path] or {}
  of_path[operation.path][operation.method] = operation
end

--- The methods of a path, for the header Allow.
local function allowed(methods)
  local names = { methods.GET and "HEAD" or nil }
  for method in pairs(methods) do names[#names + 1] = method end
  table.sort(names)
  return table.concat(names, ", ")
end

--- A word of the caller's in the log.
local function shown(value)
  return (tostring(value):sub(1, 64):gsub("[%c\"\\]", "?"))
end

local function open_desk(gate)
  gate:needs("auth", "presence", "rooms", "messages", "moderation")
  local desk = { gate = gate, is_utf8 = function(text) return gate:is_utf8(text) end }
  for _, name in ipairs { "auth", "presence", "rooms", "messages", "moderation" } do
    desk[name] = gate:use(name, "1.0")
  end
  desk.server_name = gate:option("server_name", { default = "server", min = 1, max = 64,
    about = "who says what is published in nobody's name" })
  if not fields.is_user(desk.server_name, desk.is_utf8) or desk.server_name:find "^api:" then
    error('option "server_name": expected the name of a user, none that begins with "api:"', 0)
  end
  desk.max_rooms = gate:option("max_rooms", { default = 100, min = 1, max = 1000,
    about = "rooms of a broadcast" })
  desk.max_users = gate:option("max_users", { default = 500, min = 1, max = 1000,
    about = "users whose presence is asked for at once" })
  return desk
end

local function read_limits(gate)
  local given = gate:option("rate", { default = { per_second = 50, burst = 100 },
    about = "calls of one key: { per_second or per_minute, burst }" })
  local rate, problem = bucket.rate(given)
  if not rate then error('option "rate": ' .. problem, 0) end
  local repeat_bytes = gate:option("repeat_bytes", { default = 33554432, min = 65536,
    max = 1073741824, about = "memory for answers that are remembered" })
  return {
    rate = rate,
    body_bytes = gate:option("max_body_bytes", { default = 32768, min = 1024, max = 1048576,
      about = "length of a body; --max-body-bytes holds, too" }),
    repeats = {
      window_ms = gate:option("repeat_ms", { default = 600000, min = 1000, max = 86400000,
        about = "how long a message_key is remembered" }),
      entries = gate:option("repeat_entries", { default = 10000, min = 1, max = 1000000,
        about = "keys of messages that are remembered, of each key and operation" }),
      user_bytes = repeat_bytes, all_bytes = repeat_bytes,
    },
  }
end

---@param gate moongate.Gate
return function(gate)
  local desk = open_desk(gate)
  local keys = keyring.read(gate:option("keys", { default = {}, max = 50,
    about = "{ name =, sha256 =, allow = } each; without one there is no API" }), operations)
  local limits = read_limits(gate)
  local served = gate:counter("calls_total", { labels = { "operation", "status" },
    about = "Calls of the server API" })
  local buckets = {} -- name of a key -> bucket
  gate.state.repeats = repeats.ready(gate.state.repeats or {})
  local remembered = gate.state.repeats

  -- ---- who may call what ----

  --- The key, or nil and the refusal.
  local function authenticate(request)
    local key, was_brought = keyring.find(keys, gate.crypto, request.authorization)
    if key then return key end
    if was_brought then
      return nil, answers.refusal("bad_token", "there is no such key", false, nil,
        { ["WWW-Authenticate"] = REALM .. ', error="invalid_token"' })
    end
    return nil, answers.refusal("not_authenticated", "expected Authorization: Bearer KEY", false,
      nil, { ["WWW-Authenticate"] = REALM })
  end

  local function take_token(key)
    local now_ms = gate:now_ms()
    buckets[key.name] = buckets[key.name] or bucket.new(limits.rate, now_ms)
    return bucket.take(buckets[key.name], limits.rate, now_ms)
  end

  --- What the path and the method mean, or nil and the refusal.
  local function find_operation(request)
    local methods = of_path[request.params.operation]
    if not methods then return nil, answers.refusal("not_found", "there is no such operation") end
    local operation = methods[request.method == "HEAD" and "GET" or request.method]
    if operation then return operation end
    return nil, answers.refusal("bad_method", "this operation has another method", false, nil,
      { Allow = allowed(methods) })
  end

  -- ---- what is asked for ----

  local function read_body(request, operation)
    if #request.body > limits.body_bytes then
      return nil, "too_big", ("a body has at most %d bytes"):format(limits.body_bytes)
    end
    local media = (request.content_type or ""):lower():match "^%s*([^;%s]*)"
    if media ~= "application/json" then
      return nil, "bad_content_type", "expected Content-Type: application/json"
    end
    local body, problem = request:json()
    if body == nil then return nil, "bad_json", problem end
    if not request.body:find "^%s*{" then return nil, "bad_json", "expected one object" end
    local args, wrong = fields.of_body(operation.fields, body, gate.json.null)
    if not args then return nil, "bad_request", wrong end
    return args
  end

  local function read_args(request, operation)
    local method = operation.method
    if method ~= "GET" and method ~= "DELETE" then return read_body(request, operation) end
    local args, problem = fields.of_query(operation.fields, request.args, desk.is_utf8)
    if not args then return nil, "bad_request", problem end
    return args
  end

  -- ---- carrying it out ----

  --- The text of the answer, and whether nothing was done; nil and the refusal.
  local function carry_out(operation, key, args)
    local ready, why, problem, later = desk.rooms.ready()
    if not ready then return nil, why, problem, later end
    local data, code, text, temporary, retry_after_ms =
      calls[operation.name](desk, "api:" .. key.name, args)
    if data == nil then return nil, code, text, temporary, retry_after_ms end
    data = answers.with_lists(data, operation.lists, gate.json.list)
    local answer, wrong = gate.json.encode(data)
    if not answer then error("the answer cannot be encoded: " .. wrong, 0) end
    return answer, data.results ~= nil and data.count == 0
  end

  --- The same, but not twice for a message_key.
  local function carry_out_once(operation, key, args, body)
    local message_key = args.message_key
    if not repeats.is_key(message_key) then
      return nil, "bad_request", "message_key: expected 8 to 64 visible characters of ASCII"
    end
    local owner, print = key.name .. " " .. operation.name, gate.crypto:sha256(body)
    local answer, code, text, temporary =
      repeats.find(remembered, limits.repeats, owner, message_key, print, gate:now_ms())
    if answer or code then return answer, code, text, temporary end
    local entry =
      repeats.begin(remembered, limits.repeats, owner, message_key, print, gate:now_ms())
    if not entry then return nil, "unavailable", "too many calls are under way", true end
    args.message_key = nil
    local result = { pcall(carry_out, operation, key, args) }
    local is_kept = result[1] and result[2] and result[3] ~= true
    repeats.finish(remembered, limits.repeats, entry, is_kept and result[2] or nil, gate:now_ms())
    if not result[1] then error(result[2], 0) end
    return unpack(result, 2, 6)
  end

  local function note(request, operation, key, args, code)
    if operation.is_reading then return end
    local about = {}
    for _, name in ipairs { "room", "user", "address", "from", "reason" } do
      if args[name] then about[#about + 1] = (' %s="%s"'):format(name, shown(args[name])) end
    end
    if args.everybody then about[#about + 1] = " everybody" end
    if args.rooms then about[#about + 1] = " rooms=" .. #args.rooms end
    gate:info("key %s from %s: %s%s: %s", key.name, request.address, operation.name,
      table.concat(about), code or "done")
  end

  local function call(request, operation, key)
    local args, problem, wrong = read_args(request, operation)
    if not args then
      note(request, operation, key, {}, problem)
      return answers.refusal(problem, wrong)
    end
    local run = operation.is_once and args.message_key and carry_out_once or carry_out
    local answer, code, text, temporary, retry_after_ms =
      run(operation, key, args, request.body)
    note(request, operation, key, args, not answer and code or nil)
    if not answer then return answers.refusal(code, text, temporary, retry_after_ms) end
    return answer, 200, { ["Content-Type"] = "application/json" }
  end

  --- Returns the name of the operation, as far as it is known, and what is answered.
  local function serve(request)
    if not keys[1] then return "none", answers.refusal("not_found", "there is no API here") end
    local key, body, status, headers = authenticate(request)
    if not key then return "none", body, status, headers end
    local wait_ms = take_token(key)
    if wait_ms > 0 then
      return "none", answers.refusal("rate_limited", "at most " .. limits.rate.text, true, wait_ms)
    end
    local operation
    operation, body, status, headers = find_operation(request)
    if not operation then return "none", body, status, headers end
    if not key.may[operation.name] then
      note(request, operation, key, {}, "not_allowed")
      return operation.name, answers.refusal("not_allowed", "this key is not for that")
    end
    return operation.name, call(request, operation, key)
  end

  local function count(name, body, status, headers)
    served:add(1, name, status)
    return body, status, headers
  end

  for _, method in ipairs(METHODS) do
    gate:http(method, "/api/v1/{operation}", function(request) return count(serve(request)) end)
  end

  gate:every(SWEEP_MS, function()
    repeats.sweep(remembered, limits.repeats, gate:now_ms(), MAX_SWEPT)
  end, "message_keys")

  -- ---- names ----

  if not keys[1] then return end

  local function is_reserved(name)
    return type(name) == "string" and (name == desk.server_name or name:sub(1, 4) == "api:")
  end

  gate:after("name_wanted", function(wish)
    if is_reserved(wish.user) then wish.refused = "this name is the server's" end
  end)

  --- Who has it all the same, from before there were keys or from a plugin that asks nobody: what
  --- they have sent already is not carried out.
  gate:before("*", function(conn)
    if conn.user and is_reserved(conn.user) then
      return nil, "bad_name", "this name is the server's"
    end
  end)

  --- Tries again when too much waits for the I/O threads.
  local function expel(conn)
    if not is_reserved(conn.user) then return end
    local _, problem = conn:close(4501, "bad_name")
    if problem == "full" then return gate:after_ms(RETRY_MS, function() expel(conn) end) end
    gate:warn("%s: a user of this name would be taken for the server", shown(conn.user))
  end

  gate:after("admitted", expel)
  gate:spawn(function()
    for _, conn in gate:conns() do
      if conn.is_open then expel(conn) end
    end
  end)
end
