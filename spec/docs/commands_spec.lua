local fake_gate = require "spec.support.fake_gate"
local file = require "spec.support.file"
local markdown = require "spec.docs.markdown"
local server = require "spec.support.server"

local COMMANDS = { "run", "bench", "check", "ctl", "new", "test" }
local DEV_OPTIONS = { bench = "luajit spec/bench/compare.lua --help" }

local function options_in(text)
  local set = {}
  for option in text:gmatch "%f[%-]%-%-[%l%d-]+" do set[option] = true end
  return set
end

--- What there is: command -> options; the same for ./dev; and what an operator may ask.
local function facts()
  local known = { moongate = {}, dev = {}, asks = {} }
  for _, command in ipairs(COMMANDS) do
    local _, text = server.run_to_end { command, "--help" }
    known.moongate[command] = options_in(text)
  end
  for name in file.output("./dev help"):gmatch "%./dev (%l+)" do
    known.dev[name] = options_in(file.output(DEV_OPTIONS[name] or "true"))
    known.dev[name]["--help"] = DEV_OPTIONS[name] ~= nil
  end
  for option in pairs(known.moongate.run) do known.moongate.check[option] = true end
  known.dev.run = known.moongate.run
  local gate = fake_gate.load { a = "return function() end" }
  for line in gate:ctl({ command = "help" }).text:gmatch "[^\n]+" do
    known.asks[line:match "^%l+"] = true
  end
  return known
end

--- The command lines of a document: { words, line }. A backslash at the end of a line goes on,
--- a # and two blanks end it.
local function lines_of(text)
  local found = {}
  local function look(code, line)
    local words = code:gsub("^%$ ", ""):gsub("^build/", "")
    if words:find "^%./dev " or words:find "^moongate %l" then
      found[#found + 1] = { line = line, code = (words:gsub("  .*$", ""):gsub(" #.*$", "")) }
    end
  end
  for _, block in ipairs((markdown.split(text))) do
    local number = block.line
    for line in block.code:gsub(" *\\\n *", " "):gmatch "[^\n]*" do
      if line ~= "" then look(line, number) end
    end
  end
  for _, span in ipairs(markdown.spans(text)) do look(span.code, span.line) end
  return found
end

--- Names in capitals, in brackets or of dots stand for something.
local function is_placeholder(word)
  return word:find "^%[" or word:find "^%u+%]?$" or word == "..."
end

--- What the server says of this command line; with --help it reads it and does nothing.
local function refusal(words)
  local arguments = {}
  for i = 2, #words do
    if not is_placeholder(words[i]) then arguments[#arguments + 1] = words[i]:match "^'?(.-)'?$" end
  end
  if arguments[#arguments]:find "^%-%-" then arguments[#arguments] = nil end -- without its value
  arguments[#arguments + 1] = "--help"
  local status, _, problem = server.run_to_end(arguments)
  return status ~= 0 and problem:match "[^\n]*" or nil
end

--- What an operator asks: the first word that is neither an option nor its value.
local function asked_in(words)
  for i = 3, #words do
    local is_value = words[i - 1]:find "^%-%-" and words[i - 1] ~= "--json"
    if not is_value and not words[i]:find "^%-%-" then return words[i]:match "^%l+$" end
  end
end

local function problem_of_moongate(known, words)
  if words[2] == "ctl" then
    local asked = asked_in(words)
    return asked and not known.asks[asked] and "nobody to ask " .. asked or nil
  end
  for i = 3, #words do
    local path = words[i]:match "^examples/.*"
    if path and not file.peek(path) then return "no file " .. path end
  end
  return refusal(words)
end

local function problem_of_dev(_, words)
  local path = words[2] == "test" and words[3]
  return path and not file.peek(path) and "no folder " .. path or nil
end

local function problem_of(known, code)
  local words = {}
  for word in code:gmatch "%S+" do words[#words + 1] = word end
  if code:find "^moongate is ready" then return end -- what it says
  local is_dev = words[1] == "./dev"
  local options = known[is_dev and "dev" or "moongate"][words[2]]
  if not options then return "no command " .. words[2] end
  for i = 3, #words do
    if words[i]:find "^%-%-" and not options[words[i]] then return "no option " .. words[i] end
  end
  return (is_dev and problem_of_dev or problem_of_moongate)(known, words)
end

describe("command lines in the documentation", function()
  local known, count = nil, 0

  setup(function() known = facts() end)

  local function problems_of(text)
    local problems = {}
    for _, each in ipairs(lines_of(text)) do
      count = count + 1
      local problem = problem_of(known, each.code)
      if problem then
        problems[#problems + 1] = ("%d: %s: %s"):format(each.line, each.code, problem)
      end
    end
    return problems
  end

  --- Options that stand alone.
  local function unknown_names(text)
    local all, names = {}, {}
    for _, commands in ipairs { known.moongate, known.dev } do
      for _, options in pairs(commands) do
        for option in pairs(options) do all[option] = true end
      end
    end
    for _, span in ipairs(markdown.spans(text)) do
      local option = span.code:match "^%-%-%l[%l%d-]*"
      if option and not all[option] and not span.code:find "…" then names[#names + 1] = option end
    end
    return names
  end

  for _, path in ipairs(markdown.documents()) do
    it("name commands and options that there are: " .. path, function()
      local text = file.read(path)
      assert.same({}, problems_of(text))
      assert.same({}, unknown_names(text))
    end)
  end

  it("are there", function() assert.is_true(count > 30, count) end)

  it("would not get away with a mistake", function()
    assert.same({
      "1: moongate fly: no command fly",
      "2: moongate run --fly 1: no option --fly",
      "2: moongate bench fly ws://x/: moongate bench: scenario fly: expected one of: echo room "
        .. "chat idle storm",
      "3: moongate check --fly: no option --fly",
      "3: moongate new --fly: no option --fly",
      "4: moongate ctl fly: nobody to ask fly",
      "4: moongate ctl --json --admin a.sock fly: nobody to ask fly",
      "4: ./dev fly: no command fly",
      "5: ./dev bench --fly: no option --fly",
      "5: ./dev test spec/fly: no folder spec/fly",
      "6: moongate run examples/no.lua: no file examples/no.lua",
      "6: moongate run --port 65536: moongate: --port 65536: expected a whole number from 0 to "
        .. "65535",
    }, problems_of [[
`moongate fly`, `moongate run --port 1 scripts`
`build/moongate run --fly 1`, `moongate bench fly ws://x/`
`moongate check --fly`, `moongate check --port 1 --strict`, `moongate new --fly`
`moongate ctl fly`, `moongate ctl --json --admin a.sock fly`, `moongate ctl help`, `./dev fly`
`./dev bench --fly`, `./dev test spec/fly`
`build/moongate run examples/no.lua`, `moongate run --port 65536`
]])
    assert.same({ "--fly" }, unknown_names "`--port`, `--fly NOW`\n")
  end)
end)
