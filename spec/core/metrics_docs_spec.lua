--- The table of metrics in the documentation, against the text that the server shows.
local ffi = require "ffi"
local core = require "spec.support.core"
local exposition = require "spec.support.exposition"
local C = core.load "core/metrics.h"

local DOCS = "docs/operations.md"
local CAPACITY = 65536

--- All metrics there are, in the order of the text.
local function families()
  local facts = ffi.new "struct moon_metrics_facts"
  facts.version = core.terminated "1.2.3"
  facts.tls_not_after_s = 1
  local out = core.exact(("?"):rep(CAPACITY))
  local bytes = C.moon_metrics_render(ffi.new "struct moon_metrics", facts, out, CAPACITY)
  local _, all = exposition.parse(ffi.string(out, tonumber(bytes)))
  return all
end

--- The rows of the table: metric, type, labels, what it tells, what to do when it moves.
local function documented()
  local file = assert(io.open(DOCS))
  local section = file:read("*a"):match "\n## Metrics\n(.-)\n## "
  file:close()
  local rows = {}
  for line in section:gmatch "[^\n]+" do
    local name, rest = line:match "^| `(moongate_[%l_]+)` |(.*)|$"
    if name and not name:find "^moongate_script_" then -- those: spec/docs/operations_spec.lua
      local cells = { name = name }
      for cell in rest:gmatch "[^|]+" do cells[#cells + 1] = cell:match "^%s*(.-)%s*$" end
      rows[#rows + 1] = cells
    end
  end
  return rows
end

local function labels_of(family)
  if family.label == nil or family.type == "histogram" then return "" end
  if family.label == "version" then return "`version`" end
  return ("`%s`: %s"):format(family.label, table.concat(family.values, ", "))
end

describe("table of metrics", function()
  after_each(core.tidy)

  it("has a row for each metric, in the order of the text, and no other", function()
    local shown, written = {}, {}
    for i, family in ipairs(families()) do shown[i] = family.name end
    for i, row in ipairs(documented()) do written[i] = row.name end
    assert.same(shown, written)
    assert.is_true(#shown > 35)
  end)

  for _, family in ipairs(families()) do
    it("says of " .. family.name .. " what the server says, and what to do", function()
      for _, row in ipairs(documented()) do
        if row.name == family.name then
          assert.same({ family.type, labels_of(family), family.help }, { row[1], row[2], row[3] })
          assert.equal(4, #row)
          assert.matches("%l.*%.$", row[4])
          return
        end
      end
      error(family.name .. " is not in " .. DOCS)
    end)
  end
end)
