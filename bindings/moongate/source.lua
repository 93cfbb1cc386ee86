--- The app's files: their texts, what requires what, and which have changed.
--
-- A module is loaded once for all trusted plugins, and once for each guarded one.
local core = require "moongate.ffi"
local sandbox = require "moongate.sandbox"

---@class moongate.Source
---@field path string
---@field key string what it is called among the modules: its path, and of those of a guarded
--- plugin, which nobody else shares, its name
---@field guarded? string name of the guarded plugin whose it is
---@field text? string nil: of a module that is not there
---@field requires table<string, true> keys of the modules that it has required
---@field value? any what a module has returned; nil: it has raised

local source = {}

local Set = {}
local set_mt = { __index = Set }

local asked -- the set that answers require: that which is loaded, else that in force

---@param set? table
function source.use(set) asked = set end

--- What a file holds now; tests have files of their own.
---@param path string
---@return string? text
---@return string? problem nil: there is nothing, or it may not be read
function source.read(path)
  -- To open a FIFO would wait for somebody who writes into it.
  if core.C.moon_is_file(path) == core.C.MOON_EINVAL then
    return nil, path .. ": is no regular file"
  end
  local file = io.open(path, "r")
  if not file then return end
  local text = file:read "*a"
  file:close()
  return text
end

--- The files as they are now, each read once.
---@param folder? string where modules are looked for
---@param before? table<string, moongate.Source> modules of the generation in force
---@param rejected? table<string, { bad: string|false, good: string }> by path: as long as the
--- text is the bad one (false: there is none), the good one is taken; others are struck off
---@return table
function source.set(folder, before, rejected)
  return setmetatable({
    folder = folder, before = before or {}, rejected = rejected or {},
    texts = {},   -- path -> text, or false: not there
    stale = {},   -- key -> whether it is another than before
    modules = {}, -- key -> moongate.Source
    loading = {},
  }, set_mt)
end

--- It is complete: what is required from now on is read as it is then, and the generation before
--- is let go.
function Set:settle() self.texts, self.stale, self.before = {}, {}, {} end

--- Raises at what is no regular file.
---@param path string
---@return string? text
function Set:text(path)
  if self.texts[path] == nil then
    local text, problem = source.read(path)
    if problem then error(problem, 0) end
    text = text or false
    local held = self.rejected[path]
    if held and text ~= held.bad then self.rejected[path], held = nil, nil end
    self.texts[path] = held and held.good or text
  end
  return self.texts[path] or nil
end

--- Whether the file, or one that it has required, is another than when it was loaded.
---@param old? moongate.Source nil: required by what is in force, but while code loaded that was
--- refused
function Set:is_stale(old)
  if not old then return true end
  if self.stale[old.key] ~= nil then return self.stale[old.key] end
  local is_stale = self:text(old.path) ~= old.text
  for key in pairs(old.requires) do
    is_stale = self:is_stale(self.before[key]) or is_stale
  end
  self.stale[old.key] = is_stale
  return is_stale
end

--- nil, or why it cannot be compiled.
local function problem_of_text(made)
  if not made.text then return "cannot be read" end
  if made.text:byte(1) == 27 then return "is bytecode, expected Lua source" end
  if made.guarded and #made.text > sandbox.MAX_CODE_BYTES then
    return ("has %d bytes, a file of a guarded plugin at most %d"):format(#made.text,
      sandbox.MAX_CODE_BYTES)
  end
end

local function compile(made)
  local reason = problem_of_text(made)
  if reason then error(("%s: %s"):format(made.path, reason), 0) end
  -- The watchdog knows the runtime by this name.
  local chunk_name = (made.path:find "^moongate/" and "@./" or "@") .. made.path
  local chunk, problem = load(made.text, chunk_name, "t")
  if not chunk then error(problem, 0) end
  local function of_app(name) return asked:require(made, name) end
  if made.guarded then
    return setfenv(chunk, sandbox.environment(chunk_name, of_app, made.guarded))
  end
  return setfenv(chunk, setmetatable({ require = of_app }, { __index = _G }))
end

local function key_of(path, guarded) return guarded and path .. "\0" .. guarded or path end

local function new(set, path, guarded)
  return { path = path, key = key_of(path, guarded), guarded = guarded, text = set:text(path),
    requires = {} }
end

--- The file's chunk, in an environment of its own, whose globals nobody else sees. Raises.
---@param path string
---@param guarded? string name of the plugin, when it is not trusted
---@return function chunk
---@return moongate.Source
function Set:compile(path, guarded)
  local made = new(self, path, guarded)
  return compile(made), made
end

--- A file is taken over from the generation before, with the modules that it has required.
---@param old moongate.Source
function Set:keep(old)
  for key in pairs(old.requires) do
    local module = self.before[key]
    if module and not self.modules[key] then
      self.modules[key] = module
      self:keep(module)
    end
  end
end

--- It comes back in place of another: what its plugins have required since comes with it.
---@param plugins table<string, moongate.Plugin>
---@param other table the set in force
function Set:come_back(plugins, other)
  self.before = other.modules
  for _, plugin in pairs(plugins) do self:keep(plugin.source) end
  self:settle()
end

--- The texts that a generation is made of.
---@param plugins table<string, moongate.Plugin>
---@return table<string, string> path -> text
function Set:files(plugins)
  local files = {}
  if self.list then files[self.list.path] = self.list.text end
  for _, plugin in pairs(plugins) do files[plugin.file] = plugin.source.text end
  for _, module in pairs(self.modules) do files[module.path] = module.text end
  return files
end

--- Raises; what has failed is a module, too: when it changes, who has required it does.
local function load_module(set, path, name, guarded)
  local key = key_of(path, guarded)
  local before = set.before[key]
  if before and before.value ~= nil and not set:is_stale(before) then
    set:keep(before)
    set.modules[key] = before
    return
  end
  local made = new(set, path, guarded)
  set.modules[key], set.loading[key] = made, true
  local ok, value = pcall(function() return compile(made)(name) end)
  set.loading[key] = nil
  if not ok then error(value, 0) end
  made.value = value == nil and true or value
end

--- What there is to say when the process has no such module either.
local function not_found(name, path, problem)
  if not tostring(problem):find "^module '.-' not found" then return problem end
  return ('require "%s": there is no %s, and no such module in package.path or package.cpath')
    :format(tostring(name), path or "folder of modules for an app of one file")
end

--- A module that is none of the app's files.
local function of_process(from, name, path)
  if from.guarded then return sandbox.module(name, path) end
  local ok, value = pcall(require, name)
  if ok then return value end
  return nil, not_found(name, path, value)
end

--- The system would end a path at a NUL. A list has what is nobody's business but the operator's:
--- keys, say.
local function check_name(from, name)
  if from.guarded and type(name) ~= "string" then
    error("require: expected a string, got " .. type(name), 3)
  elseif not tostring(name):find "^[%w_./\128-\255-]+$" then
    error(("require: expected the name of a module (letters, digits, _ - . /), got %q")
      :format(tostring(name)), 3)
  elseif from.guarded and name:gsub("[./]+", "/"):gsub("^/", "") == "init" then
    error('require "init": the list of plugins is not for a guarded plugin', 3)
  end
end

--- The path and the key of a module of the app; nil: it has none.
function Set:place_of(from, name)
  if not self.folder then return end
  local path = ("%s/%s.lua"):format(self.folder, tostring(name):gsub("%.", "/"))
  return path, key_of(path, from.guarded)
end

--- require for the app's files: modules of its own folder are loaded anew when they have
--- changed, and get its environment; all others are the process's.
---@param from moongate.Source who asks
---@param name string
function Set:require(from, name)
  check_name(from, name)
  local path, key = self:place_of(from, name)
  local module = key and self.modules[key]
  if module and module.value ~= nil then
    from.requires[key] = true
    return module.value
  end
  if not path or not self:text(path) then
    local value, problem = of_process(from, name, path)
    if value ~= nil then return value end
    if path then -- it may be there some day
      self.modules[key], from.requires[key] = new(self, path, from.guarded), true
    end
    error(problem, 2)
  end
  if self.loading[key] then error(('require "%s": a cycle'):format(name), 2) end
  from.requires[key] = true
  load_module(self, path, name, from.guarded)
  return self.modules[key].value
end

return source
