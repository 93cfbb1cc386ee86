--- The patterns that the runtime and the plugins of the house match texts of others with: what is
--- written in their files, judged as a guarded plugin's patterns are.
local file = require "spec.support.file"
local pattern = require "moongate.pattern"
local patterns = require "spec.support.patterns"

local MESSAGE_BYTES = 65536 -- as long as a message may be, and more than headers are

-- What is not cheap by its looks, and why it is fine. As a method it has the limit of methods.
local FINE = {
  ["is no pattern"] = { "%%%0", "\\%03d", "%1", "%1 %2", "%1 ...", "%%%02X", "-----BEGIN" },
  ["is linear"] = patterns.LINEAR,
  ["meets short texts only"] = { "[\128-\255]*$", "[\192-\255]?[\128-\191]*$",
    "^(.*:)([^:]*%.[^:]*)$", "(%d+)%.(%d+)%.(%d+)%.(%d+)", "{([%w_]+)}" },
  ["meets names of the runtime's own files, or an operator's"] = { "([^/]+)%.lua$", "[^/]+$",
    "^(.-)[%w_]+%.lua$", '\n  { "([%w_]+)"', "%(E%d+%)" },
}

local function paths()
  local list, pipe = {}, assert(io.popen "find bindings/moongate scripts -name '*.lua'")
  for path in pipe:lines() do
    if not path:find("moongate/test", 1, true) then list[#list + 1] = path end
  end
  pipe:close()
  return list
end

--- The strings in a line.
local function strings_in(line)
  local list = {}
  for quote, text in line:gmatch [[(["'])(.-)%1]] do
    local chunk = load("return " .. quote .. text .. quote)
    if chunk then list[#list + 1] = chunk() end -- else an escaped quote has ended it
  end
  return list
end

local function is_matching(line)
  for _, name in ipairs { "find", "match", "gmatch", "gsub" } do
    if line:find("[.:]" .. name .. "%f[^%w_]") then return true end
  end
  return line:find "^local [%u_]+ = .*%%%a" ~= nil -- what a line further down matches with
end

--- Calls fn(path, number, text) with what may be patterns.
local function each(fn)
  for _, path in ipairs(paths()) do
    local number = 0
    for line in (file.read(path) .. "\n"):gmatch "(.-)\n" do
      number = number + 1
      if is_matching(line) then
        for _, text in ipairs(strings_in(line)) do fn(path, number, text) end
      end
    end
  end
end

describe("the patterns of the runtime", function()
  local unseen

  local function is_fine(text)
    for reason, list in pairs(FINE) do
      for _, other in ipairs(list) do
        if text == other then
          unseen[reason .. ": " .. other] = nil
          return true
        end
      end
    end
    return false
  end

  before_each(function()
    unseen = {}
    for reason, list in pairs(FINE) do
      for _, text in ipairs(list) do unseen[reason .. ": " .. text] = true end
    end
  end)

  it("are cheap for all that somebody sends, however long", function()
    local bad, seen = {}, 0
    each(function(path, number, text)
      seen = seen + 1
      if not pattern.is_cheap(text, MESSAGE_BYTES) and not is_fine(text) then
        bad[#bad + 1] = ("%s:%d: %s"):format(path, number, text)
      end
    end)
    assert.equal("", table.concat(bad, "\n"))
    assert.is_true(seen > 200)
    assert.is_nil(next(unseen), "is not there any more")
  end)
end)
