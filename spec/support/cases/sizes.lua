--- Autobahn's section 9: long messages, in one frame, in fragments and in chops, and many.
--
-- For the shape of a case see spec/system/conformance_spec.lua. What is longer than the server
-- allows (LIMIT_BYTES) must be closed with 1009; the same is then done with what fits.
local wire = require "spec.support.wire"

local KIB, MIB = 1024, 1024 * 1024
local LIMIT_BYTES = 256 * KIB -- the most that --max-message-bytes can be
local FITTING_FRAMES = 1024 -- the number of fragments has a limit of its own

local cases = {}
local function add(case) cases[#cases + 1] = case end

local function size_of(bytes)
  if bytes < KIB then return bytes .. " octets" end
  return bytes < MIB and bytes / KIB .. " KiB" or bytes / MIB .. " MiB"
end

--- Frames of a message; made when the case runs, as all together they take much memory.
local function cut_up(kind, letter, total, fragment)
  return function()
    return wire.fragments(kind, wire.cut(letter:rep(total), fragment))
  end
end

for i, kind in ipairs { wire.TEXT, wire.BINARY } do
  local letter = kind == wire.TEXT and "*" or "\254"
  local name = kind == wire.TEXT and "text" or "binary"
  local function echoed(total)
    return { wire.describe(kind, letter:rep(total)) }
  end

  for j, total in ipairs { 64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB } do
    local fits = total <= LIMIT_BYTES
    add { ("9.%d.%d"):format(i, j),
      ("%s a %s message of %s"):format(fits and "echoes" or "refuses", name, size_of(total)),
      sends = cut_up(kind, letter, total, total), hears = fits and echoed(total) or nil,
      ends = not fits and 1009 or nil, is_over = not fits }
  end

  for j = 1, 9 do
    local fragment = 16 * 4 ^ j
    local total = math.min(LIMIT_BYTES, fragment * FITTING_FRAMES)
    add { ("9.%d.%d"):format(i + 2, j),
      ("refuses a %s message of 4 MiB in fragments of %s"):format(name, size_of(fragment)),
      sends = cut_up(kind, letter, 4 * MIB, fragment), ends = 1009, is_over = true,
      fitting = { ("echoes %s in such fragments"):format(size_of(total)),
        sends = cut_up(kind, letter, total, fragment), hears = echoed(total) } }
  end

  for j = 1, 6 do
    local chop = 32 * 2 ^ j
    add { ("9.%d.%d"):format(i + 4, j),
      ("refuses a %s message of 1 MiB in chops of %s"):format(name, size_of(chop)),
      chop = chop, sends = cut_up(kind, letter, MIB, MIB), ends = 1009, is_over = true,
      fitting = { ("echoes %s in such chops"):format(size_of(LIMIT_BYTES)), chop = chop,
        sends = cut_up(kind, letter, LIMIT_BYTES, LIMIT_BYTES), hears = echoed(LIMIT_BYTES) } }
  end

  for j, size in ipairs { 0, 16, 64, 256, 1024, 4096 } do
    local message = wire.describe(kind, letter:rep(size))
    local case = { ("9.%d.%d"):format(i + 6, j),
      ("echoes 1000 %s messages of %s one after the other"):format(name, size_of(size)) }
    for step = 1, 1000 do case[2 + step] = { sends = { message }, hears = { message } } end
    add(case)
  end
end

return cases
