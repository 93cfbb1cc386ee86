local file = require "spec.support.file"
local markdown = require "spec.docs.markdown"
local server = require "spec.support.server"

-- The commands of the guide, in their order, in a folder of their own.
describe("what docs/guide.md shows of the command line", function()
  local folder, house

  setup(function() folder = file.folder() end)
  teardown(function()
    if house then house:stop() end
    file.run("rm -rf " .. folder)
  end)

  -- What is not the same each time: moments, times, memory, the port. All other numbers are as the
  -- guide has them.
  local VARIED = { "%d+%-%d+%-%d+T[%d:.]+Z", "[%d.]+ ms", "[%d.]+ seconds", "[%d.]+ MB",
    "[%d.]+ when it came", "//127%.0%.0%.1:%d+/", "[%d.]+ %% of the scripts' CPU" }

  --- Lines of the log have the folder in front.
  local function plain(text)
    text = text:gsub(folder .. "/", "")
    for _, pattern in ipairs(VARIED) do
      text = text:gsub(pattern, function(found) return (found:gsub("%d[%d.:TZ-]*", "0")) end)
    end
    return (text:gsub("%s+$", ""))
  end

  --- All lines are there, in their order; "..." stands for some.
  local function shows(said, shown)
    said = plain(said)
    local at = 1
    for part in (shown .. "...\n"):gmatch "(.-)%.%.%.\n" do
      local first, last = said:find(plain(part), at, true)
      assert.is_truthy(first, ("%s\nis not in\n%s"):format(plain(part), said))
      at = last + 1
    end
  end

  local binary = file.output("readlink -f " .. server.BINARY):match "[^\n]+"

  local function perform(command, shown)
    if command:find "^moongate run" then
      house = server.start { app = folder .. "/chat", tls = false,
        arguments = { "--admin", folder .. "/chat.sock" } }
      house:expects "not reloaded"
      return shows(file.read(house.folder .. "/out"), shown)
    end
    local said = file.output(("cd %s && PATH=%s:$PATH && %s 2>&1"):format(folder,
      binary:match "^(.*)/", command))
    if not command:find "^sed" then return shows(said, shown) end
    server.eventually(shown, function()
      return plain(house:log()):find(plain(shown), 1, true) ~= nil
    end)
  end

  --- { command, shown } each.
  local function steps_of(code)
    local steps = {}
    for line in code:gmatch "[^\n]*\n" do
      local command = line:match "^%$ (.*)\n"
      if command then
        steps[#steps + 1] = { command = command, shown = "" }
      else
        steps[#steps].shown = steps[#steps].shown .. line
      end
    end
    return steps
  end

  it("is what happens", function()
    local count = 0
    for _, block in ipairs(markdown.blocks("docs/guide.md", "console")) do
      for _, step in ipairs(steps_of(block.code)) do
        perform(step.command, step.shown)
        count = count + 1
      end
    end
    assert.equal(10, count)
  end)
end)
