local fake_core = require "spec.support.fake_core"
local fake_gate = require "spec.support.fake_gate"

describe("admission", function()
  local admission, core, C

  before_each(function()
    local world = fake_core.world()
    admission, core, C = world.admission, world.core, world.core.C
  end)

  --- What the core is told.
  local function applied(given)
    assert.is_true(admission.apply(assert(admission.pack(given))))
    local issued = core:issued "policy"
    local command = issued[#issued]
    command.verb, command.status = nil, nil
    return command
  end

  local function problem_of(given)
    local rules, problem = admission.pack(given)
    assert.is_nil(rules)
    return problem
  end

  it("changes only what is given", function()
    assert.same({}, applied {})
    assert.same({ retry_after_s = 5 }, applied { retry_after_s = 5 })
  end)

  it("passes the numbers on by the core's names", function()
    assert.same({ max_connections = 1, max_per_address = 2, handshakes_per_second = 3,
      retry_after_s = 4 }, applied { max_connections = 1, max_connections_per_address = 2,
      handshakes_per_second = 3, retry_after_s = 4 })
  end)

  it("passes lists on as texts, empty ones too", function()
    assert.same({ origins = "https://a.example, https://b.example", deny = "" },
      applied { origins = { "https://a.example", "https://b.example" }, deny = {} })
    assert.same({ origins = "*", deny = "192.0.2.0/24, 2001:db8::/32" },
      applied { origins = { "*" }, deny = { "192.0.2.0/24", "2001:db8::/32" } })
  end)

  it("refuses everybody with a reason, until it no longer does", function()
    assert.same({ refuse_all = 1, reason = "maintenance" }, applied { refuse = "maintenance" })
    assert.same({ refuse_all = 2 }, applied { refuse = false })
  end)

  it("takes only words into a list", function()
    for _, word in ipairs { "", "a,b", "a b", "a\n", "a\0", "\1" } do
      assert.matches("^origins: expected an origin, got ", problem_of { origins = { word } })
      assert.matches("^deny: expected a network, got ", problem_of { deny = { word } })
    end
    assert.equal("deny: expected a list, got 192.0.2.1", problem_of { deny = "192.0.2.1" })
  end)

  it("takes one line as the reason", function()
    for _, why in ipairs { "", "a\nb", "a\0b", "\1", true, 7 } do
      assert.equal("refuse: expected one line of text, or false", problem_of { refuse = why })
    end
  end)

  it("takes at most 200 bytes as the reason", function()
    local why = ("\195\182"):rep(100)
    assert.same({ refuse_all = 1, reason = why }, applied { refuse = why })
    assert.equal("refuse: expected at most 200 bytes, got 201", problem_of { refuse = why .. "x" })
  end)

  it("names those there are when there is none of a name", function()
    assert.equal('there is no "max", there are: deny, handshakes_per_second, max_connections, '
      .. "max_connections_per_address, origins, refuse, retry_after_s", problem_of { max = 1 })
  end)

  it("takes whole numbers of at least 1", function()
    assert.equal("max_connections: expected a whole number of at least 1, got 0",
      problem_of { max_connections = 0 })
    assert.equal("max_connections: expected at most 4294967295, got 4294967296",
      problem_of { max_connections = 4294967296 })
  end)

  it("says in a word why the core has refused it", function()
    assert.same({ nil, "invalid" }, { admission.apply(admission.pack { deny = { "nowhere" } }) })
    core.answers.moon_policy = C.MOON_EBIG
    assert.same({ nil, "too_big" }, { admission.apply(admission.pack {}) })
  end)

  describe("of a plugin", function()
    local gate

    local function load(source) gate = fake_gate.load { a = source } end

    local function policies() return gate.core:issued "policy" end

    it("set while the plugin loads is in force when it takes over", function()
      load [[return function(gate)
        gate.state.said = gate:admission { max_connections = 100, origins = { "https://a" } }
      end]]
      assert.is_true(gate.world.state.of("a").said)
      assert.equal(1, #policies())
      assert.equal(100, policies()[1].max_connections)
      assert.equal("https://a", policies()[1].origins)
    end)

    it("of a plugin that does not load never is", function()
      load "return function() end"
      assert.is_nil(gate:reload { a = [[return function(gate)
        gate:admission { refuse = "maintenance" }
        error "ouch"
      end]] })
      assert.same({}, policies())
    end)

    it("that the core refuses when the plugin takes over is an error in the log", function()
      load [[return function(gate) gate:admission { deny = { "nowhere" } } end]]
      local _, level = gate:logged "a#1: gate:admission: invalid"
      assert.equal("error", level)
    end)

    it("may be changed later, and says whether it was", function()
      load [[return function(gate)
        gate:on("deny", function(_, message)
          local ok, reason = gate:admission { deny = { message.network } }
          return { ok = ok or false, reason = reason }
        end)
      end]]
      local ann = gate:connect "ann"
      assert.same({ ok = true }, gate:deliver(ann, { type = "deny", network = "192.0.2.0/24" }))
      assert.same({ ok = false, reason = "invalid" },
        gate:deliver(ann, { type = "deny", network = "nowhere" }))
    end)
  end)
end)
