--- Limits: how many requests a user may make, with all connections together; who has no name yet is
--- counted by address. So is everybody who makes something that stays, or that strangers hear of:
--- names are cheap.
--- First in the list, so that it is asked before all other filters.
--
-- What is refused counts, too. All figures are options; what was refused is counted at /metrics.
--
-- Reload: every bucket is full again. They are no data that is worth the time to copy them.
local bucket = require "limits.bucket"
local key_of = require("auth.addresses").key_of

local MAX_ROOMS = 256 -- buckets of one user in a period; further rooms have one together
local MAX_ROOM = 64   -- bytes of a name that gets a bucket
local LEAST_PERIOD_MS = 10000

local TYPES = {
  say = { per_second = 5, burst = 10 },
  status = { per_second = 1, burst = 5 },
  rooms = { per_second = 2, burst = 10 },
}
local TYPES_BY_ADDRESS = {
  create = { per_minute = 10, burst = 30 },
  direct = { per_minute = 30, burst = 60 },
  invite = { per_minute = 10, burst = 20 },
  register = { per_minute = 5, burst = 20 },
  role = { per_minute = 10, burst = 20 },
}

---@param gate moongate.Gate
return function(gate)
  local slowest_ms = LEAST_PERIOD_MS -- that any bucket takes to be full

  local function rate_of(name, spec)
    local rate, problem = bucket.rate(spec)
    if not rate then error(('option "%s": %s'):format(name, problem), 0) end
    slowest_ms = math.max(slowest_ms, math.ceil(bucket.fill_ms(rate)))
    return rate
  end

  local function number(name, default, least, about)
    return gate:option(name, { default = default, min = least, max = 1000000, about = about })
  end

  local of_user = rate_of("user_per_second", {
    per_second = number("user_per_second", 20, 0.001, "requests of one user, of all types"),
    burst = number("user_burst", 40, 1, "requests of one user at once") })
  local of_address = rate_of("address_per_second", {
    per_second = number("address_per_second", 50, 0.001, "requests without a name, by address"),
    burst = number("address_burst", 500, 1, "requests without a name at once, by address") })
  local of_room = rate_of("room", gate:option("room", {
    default = { per_second = 10, burst = 20 },
    about = "requests of one user about one room" }))

  local function rates(option, default, about)
    local found = {}
    for name, spec in pairs(gate:option(option, { default = default, about = about })) do
      found[name] = rate_of(option .. "." .. tostring(name), spec)
    end
    return found
  end

  local of_type = rates("types", TYPES,
    "requests of one user of one type: name = { per_second or per_minute, burst }")
  local of_type_by_address = rates("types_by_address", TYPES_BY_ADDRESS,
    "requests of one type from one address, of all users there: as types")
  local max_buckets = gate:option("max_buckets", { default = 100000, min = 1000, max = 10000000,
    about = "users, and addresses, that are counted each for itself" })
  local refused = gate:counter("refused_total", { labels = { "limit", "type" },
    about = "requests over a limit" })

  local users, addresses = bucket.shelf(max_buckets), bucket.shelf(max_buckets)
  local networks = bucket.shelf(max_buckets)
  local take = bucket.take

  --- Types that have no limit of their own are one in the metric: clients make them up.
  local function refuse(limit, message, rate, wait_ms)
    local name = message.type
    local is_known = of_type[name] or of_type_by_address[name]
    refused:add(1, limit, is_known and name or "other")
    return nil, "rate_limited", ("at most %s"):format(rate.text), true, wait_ms
  end

  local function take_of_type(held, rate, name, now_ms)
    local types = held.types
    if not types then
      types = {}
      held.types = types
    end
    local its = types[name]
    if not its then
      its = bucket.new(rate, now_ms)
      types[name] = its
    end
    return take(its, rate, now_ms)
  end

  --- Types of which few are sent; refuses as a filter does.
  local function refuse_by_address(conn, message, now_ms, period)
    local name = message.type
    local rate = of_type_by_address[name]
    local held = networks:find(key_of(conn.address), rate, now_ms, period)
    local wait_ms = take_of_type(held, rate, name, now_ms)
    if wait_ms > 0 then return refuse("address", message, rate, wait_ms) end
  end

  local function take_of_room(held, room, now_ms, period)
    if type(room) ~= "string" then return 0 end
    local rooms = held.rooms
    if not rooms then
      rooms = bucket.shelf(MAX_ROOMS)
      held.rooms = rooms
    end
    local its = #room <= MAX_ROOM and rooms:find(room, of_room, now_ms, period)
      or rooms:shared(of_room, now_ms)
    return take(its, of_room, now_ms)
  end

  gate:before("*", function(conn, message)
    local now_ms = gate:now_ms()
    local period = math.floor(now_ms / slowest_ms)
    local user, limit, rate, shelf = conn.user, "user", of_user, users
    if not user then limit, rate, shelf = "address", of_address, addresses end
    local held = shelf:find(user or key_of(conn.address), rate, now_ms, period)
    local wait_ms = take(held, rate, now_ms)
    if wait_ms > 0 then return refuse(limit, message, rate, wait_ms) end

    local name, room = message.type, message.room
    rate = of_type[name]
    wait_ms = rate and take_of_type(held, rate, name, now_ms) or 0
    if wait_ms > 0 then return refuse("type", message, rate, wait_ms) end

    wait_ms = take_of_room(held, room, now_ms, period)
    if wait_ms > 0 then return refuse("room", message, of_room, wait_ms) end
    if of_type_by_address[name] then return refuse_by_address(conn, message, now_ms, period) end
  end)
end
