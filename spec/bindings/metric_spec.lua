local fake_gate = require "spec.support.fake_gate"

describe("metric", function()
  local CALL = "return { m[message.verb](m, message.value, unpack(labels)) }"

  local gate, ann

  --- A plugin with a metric `m`, and requests that do something with it.
  local function load(declaration, body)
    gate = fake_gate.load { polls = ([[return function(gate)
      local m = %s
      gate:on("try", function(_, message)
        local labels = message.labels or {}
        %s
      end)
    end]]):format(declaration, body or CALL) }
    ann = gate:connect "ann"
  end

  local function try(verb, value, ...)
    return gate:deliver(ann, { type = "try", verb = verb, value = value, labels = { ... } })
  end

  --- Those of plugins.
  local function text()
    return (gate.world.metric.text():gsub("# HELP moongate_[^\n]*\n", "")
      :gsub("# TYPE moongate_[^\n]*\n", ""):gsub("moongate_[^\n]*\n", ""))
  end

  local function problem_of(declaration)
    local ok, problem = pcall(load, declaration)
    assert.is_false(ok)
    return problem:match "polls.lua:2: (.*)$"
  end

  it("counts", function()
    load [[gate:counter("votes_total", { about = "Votes given." })]]
    local head = "# HELP plugin_polls_votes_total Votes given.\n"
      .. "# TYPE plugin_polls_votes_total counter\n"
    assert.equal(head .. "plugin_polls_votes_total 0\n", text())
    try "add"
    try("add", 2.5)
    assert.equal(head .. "plugin_polls_votes_total 3.5\n", text())
  end)

  it("has a series for each combination of label values", function()
    load [[gate:gauge("open", { labels = { "room", "kind" } })]]
    try("set", 2, "tea", "short")
    try("add", -1, "tea", "short")
    try("set", 7, 'a "b"\n\\', "x")
    assert.equal("# HELP plugin_polls_open open\n# TYPE plugin_polls_open gauge\n"
      .. 'plugin_polls_open{room="a \\"b\\"\\n\\\\",kind="x"} 7\n'
      .. 'plugin_polls_open{room="tea",kind="short"} 1\n', text())
  end)

  it("prints label values that are no UTF-8, or have a NUL, with U+FFFD in their place", function()
    load [[gate:gauge("open", { labels = { "a", "b" } })]]
    local BAD = "\239\191\189"
    try("set", 1, "caf\195\169", "\240\159\146\172")
    try("set", 2, "caf\233", "x\0y")
    try("set", 3, "\0", "")
    try("set", 4, "", "\0")
    try("set", 5, "\192\128", "\237\160\128\244\144\128\128\195")
    local lines = {}
    for values, value in text():gmatch "{(.-)} (%d)\n" do lines[tonumber(value)] = values end
    assert.same({ 'a="caf\195\169",b="\240\159\146\172"',
      ('a="caf%s",b="x%sy"'):format(BAD, BAD), ('a="%s",b=""'):format(BAD),
      ('a="",b="%s"'):format(BAD), ('a="%s",b="%s"'):format(BAD:rep(2), BAD:rep(8)) }, lines)
    try("add", 3, "caf\233", "x\0y")
    assert.matches(" 5\n.* 5\n", text()) -- it was 2, and is found again
  end)

  it("cuts long label values between characters", function()
    load [[gate:gauge("open", { labels = { "a" } })]]
    try("set", 1, ("x"):rep(127) .. "\195\169")
    try("set", 2, ("y"):rep(126) .. "\195\169z")
    try("set", 3, ("\255"):rep(1000))
    local lengths = {}
    for value, number in text():gmatch '{a="(.-)"} (%d)' do
      lengths[tonumber(number)] = value
    end
    assert.same({ ("x"):rep(127), ("y"):rep(126) .. "\195\169", ("\239\191\189"):rep(42) },
      lengths)
    try("add", 5, ("x"):rep(127) .. "\195\169 and more")
    assert.matches('x"} 6\n', text())
  end)

  it("says what it is about in one line that Prometheus reads", function()
    load [[gate:gauge("open", { about = "a\\b \"c\"\nd\0\233" })]]
    assert.matches('# HELP plugin_polls_open a\\\\b "c"\\nd\239\191\189\239\191\189\n', text())
  end)

  it("sorts into buckets, which add up", function()
    load [[gate:histogram("wait_seconds", { buckets = { 0.1, 1 } })]]
    for _, value in ipairs { 0.05, 0.1, 0.5, 3 } do try("observe", value) end
    assert.equal([[
# HELP plugin_polls_wait_seconds wait_seconds
# TYPE plugin_polls_wait_seconds histogram
plugin_polls_wait_seconds_bucket{le="0.1"} 2
plugin_polls_wait_seconds_bucket{le="1"} 3
plugin_polls_wait_seconds_bucket{le="+Inf"} 4
plugin_polls_wait_seconds_sum 3.65
plugin_polls_wait_seconds_count 4
]], text())
  end)

  it("is told to the core a second after it has changed, once", function()
    load [[gate:counter "votes_total"]]
    gate:later(1000)
    local before = #gate.core:issued "report"
    try "add"
    try "add"
    gate:later(999)
    assert.equal(before, #gate.core:issued "report")
    gate:later(1)
    assert.equal(before + 1, #gate.core:issued "report")
    assert.matches("votes_total 2\n", gate.core:issued("report")[before + 1].text)
    gate:later(10000) -- once more, for what is counted of each call
    assert.equal(before + 2, #gate.core:issued "report")
  end)

  it("goes on across a reload, and ends with its plugin", function()
    load [[gate:counter "votes_total"]]
    try "add"
    assert(gate:reload())
    try "add"
    assert.matches("votes_total 2\n", text())
    assert(gate:reload { polls = [[return function(gate)
      gate:counter("votes_total", { labels = { "room" } }) end]] })
    assert.is_nil(text():find("votes_total 2", 1, true))
    assert(gate:reload { polls = false, other = "return function() end" })
    assert.equal("", text())
  end)

  it("is as it was when the code that declares it anew is refused", function()
    load [[gate:counter("n", { about = "old" })]]
    try "add"
    local before = text()
    assert.is_nil(gate:reload { polls = [[return function(gate)
      gate:counter("n", { about = "new" })
      gate:gauge "other"
      error "ouch"
    end]] })
    assert.is_nil(gate:reload { polls = "return function(gate) gate:gauge 'n' error 'ouch' end" })
    assert.equal(before, text())
    try "add"
    assert.matches("_n 2\n", text())
  end)

  it("comes back with its code and its values", function()
    for _, after in ipairs { "", "gate:gauge 'n'" } do
      load [[gate:counter "n"]]
      try "add"
      local before = text()
      assert(gate:reload { polls = ("return function(gate) %s end"):format(after) })
      assert.is_nil(text():find("_n 1\n", 1, true))
      gate.world.plugin.rollback()
      assert.equal(before, text())
      try "add"
      assert.matches("_n 2\n", text())
    end
    assert(gate:reload { polls = false, other = "return function() end" })
    gate.world.plugin.rollback()
    assert.matches("_n 2\n", text())
  end)

  it("takes 1,000 series and refuses more", function()
    load([[gate:counter("votes_total", { labels = { "room" } })]], [[
      for n = 1, 1000 do assert(m:add(1, n)) end
      local ok, reason = m:add(1, "one more")
      return { ok = ok, reason = reason, known = m:add(1, 7) }]])
    assert.same({ reason = "full", known = true }, try())
  end)

  local function logged(what)
    local count = 0
    for _, line in ipairs(gate.log) do
      if line.text:find(what, 1, true) then count = count + 1 end
    end
    return count
  end

  local MANY = [[(function()
    local names, buckets = {}, {}
    for i = 1, 8 do names[i] = ("abcdefgh"):sub(i, i) end
    for i = 1, 50 do buckets[i] = i end
    for i = 1, 20 do
      gate:histogram("h" .. i, { labels = names, buckets = buckets })
    end
    return gate:histogram("h", { labels = names, buckets = buckets })
  end)()]]

  it("takes 128 KB of a plugin, then refuses, counts and logs once what is more", function()
    load(MANY, [[
      local pad, taken = ("x"):rep(110), 0
      for i = 1, 1000 do
        if m:observe(1, pad .. i, pad, pad, pad, pad, pad, pad, pad) then taken = taken + 1 end
      end
      return { taken = taken }]])
    assert.equal(2, try().taken)
    local page = gate.world.metric.text()
    assert.is_true(#page < 140000)
    assert.matches('moongate_script_series_refused_total{plugin="polls"} 998\n', page)
    assert.equal(1, logged "plugin_polls_h has no room for a combination")
    assert(gate:reload { polls = "return function(gate) gate:counter 'n' end" }) -- its room is free
  end)

  it("leaves out who is too long beside the others, and nobody else", function()
    load(MANY)
    gate.core.C.MOON_MAX_FRAME_BYTES = 3000
    assert(gate:reload { quiet = "return function(gate) gate:counter 'n' end" })
    for i = 1, 2 do try("observe", 1, i, 2, 3, 4, 5, 6, 7, 8) end
    gate:later(1000)
    local page, left_out = gate.world.metric.text()
    assert.same({ "polls" }, left_out)
    assert.matches("plugin_quiet_n 0\n", page)
    assert.is_nil(page:find("plugin_polls", 1, true))
    assert.equal(1, logged "left out, the page would be over 3000 bytes: the metrics of polls")
  end)

  it("refuses what makes no sense, in the caller's line", function()
    local NAME = "gate:counter: a name has lower-case letters, digits and _, at most 128"
    load([[gate:counter("votes_total", { labels = { "room" } })]], [[
      local problems = {}
      for _, call in ipairs {
        function() m:add(-1, "tea") end, function() m:add(0 / 0, "tea") end,
        function() m:add(1) end, function() m:set(1, "tea") end,
      } do
        local _, problem = pcall(call)
        problems[#problems + 1] = problem:match "polls.lua:%d+: (.*)$"
      end
      return problems]])
    assert.same({ "add: a counter does not go down", "add: expected a number, got nan",
      "add: expected 1 label values (room), got 0", "set: not for a counter" }, try())
    for declaration, problem in pairs {
      [ [[gate:counter "Votes"]] ] = NAME, [ [[gate:counter(nil)]] ] = NAME,
      [ [[gate:counter(("x"):rep(129))]] ] = NAME,
      [ [[gate:gauge("a", { labels = { "le" } })]] ] =
        'gate:gauge: labels: expected lower-case letters, digits and _, and not "le", got le',
      [ [[gate:counter("a", { labels = "room" })]] ] =
        "gate:counter: labels: expected a list, got room",
      [ [[gate:gauge("a", { labels = { "room", "kind", "room" } })]] ] =
        'gate:gauge: labels: "room" is there twice',
      [ [[gate:counter("a", { about = 5 })]] ] =
        "gate:counter: about: expected a string, got a number",
      [ [[gate:counter("a", 5)]] ] =
        "gate:counter: expected a table like { about =, labels = }, got a number",
      [ [[gate:gauge("a", { buckets = { 1 } })]] ] = "gate:gauge: only a histogram has buckets",
    } do
      assert.equal(problem, problem_of(declaration))
    end
    assert.equal("gate:histogram: at most 64 buckets", problem_of(
      'gate:histogram("a", { buckets = (function() local l = {} for i = 1, 65 do l[i] = i end '
      .. "return l end)() })"))
    assert.equal("gate:gauge: the metrics of a plugin have at most 131072 bytes, as they are "
      .. "printed", problem_of("(function() for i = 1, 100 do "
      .. [[gate:gauge("g" .. i, { about = ("\\"):rep(1024) }) end end)()]]))
    for _, buckets in ipairs { "{ 2, 1 }", "{ 0 / 0 }", "{ 1, math.huge }", "{ -math.huge, 1 }",
      "5", "{ 1, '2' }", "{ 1, most = 2 }" } do
      assert.equal("gate:histogram: buckets: expected a list of ascending, finite numbers",
        problem_of(('gate:histogram("a", { buckets = %s })'):format(buckets)))
    end
  end)
end)
