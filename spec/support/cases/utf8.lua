--- Autobahn's section 6: what is UTF-8 and what is not.
--
-- For the shape of a case see spec/system/conformance_spec.lua. Most octets are those of
-- Markus Kuhn's test of UTF-8 decoders, which Autobahn has them from.
local wire = require "spec.support.wire"

local text = wire.text

local cases = {}
local function add(case) cases[#cases + 1] = case end

local KOSME = "\206\186\225\189\185\207\131\206\188\206\181" -- a Greek word of 5 characters
local UMLAUTS = "Hello-\194\181@\195\159\195\182\195\164\195\188\195\160\195\161-UTF-8!!"

local function octets(hex)
  return (hex:gsub("%s", ""):gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

--- The octets of a character beyond U+07FF.
local function character(code)
  local function part(shift) return 128 + math.floor(code / 2 ^ shift) % 64 end
  if code < 0x10000 then
    return string.char(224 + math.floor(code / 4096), part(6), part(0))
  end
  return string.char(240 + math.floor(code / 262144), part(12), part(6), part(0))
end

local function shown(bytes)
  local hex = bytes:gsub(".", function(c) return ("%02x "):format(c:byte()) end)
  return #bytes > 12 and hex:sub(1, 36) .. "..." or hex:sub(1, -2)
end

-- 6.1 to 6.4: where messages are cut

local function in_fragments(id, about, pieces, ending)
  local case = { id, about, sends = wire.fragments(wire.TEXT, pieces), ends = ending }
  if not ending then case.hears = { text(table.concat(pieces)) } end
  add(case)
end

add { "6.1.1", "echoes an empty text message", sends = { text "" }, hears = { text "" } }
in_fragments("6.1.2", "echoes three empty fragments as an empty message", { "", "", "" })
in_fragments("6.1.3", "echoes a fragment between two empty ones", { "", "middle", "" })
in_fragments("6.2.1", "echoes umlauts", { UMLAUTS })
in_fragments("6.2.2", "echoes umlauts cut between two characters",
  { UMLAUTS:sub(1, 12), UMLAUTS:sub(13) })
in_fragments("6.2.3", "echoes umlauts cut into octets", wire.cut(UMLAUTS, 1))
in_fragments("6.2.4", "echoes Greek cut into octets", wire.cut(KOSME, 1))

local SURROGATE = KOSME .. "\237\160\128edited"
in_fragments("6.3.1", "refuses a surrogate", { SURROGATE }, 1007)
in_fragments("6.3.2", "refuses a surrogate cut into octets", wire.cut(SURROGATE, 1), 1007)

-- Beyond U+10FFFF: the fault is in the second piece, and what follows does not mend it.
for i, pieces in ipairs {
  { KOSME, "\244\144\128\128", "edited" },
  { KOSME .. "\244", "\144", "\128\128edited" },
} do
  local frames = wire.fragments(wire.TEXT, pieces)
  local bytes = wire.encode(text(table.concat(pieces)))
  local piece3_at = #bytes - #pieces[3] + 1
  add { "6.4." .. i, "refuses a bad character in a fragment before the next has come",
    sends = { frames[1], frames[2] }, ends = 1007,
    really = { { sends = { frames[1], frames[2], wire.ping "still here" },
      hears = { wire.pong "still here" } }, { sends = { frames[3] } }, ends = 1007 } }
  add { "6.4." .. i + 2, "refuses a bad character in a frame before its end has come",
    sends = { bytes:sub(1, piece3_at - 1) }, ends = 1007,
    really = { { sends = { bytes:sub(1, piece3_at - 1) }, silence = true },
      { sends = { bytes:sub(piece3_at) } }, ends = 1007 } }
end

-- 6.5 to 6.23: what is a character

local function group(number, is_valid, list)
  for i, bytes in ipairs(list) do
    local valid = is_valid
    if type(is_valid) == "table" then valid = is_valid[i] or false end
    add { ("6.%d.%d"):format(number, i),
      ("%s %s"):format(valid and "echoes" or "refuses", shown(bytes)),
      sends = { text(bytes) }, hears = valid and { text(bytes) } or nil,
      ends = not valid and 1007 or nil }
  end
end

local function hex_group(number, is_valid, list)
  local all = {}
  for hex in list:gmatch "[^,]+" do all[#all + 1] = octets(hex) end
  group(number, is_valid, all)
  return all
end

--- All octets from `low` to `high`, each followed by `after`.
local function range(low, high, after)
  local all = {}
  for byte = low, high do all[#all + 1] = string.char(byte) .. after end
  return table.concat(all)
end

group(5, true, { "hello$world", "hello\194\162world", "hello\226\130\172world",
  "hello\240\164\173\162world", KOSME })
local prefixes = {}
for i = 1, #KOSME do prefixes[i] = KOSME:sub(1, i) end
group(6, { [2] = true, [5] = true, [7] = true, [9] = true, [11] = true }, prefixes)
hex_group(7, true, "00, c280, e0a080, f0908080") -- the first of each length
hex_group(8, false, "f888808080, fc8480808080") -- lengths that are no more
hex_group(9, true, "7f, dfbf, efbfbf, f48fbfbf") -- the last of each length
hex_group(10, false, "f7bfbfbf, fbbfbfbfbf, fdbfbfbfbfbf")
hex_group(11, { true, true, true, true }, "ed9fbf, ee8080, efbfbd, f48fbfbf, f4908080")
group(12, false, { "\128", "\191", "\128\191", "\128\191\128", "\128\191\128\191",
  "\128\191\128\191\128", "\128\191\128\191\128\191", range(128, 191, "") }) -- no first octet
group(13, false, { range(0xC0, 0xDF, " "), range(0xE0, 0xEF, " "), range(0xF0, 0xF7, " "),
  range(0xF8, 0xFB, " "), range(0xFC, 0xFD, " ") }) -- nothing but first octets
local cut_short = hex_group(14, false, "c0, e080, f08080, f8808080, fc80808080," ..
  "df, efbf, f7bfbf, fbbfbfbf, fdbfbfbfbf")
group(15, false, { table.concat(cut_short) })
hex_group(16, false, "fe, ff, fefeffff")
hex_group(17, false, "c0af, e080af, f08080af, f8808080af, fc80808080af") -- overlong
hex_group(18, false, "c1bf, e09fbf, f08fbfbf, f887bfbfbf, fc83bfbfbfbf")
hex_group(19, false, "c080, e08080, f0808080, f880808080, fc8080808080")
hex_group(20, false, "eda080, edadbf, edae80, edafbf, edb080, edbe80, edbfbf") -- surrogates
hex_group(21, false, "eda080edb080, eda080edbfbf, edadbfedb080, edadbfedbfbf," ..
  "edae80edb080, edae80edbfbf, edafbfedb080, edafbfedbfbf")
local no_characters, specials = {}, {}
for plane = 0, 16 do
  no_characters[#no_characters + 1] = character(plane * 0x10000 + 0xFFFE)
  no_characters[#no_characters + 1] = character(plane * 0x10000 + 0xFFFF)
end
group(22, true, no_characters) -- not for exchange, but UTF-8
for code = 0xFFF9, 0xFFFF do specials[#specials + 1] = character(code) end
group(23, true, specials)

return cases
