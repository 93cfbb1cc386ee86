local ffi = require "ffi"
local core = require "spec.support.core"
local cdef = require "spec.support.cdef"
local exposition = require "spec.support.exposition"
local C = core.load "core/metrics.h"
local parse, check = exposition.parse, exposition.check

local WORDS = ffi.sizeof "struct moon_metrics" / 8

local CLASS = { "reliable", "latest", "volatile", "control" }
local OPCODE = { "text", "binary" }
local ACTION = { [0] = false, "pause", "refuse", "close" }
local CAUSE = { "full", "replaced", "shed", "gone" }
local REASON = {
  [0] = false, "client", "lost", "script", "slow", "no_pong", "too_big", "bad_utf8", "protocol",
  "shutdown", "flood", "overload", "auth_timeout",
}
local OPERATION = { "get", "put", "delete", "swap", "scan" }
local REFUSAL = {
  [0] = false, "malformed", "path", "origin", "protocol", "token", "full", "address", "rate",
  "memory", "draining", "proxy", "timeout",
}

local OUTCOME = { "ok", "timeout", "refused_address", "connect", "dns", "tls", "too_big",
  "redirects", "full", "bad_url", "protocol", "aborted" }

-- field -> { metric, label, value of the label, or of each word; false: counts nothing }
local SHOWN = {
  greeting = { "moongate_connections", "state", "greeting" },
  open = { "moongate_connections", "state", "open" },
  closing = { "moongate_connections", "state", "closing" },
  queued = { "moongate_queued_messages", "class", CLASS },
  queued_bytes = { "moongate_queued_bytes" },
  held_bytes = { "moongate_memory_held_bytes" },
  events_ring_bytes = { "moongate_ring_bytes", "direction", "events" },
  commands_ring_bytes = { "moongate_ring_bytes", "direction", "commands" },
  events_ring_capacity = { "moongate_ring_capacity_bytes", "direction", "events" },
  commands_ring_capacity = { "moongate_ring_capacity_bytes", "direction", "commands" },
  rooms = { "moongate_rooms" },
  accepted = { "moongate_accepted_total" },
  upgraded = { "moongate_upgraded_total" },
  refused = { "moongate_refused_total", "reason", REFUSAL },
  closed = { "moongate_closed_total", "reason", REASON },
  received = { "moongate_received_messages_total", "opcode", OPCODE },
  received_bytes = { "moongate_received_bytes_total", "opcode", OPCODE },
  sent = { "moongate_sent_messages_total", "class", CLASS },
  sent_bytes = { "moongate_sent_bytes_total", "class", CLASS },
  delivered = { "moongate_delivered_messages_total", "class", CLASS },
  delivered_bytes = { "moongate_delivered_bytes_total", "class", CLASS },
  dropped = { "moongate_dropped_messages_total", "class", CLASS },
  dropped_bytes = { "moongate_dropped_bytes_total", "class", CLASS },
  dropped_by = { "moongate_dropped_by_total", "cause", CAUSE },
  flooded = { "moongate_flood_total", "action", ACTION },
  slowed = { "moongate_slow_total" },
  drained = { "moongate_drained_total" },
  culled = { "moongate_culled_total" },
  events_overflows = { "moongate_ring_overflows_total", "direction", "events" },
  commands_spills = { "moongate_ring_overflows_total", "direction", "commands" },
  accept_failures = { "moongate_accept_failures_total" },
  http_requests = { "moongate_http_requests_total" },
  http_refused = { "moongate_http_refused_total" },
  http_timeouts = { "moongate_http_timeouts_total" },
  pings = { "moongate_pings_total" },
  pongs = { "moongate_pongs_total" },
  store_operations = { "moongate_store_operations_total", "operation", OPERATION },
  store_failures = { "moongate_store_failures_total" },
  store_expired = { "moongate_store_expired_total" },
  store_pending = { "moongate_store_pending" },
  passwords = { "moongate_passwords_total" },
  passwords_refused = { "moongate_passwords_refused_total" },
  password_pending = { "moongate_passwords_pending" },
  fetches_waiting = { "moongate_fetches", "state", "waiting" },
  fetches_running = { "moongate_fetches", "state", "running" },
  fetched = { "moongate_fetched_total", "outcome", OUTCOME },
  fetch_bytes = { "moongate_fetch_bytes_total", "direction", { "sent", "received" } },
}

local HISTOGRAM = {
  rtt = { "moongate_rtt_seconds", "rtt_us_sum", first_us = 250 },
  turn = { "moongate_turn_seconds", "turn_us_sum", first_us = 125 },
  commit = { "moongate_store_commit_seconds", "commit_us_sum", first_us = 250 },
  fetch = { "moongate_fetch_seconds", "fetch_us_sum", first_us = 8000 },
}

--- The names of the struct's fields, read from the header, in order.
local function fields()
  local read = cdef.read "core/metrics.h"
  local body = read[#read].text:match "struct moon_metrics%s*(%b{})"
  local names = {}
  for list in body:gmatch "uint64_t([^;]+);" do
    for name in list:gmatch "([%l_]+)[^,]*" do names[#names + 1] = name end
  end
  return names
end

local function series(name, label, value)
  return label and ('%s{%s="%s"}'):format(name, label, value) or name
end

describe("metrics", function()
  local metrics, facts

  local function render()
    local bytes = tonumber(C.moon_metrics_render(metrics, facts, nil, 0))
    local out = core.exact(("?"):rep(bytes + 1))
    assert.equal(bytes, tonumber(C.moon_metrics_render(metrics, facts, out, bytes + 1)))
    assert.equal(0, out[bytes])
    return ffi.string(out, bytes)
  end

  before_each(function()
    metrics = ffi.new "struct moon_metrics"
    facts = ffi.new "struct moon_metrics_facts"
    facts.version = core.terminated "1.2.3"
    facts.threads = 2
    facts.start_s = 1700000000.25
    facts.now_s = 1700000100
    facts.max_connections = 10000
    facts.budget_bytes = 2 ^ 30
  end)

  after_each(core.tidy)

  describe("text", function()
    it("shows every field of the struct, and no word twice", function()
      local words = ffi.cast("uint64_t *", metrics)
      for i = 0, WORDS - 1 do words[i] = 1000003 * (i + 1) end
      local samples = parse(render())
      local shown, last = {}, 0
      for _, line in ipairs { "rtt", "turn", "commit", "fetch" } do
        local name = HISTOGRAM[line][1]
        for i = 0, 12 do
          local bound_s = HISTOGRAM[line].first_us * 2 ^ i / 1e6
          local bucket = ('%s_bucket{le="%.15g"}'):format(name, bound_s)
          local count = samples[bucket]
          samples[bucket], last = count - last, count
        end
        samples[name .. '_bucket{le="+Inf"}'] = samples[name .. '_bucket{le="+Inf"}'] - last
        samples[name .. "_sum"] = math.floor(samples[name .. "_sum"] * 1e6 + 0.5)
        samples[name .. "_count"], last = nil, 0
      end
      for name, value in pairs(samples) do
        if value % 1000003 == 0 and value > 0 then
          assert.is_nil(shown[value / 1000003], name)
          shown[value / 1000003] = name
        end
      end
      local hidden = {}
      for i = 0, WORDS - 1 do
        if not shown[i + 1] then hidden[#hidden + 1] = i end
      end
      local function word_of(field) return ffi.offsetof("struct moon_metrics", field) / 8 end
      -- the numbers of these begin at 1
      assert.same({ word_of "refused", word_of "closed", word_of "flooded" }, hidden)
    end)

    it("is known to this spec field by field", function()
      local unknown, all = {}, fields()
      for _, name in ipairs(all) do
        local is_sum = name:match "^(.*)_us_sum$"
        if not SHOWN[name] and not HISTOGRAM[is_sum or name] then unknown[#unknown + 1] = name end
      end
      assert.same({}, unknown)
      assert.is_true(#all >= 39)
    end)

    for field, where in pairs(SHOWN) do
      local name, label, values = unpack(where)
      it("shows " .. field .. " as " .. name .. ", and as nothing else", function()
        local first = ffi.cast("uint64_t *", metrics) +
          ffi.offsetof("struct moon_metrics", field) / 8
        local is_list = type(values) == "table"
        local from = is_list and values[0] == nil and 1 or 0
        for i = from, is_list and #values or 0 do
          local value = values
          if is_list then value = values[i] end
          first[i - from] = 42
          local samples, found = parse(render()), {}
          for one, number in pairs(samples) do
            if number == 42 then found[#found + 1] = one end
          end
          assert.same(value ~= false and { series(name, label, value) } or {}, found)
          first[i - from] = 0
        end
      end)
    end

    it("has as many words for a label as the field has", function()
      for field, where in pairs(SHOWN) do
        local values = where[3]
        if type(values) == "table" then
          local length = ffi.sizeof(metrics[field]) / 8
          assert.equal(length, #values + (values[0] == nil and 0 or 1), field)
        end
      end
    end)

    it("shows a count to its last digit", function()
      metrics.accepted = 18446744073709551615ULL
      assert.truthy(render():find("\nmoongate_accepted_total 18446744073709551615\n", 1, true))
    end)

    it("says what is true of the process", function()
      local samples = parse(render())
      assert.equal(1, samples['moongate_build_info{version="1.2.3"}'])
      assert.equal(2, samples.moongate_io_threads)
      assert.equal(10000, samples.moongate_connections_max)
      assert.equal(2 ^ 30, samples.moongate_memory_budget_bytes)
      assert.equal(1700000000.25, samples.moongate_start_time_seconds)
    end)

    it("speaks of a certificate only when there is one", function()
      assert.is_nil(render():find("_tls_", 1, true))
      facts.tls_not_after_s = 1700000100 + 86400
      local samples = parse(render())
      assert.equal(1700086500, samples.moongate_tls_not_after_seconds)
      assert.equal(86400, samples.moongate_tls_remaining_seconds)
    end)

    it("counts below zero when the certificate has expired", function()
      facts.tls_not_after_s = 1700000040
      assert.equal(-60, (parse(render())).moongate_tls_remaining_seconds)
    end)

    it("escapes what a label cannot hold", function()
      facts.version = core.terminated '1\\2"3\n4'
      local text = render()
      assert.truthy(text:find([[moongate_build_info{version="1\\2\"3\n4"} 1]] .. "\n", 1, true))
      assert.equal("", (check(text)))
    end)

    it("cuts a label that is far too long short, and not between a backslash and its byte",
      function()
        for length = 240, 270 do
          facts.version = core.terminated(("v"):rep(length) .. ('"'):rep(300))
          local value = render():match '{version="(.-)"} 1\n'
          assert.is_true(#value < 256)
          assert.matches('^v+[\\"]*$', value)
          assert.is_nil(value:gsub('\\"', ""):find("\\", 1, true))
        end
      end)

    it("is cut short by a capacity that is too small, and says what it needs", function()
      local text = render()
      for _, capacity in ipairs { 1, 2, 100, #text - 1, #text } do
        local out = core.exact(("?"):rep(capacity))
        assert.equal(#text, tonumber(C.moon_metrics_render(metrics, facts, out, capacity)))
        assert.equal(text:sub(1, capacity - 1), ffi.string(out))
      end
    end)

    it("says of each metric once what it is, before its values", function()
      local _, families = parse(render())
      local seen = {}
      for _, family in ipairs(families) do
        assert.is_nil(seen[family.name])
        seen[family.name] = true
        assert.matches("^moongate_[%l_]+$", family.name)
        assert.equal(family.type == "counter", family.name:find "_total$" ~= nil, family.name)
        assert.matches("^%u.*%.$", family.help)
      end
      assert.is_true(#families > 35)
    end)
  end)

  describe("histogram", function()
    for field, where in pairs(HISTOGRAM) do
      local name, sum_name = unpack(where)
      it("of " .. field .. " adds its buckets up", function()
        local buckets = metrics[field]
        for i = 0, 13 do buckets[i] = 2 ^ i end
        metrics[sum_name] = 1234567
        local samples = parse(render())
        for i = 0, 12 do
          local bound_s = where.first_us * 2 ^ i / 1e6
          local bucket = ('%s_bucket{le="%.15g"}'):format(name, bound_s)
          assert.equal(2 ^ (i + 1) - 1, samples[bucket], bucket)
        end
        assert.equal(2 ^ 14 - 1, samples[name .. '_bucket{le="+Inf"}'])
        assert.equal(2 ^ 14 - 1, samples[name .. "_count"])
        assert.equal(1.234567, samples[name .. "_sum"])
      end)
    end

    it("has bounds in seconds, in plain decimals", function()
      local text = render()
      for _, bound in ipairs { "0.00025", "0.0005", "0.128", "1.024", "+Inf" } do
        assert.truthy(text:find('moongate_rtt_seconds_bucket{le="' .. bound .. '"} 0\n', 1, true))
      end
      for _, bound in ipairs { "0.000125", "0.00025", "0.064", "0.512", "+Inf" } do
        assert.truthy(text:find('moongate_turn_seconds_bucket{le="' .. bound .. '"} 0\n', 1, true))
      end
    end)

    local sum = ffi.new "uint64_t[1]"

    --- Which of four buckets, bounds 100, 200 and 400, takes the value.
    local function place(value_us)
      local buckets = core.keep(C.moon_alloc(4 * 8), C.moon_free)
      buckets = ffi.cast("uint64_t *", buckets)
      sum[0] = 0
      C.moon_metrics_observe(buckets, 4, sum, 100, value_us)
      local found
      for i = 0, 3 do
        if buckets[i] == 1 then found = i else assert.equal(0, tonumber(buckets[i])) end
      end
      return found
    end

    for _, at in ipairs {
      { 0, 0 }, { 99, 0 }, { 100, 0 }, { 101, 1 }, { 200, 1 }, { 201, 2 }, { 400, 2 },
      { 401, 3 }, { 1e15, 3 },
    } do
      it(("of bounds 100, 200, 400 counts %d in bucket %d"):format(at[1], at[2]), function()
        assert.equal(at[2], place(at[1]))
        assert.equal(at[1], tonumber(sum[0]))
      end)
    end

    it("takes any number there is", function() assert.equal(3, place(18446744073709551615ULL)) end)

    it("keeps what it has counted before", function()
      for _, value_us in ipairs { 250, 251, 500, 1024000, 1024001 } do
        C.moon_metrics_observe(metrics.rtt, C.MOON_RTT_BUCKETS,
          ffi.cast("uint64_t *", metrics.rtt) + 14, C.MOON_RTT_FIRST_US, value_us)
      end
      assert.equal(1, tonumber(metrics.rtt[0]))
      assert.equal(2, tonumber(metrics.rtt[1]))
      assert.equal(1, tonumber(metrics.rtt[12]))
      assert.equal(1, tonumber(metrics.rtt[13]))
      assert.equal(250 + 251 + 500 + 1024000 + 1024001, tonumber(metrics.rtt_us_sum))
    end)
  end)

  describe("for Prometheus", function()
    it("is without complaint when nothing has happened", function()
      assert.same({ "", 0 }, { check(render()) })
    end)

    it("is without complaint when everything has", function()
      local words = ffi.cast("uint64_t *", metrics)
      for i = 0, WORDS - 1 do words[i] = 2 ^ 40 + i end
      facts.tls_not_after_s = 1800000000
      assert.same({ "", 0 }, { check(render()) })
    end)

    it("is checked by a tool that does complain", function()
      local complaints, status = check((render():gsub("moongate_rooms", "moongate_rooms_total")))
      assert.matches("moongate_rooms_total", complaints)
      assert.is_true(status ~= 0)
    end)
  end)

  describe("mirror", function()
    local mirror, seen

    local function words_of(some) return ffi.string(some, ffi.sizeof "struct moon_metrics") end

    local function fill(some, base)
      local words = ffi.cast("uint64_t *", some)
      for i = 0, WORDS - 1 do words[i] = base + i end
    end

    before_each(function()
      mirror = core.keep(C.moon_mirror_create(), C.moon_mirror_destroy)
      seen = ffi.new "struct moon_metrics"
    end)

    it("is all zero at first", function()
      fill(seen, 1)
      C.moon_mirror_read(mirror, seen)
      assert.equal(words_of(metrics), words_of(seen))
    end)

    it("shows every word that was published, the last time", function()
      fill(metrics, 7)
      C.moon_mirror_publish(mirror, metrics)
      fill(metrics, 2 ^ 52)
      C.moon_mirror_publish(mirror, metrics)
      C.moon_mirror_read(mirror, seen)
      assert.equal(words_of(metrics), words_of(seen))
    end)

    it("does not show what was counted since", function()
      metrics.accepted = 1
      C.moon_mirror_publish(mirror, metrics)
      metrics.accepted = 2
      C.moon_mirror_read(mirror, seen)
      assert.equal(1, tonumber(seen.accepted))
    end)

    it("may be destroyed when there is none", function() C.moon_mirror_destroy(nil) end)

    it("is added to others word by word", function()
      local total, expected = ffi.new "struct moon_metrics", ffi.new "struct moon_metrics"
      fill(metrics, 100)
      C.moon_metrics_add(total, metrics)
      assert.equal(words_of(metrics), words_of(total))
      fill(seen, 20000)
      C.moon_metrics_add(total, seen)
      local words = ffi.cast("uint64_t *", expected)
      for i = 0, WORDS - 1 do words[i] = 20100 + 2 * i end
      assert.equal(words_of(expected), words_of(total))
    end)
  end)
end)
