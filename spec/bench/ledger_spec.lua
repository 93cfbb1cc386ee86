local core = require "spec.support.core"
local ffi = require "ffi"
local C = core.load "bench/ledger.h"

local REMEMBERED = 49152

describe("ledger", function()
  local ledger

  before_each(function()
    ledger = ffi.new "struct moon_ledger"
    C.moon_ledger_init(ledger, 4)
  end)

  after_each(function() C.moon_ledger_fini(ledger) end)

  local function write(pair, ...)
    local advanced = {}
    for _, sequence in ipairs { ... } do
      advanced[#advanced + 1] = C.moon_ledger_write(ledger, pair, sequence)
    end
    return advanced
  end

  local function counts()
    return {
      lost = tonumber(ledger.lost),
      duplicated = tonumber(ledger.duplicated),
      reordered = tonumber(ledger.reordered),
    }
  end

  local function expect(lost, duplicated, reordered)
    assert.same({ lost = lost, duplicated = duplicated, reordered = reordered }, counts())
  end

  it("finds nothing in what arrives once and in order", function()
    assert.same({ 1, 1, 1 }, write(0, 0, 1, 2))
    assert.same({ 1, 1 }, write(3, 0, 1))
    expect(0, 0, 0)
  end)

  it("counts what was skipped as lost, and advances over it", function()
    assert.same({ 1, 3, 1 }, write(1, 0, 3, 4))
    expect(2, 0, 0)
  end)

  it("counts what arrives late as reordered, no longer as lost", function()
    assert.same({ 2, 0, 1 }, write(1, 1, 0, 2))
    expect(0, 0, 1)
  end)

  it("counts what arrives twice as duplicated", function()
    assert.same({ 1, 0, 1, 0, 0 }, write(1, 0, 0, 1, 0, 1))
    expect(0, 3, 0)
  end)

  it("counts what was late and comes again as duplicated", function()
    write(1, 1, 0, 0)
    expect(0, 1, 1)
  end)

  it("keeps pairs apart", function()
    write(0, 1)
    write(1, 0, 1, 0)
    expect(1, 1, 0)
  end)

  it("remembers so many skipped messages, and takes a later one for a duplicate", function()
    write(2, REMEMBERED + 1)
    expect(REMEMBERED + 1, 0, 0)
    write(2, 0, REMEMBERED - 1)
    expect(REMEMBERED - 1, 0, 2)
    write(2, REMEMBERED)
    expect(REMEMBERED - 1, 1, 2)
  end)

  it("counts as a list of all that has arrived does", function()
    local random = core.random(17)
    local arrived, highest = { [0] = {}, {}, {}, {} }, { [0] = -1, -1, -1, -1 }
    local duplicated, reordered = 0, 0
    for _ = 1, 20000 do
      local pair = random(0, 3)
      local sequence = math.max(0, highest[pair] + random(-6, 4))
      if arrived[pair][sequence] then
        duplicated = duplicated + 1
      elseif sequence < highest[pair] then
        reordered = reordered + 1
      end
      arrived[pair][sequence] = true
      highest[pair] = math.max(highest[pair], sequence)
      write(pair, sequence)
    end
    local lost = 0
    for pair = 0, 3 do
      for sequence = 0, highest[pair] do
        if not arrived[pair][sequence] then lost = lost + 1 end
      end
    end
    expect(lost, duplicated, reordered)
  end)
end)
