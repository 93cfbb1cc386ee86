--- Files and shell commands, for specs.

local file = {}

--- The whole file; nil when it is not there.
---@param path string
function file.peek(path)
  local handle = io.open(path, "r")
  if not handle then return nil end
  local text = handle:read "*a" or "" -- a folder
  handle:close()
  return text
end

--- The whole file; raises when it is not there.
---@param path string
function file.read(path)
  local handle = assert(io.open(path, "r"))
  local text = handle:read "*a"
  handle:close()
  return text
end

---@param path string
---@param text string
function file.write(path, text)
  local handle = assert(io.open(path, "w"))
  handle:write(text)
  handle:close()
end

--- What a command prints, on either stream.
---@param command string
function file.output(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

--- The paths that fit a pattern of the shell, sorted; raises when there is none.
---@param pattern string
function file.list(pattern)
  local pipe, paths = assert(io.popen("ls -d " .. pattern)), {}
  for path in pipe:lines() do paths[#paths + 1] = path end
  pipe:close()
  assert(paths[1], "no such file: " .. pattern)
  return paths
end

--- The modules of a plugin, which are in the folder of its name, sorted.
---@param path string of the plugin
function file.modules(path)
  local paths = {}
  local pattern = path:gsub("%.lua$", "/*.lua")
  for found in file.output(("ls -d %s 2>/dev/null || true"):format(pattern)):gmatch "[^\n]+" do
    paths[#paths + 1] = found
  end
  return paths
end

--- Plugins of scripts/ and their modules, as an app.
---@param ... string names of plugins
---@return table<string, string> texts by name
function file.scripts(...)
  local texts = {}
  for _, name in ipairs { ... } do
    local path = ("scripts/%s.lua"):format(name)
    texts[name] = file.read(path)
    for _, module in ipairs(file.modules(path)) do
      texts[module:match "^scripts/(.*)%.lua$"] = file.read(module)
    end
  end
  return texts
end

--- A path in the folder of temporary files that nothing has.
function file.free_path()
  local path = os.tmpname()
  os.remove(path)
  return path
end

--- Runs a command; raises when it fails.
---@param command string
function file.run(command) assert(os.execute(command) == 0, command) end

--- A new folder, empty.
---@return string path
function file.folder()
  local path = file.free_path()
  file.run("mkdir -p " .. path)
  return path
end

return file
