--- The app's files: their texts, what requires what, and which have changed.

---@class moongate.Source
---@field path string
---@field text string
---@field requires table<string, true> paths of the modules that it has required
---@field value? any what a module has returned

local source = {}

local Set = {}
local set_mt = { __index = Set }

local function read(path)
  local file = io.open(path, "r")
  if not file then return end
  local text = file:read "*a"
  file:close()
  return text
end

--- The files as they are now, each read once.
---@param folder? string where modules are looked for
---@param before? table<string, moongate.Source> modules of the generation in force
---@param rejected? table<string, { bad: string, good: string }> by path: as long as the text
--- is the bad one, the good one is taken
---@return table
function source.set(folder, before, rejected)
  return setmetatable({
    folder = folder, before = before or {}, rejected = rejected or {},
    texts = {},   -- path -> text, or false: not there
    stale = {},   -- path -> whether it is another than before
    modules = {}, -- path -> moongate.Source, of the generation that is loaded
    loading = {},
  }, set_mt)
end

---@param path string
---@return string? text
function Set:text(path)
  if self.texts[path] == nil then
    local text, rejected = read(path), self.rejected[path]
    if rejected and text == rejected.bad then text = rejected.good end
    self.texts[path] = text or false
  end
  return self.texts[path] or nil
end

--- Whether the file, or one that it has required, is another than when it was loaded.
---@param old moongate.Source
function Set:is_stale(old)
  if self.stale[old.path] ~= nil then return self.stale[old.path] end
  local is_stale = self:text(old.path) ~= old.text
  for path in pairs(old.requires) do
    is_stale = self:is_stale(self.before[path]) or is_stale
  end
  self.stale[old.path] = is_stale
  return is_stale
end

--- The file's chunk, in an environment of its own, whose globals nobody else sees. Raises.
---@param path string
---@return function chunk
---@return moongate.Source
function Set:compile(path)
  local text = self:text(path)
  if not text then error(path .. ": cannot be read", 0) end
  if text:byte(1) == 27 then error(path .. ": is bytecode, expected Lua source", 0) end
  local chunk, problem = loadstring(text, "@" .. path)
  if not chunk then error(problem, 0) end
  local made = { path = path, text = text, requires = {} }
  local env = { require = function(name) return self:require(made, name) end }
  return setfenv(chunk, setmetatable(env, { __index = _G })), made
end

--- A file is taken over from the generation before, with the modules that it has required.
---@param old moongate.Source
function Set:keep(old)
  for path in pairs(old.requires) do
    if not self.modules[path] then
      self.modules[path] = self.before[path]
      self:keep(self.before[path])
    end
  end
end

--- The texts that a generation is made of.
---@return table<string, string> path -> text
function Set:files(registry)
  local files = {}
  if self.folder then files[self.folder .. "/init.lua"] = self:text(self.folder .. "/init.lua") end
  for _, plugin in pairs(registry.plugins) do files[plugin.file] = plugin.source.text end
  for path, module in pairs(self.modules) do files[path] = module.text end
  return files
end

local function load_module(set, path, name)
  local before = set.before[path]
  if before and not set:is_stale(before) then
    set:keep(before)
    return before
  end
  set.loading[path] = true
  local chunk, made = set:compile(path)
  local ok, value = pcall(chunk, name)
  set.loading[path] = nil
  if not ok then error(value, 0) end
  made.value = value == nil and true or value
  return made
end

--- What there is to say when the process has no such module either.
local function not_found(name, path, problem)
  if not tostring(problem):find "^module '.-' not found" then return problem end
  return ('require "%s": there is no %s, and no such module in package.path or package.cpath')
    :format(tostring(name), path or "folder of modules for an app of one file")
end

--- require for the app's files: modules of its own folder are loaded anew when they have
--- changed, and get its environment; all others are the process's.
---@param from moongate.Source who asks
---@param name string
function Set:require(from, name)
  local path = self.folder and ("%s/%s.lua"):format(self.folder, tostring(name):gsub("%.", "/"))
  if not path or not (self.modules[path] or self:text(path)) then
    local ok, value = pcall(require, name)
    if not ok then error(not_found(name, path, value), 2) end
    return value
  end
  if self.loading[path] then error(('require "%s": a cycle'):format(name), 2) end
  self.modules[path] = self.modules[path] or load_module(self, path, name)
  from.requires[path] = true
  return self.modules[path].value
end

return source
