local cdef = require "spec.support.cdef"
local fake_core = require "spec.support.fake_core"

--- The names in an enum of core/types.h.
local function names_of(enum)
  local names = {}
  local body = cdef.read("core/types.h")[1].text:match("enum " .. enum .. "%s*(%b{})")
  for name in body:gmatch "MOON_[%u%d_]+" do names[#names + 1] = name end
  return names
end

describe("status", function()
  local status, C

  before_each(function()
    local world = fake_core.world()
    status, C = world.status, world.core.C
  end)

  it("has a word of its own for each failure", function()
    local seen = {}
    for _, name in ipairs(names_of "moon_status") do
      local word = status.code[C[name]]
      assert.equal(name ~= "MOON_OK", word ~= nil, name)
      assert.is_nil(seen[word or name], name)
      seen[word or name] = true
    end
  end)

  it("has a word of its own for each way to end, the core's", function()
    assert.same({ "client", "lost", "script", "slow", "no_pong", "too_big", "bad_utf8",
      "protocol", "shutdown", "flood", "overload", "auth_timeout" }, status.reason)
    for _, name in ipairs(names_of "moon_reason") do
      assert.equal(name ~= "MOON_REASONS", status.reason[C[name]] ~= nil, name)
    end
  end)
end)
