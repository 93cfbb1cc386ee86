local fake_core = require "spec.support.fake_core"

describe("limits", function()
  local limits, C

  before_each(function()
    local world = fake_core.world()
    limits, C = world.limits, world.core.C
  end)

  it("say what is given, and 0 for what stays as it is", function()
    local packed = limits.pack {}
    for _, name in ipairs { "outbox_bytes", "outbox_messages", "outbox_age_ms", "rate_messages",
      "burst_messages", "rate_bytes", "burst_bytes", "flood_action" } do
      assert.equal(0, packed[name], name)
    end
    packed = limits.pack { outbox_bytes = 1, outbox_messages = 2, outbox_age_ms = 3,
      messages_per_second = 4, burst_messages = 5, bytes_per_second = 6, burst_bytes = 7 }
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 0 }, { packed.outbox_bytes, packed.outbox_messages,
      packed.outbox_age_ms, packed.rate_messages, packed.burst_messages, packed.rate_bytes,
      packed.burst_bytes, packed.flood_action })
  end)

  it("know three ways to treat a flood", function()
    for word, action in pairs { pause = C.MOON_FLOOD_PAUSE, refuse = C.MOON_FLOOD_REFUSE,
      close = C.MOON_FLOOD_CLOSE } do
      assert.equal(action, limits.pack({ on_flood = word }).flood_action)
    end
    assert.same({ nil, 'on_flood: expected "pause", "refuse" or "close", got drop' },
      { limits.pack { on_flood = "drop" } })
    assert.is_nil((limits.pack { on_flood = false }))
  end)

  it("name those there are when there is none of a name", function()
    assert.same({ nil, 'there is no "rate", there are: burst_bytes, burst_messages, '
      .. "bytes_per_second, messages_per_second, on_flood, outbox_age_ms, outbox_bytes, "
      .. "outbox_messages" }, { limits.pack { rate = 1 } })
  end)

  it("are whole numbers of at least 1", function()
    assert.same({ nil, "outbox_bytes: expected a whole number of at least 1, got 0" },
      { limits.pack { outbox_bytes = 0 } })
  end)

  it("have the maxima of the command line", function()
    local settings = io.open "core/settings.c"
    local text = settings:read "*a"
    settings:close()
    local max_of = {} -- field of struct moon_limits -> maximum
    for field, max in text:gmatch "limits%.([%w_]+),%s*%d+,%s*(%d+)," do
      max_of[field] = tonumber(max)
    end
    for name, field in pairs { outbox_bytes = "outbox_bytes", outbox_messages = "outbox_messages",
      outbox_age_ms = "outbox_age_ms", messages_per_second = "rate_messages",
      burst_messages = "burst_messages", bytes_per_second = "rate_bytes",
      burst_bytes = "burst_bytes" } do
      local max = assert(max_of[field], field)
      assert.equal(max, limits.pack({ [name] = max })[field])
      assert.same({ nil, ("%s: expected at most %d, got %d"):format(name, max, max + 1) },
        { limits.pack { [name] = max + 1 } })
    end
  end)
end)
