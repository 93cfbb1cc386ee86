--- What a test's gate is made of: its plugins, as init.lua would list them, and their texts.
local files = require "moongate.test.files"
local has_texts, texts = pcall(require, "moongate.texts") -- path -> text

local literal, read = files.literal, files.read

local DOOR = "moongate_test_door" -- the plugin that lets the test's connections in
local DOOR_TEXT = [[
local NUMBER, USER = "moongate_test=(%d+)", "moongate_test_user=([^&]*)"

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

return function(gate)
  gate:after("opened", function(conn)
    local name = conn.query:match(USER)
    if name then conn:admit(decode(name)) end
  end)

  -- Whether the closed hooks of a connection have not run yet.
  gate:http("GET", "/moongate_test/conns/{number}", function(request)
    for _, conn in gate:conns() do
      if conn.query:match(NUMBER) == request.params.number then return "there" end
    end
    return "gone"
  end)
end
]]

local ROUTER = "router"

---@class moongate.TestApp
---@field folder string
---@field texts table<string, string|false> path -> text in place of what is on the disk
---@field entries table[] as in init.lua
---@field private listed table<string, table>? name -> entry of the app's own init.lua
local App = {}
local app_mt = { __index = App }

local function is_name(key) return type(key) == "string" end

local function sorted_names(given)
  local names = {}
  for key in pairs(given) do
    if is_name(key) then names[#names + 1] = key end
  end
  table.sort(names)
  return names
end

function App:path(name) return ("%s/%s.lua"):format(self.folder, (name:gsub("%.", "/"))) end

--- What the file holds, for this gate.
---@param path string
---@return string?
function App:text(path)
  if path == self:path "init" then return self:init_text() end
  local text = self.texts[path]
  if text ~= nil then return text or nil end
  return read(path) or (path == self:path(DOOR) and DOOR_TEXT or self:own_text(path))
end

--- That of a plugin of the gateway itself, when the app has none of that name.
function App:own_text(path)
  for name, text in pairs(has_texts and texts or {}) do
    local plugin = name:match "^scripts/(.*)%.lua$"
    if plugin and path == self:path(plugin) then return text end
  end
end

--- The modules of a plugin of the gateway itself.
---@param plugin string
---@return string[] paths
function App:own_modules(plugin)
  local paths = {}
  for path in pairs(has_texts and texts or {}) do
    local name = path:match "^scripts/(.*)%.lua$"
    if name and name:match "^(.*)/" == plugin then paths[#paths + 1] = self:path(name) end
  end
  return paths
end

function App:init_text()
  local lines = { "return {" }
  for i, entry in ipairs(self.entries) do lines[i + 1] = "  " .. literal(entry) .. "," end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n")
end

--- By name. Raises what is wrong with the file, as far as tests can see it.
local function read_list(path)
  local text = read(path)
  if not text then return {} end
  local chunk, problem = loadstring(text, "@" .. path)
  if not chunk then error(problem, 0) end
  local list, listed = setfenv(chunk, setmetatable({}, { __index = _G }))(), {}
  if type(list) ~= "table" then error(path .. ": expected a list of plugins", 0) end
  for _, entry in ipairs(list) do
    if type(entry) == "string" then entry = { entry } end
    entry.trust = entry.trust or list.trust
    entry.capabilities = entry.capabilities or list.capabilities
    listed[entry[1]] = entry
  end
  return listed
end

--- The entry of the app's own list, if it has one.
function App:listed_entry(name)
  self.listed = self.listed or read_list(self:path "init")
  return self.listed[name]
end

--- A test may set the options alone: what the plugin may do is as in the app's own list.
function App:complete(entry)
  local listed = self:listed_entry(entry[1]) or {}
  entry.trust = entry.trust or listed.trust
  entry.capabilities = entry.capabilities or listed.capabilities
  return entry
end

--- One of the gateway's own is trusted.
function App:own_entry(name)
  local is_own = not read(self:path(name)) and self:own_text(self:path(name))
  return { name, trust = is_own and "trusted" or nil }
end

function App:has(name)
  for place, entry in ipairs(self.entries) do
    if entry[1] == name then return place end
  end
end

---@param name string
---@param place? integer the last one
function App:add(name, place)
  local is_on_disk = self.texts[self:path(name)] == nil
  local entry = is_on_disk and (self:listed_entry(name) or self:own_entry(name)) or { name }
  table.insert(self.entries, place or #self.entries + 1, entry)
end

--- Changes the list so that this problem may not come again.
---@param problem string why the app does not load
---@return boolean has_changed
function App:mend(problem)
  local needed = problem:match 'needs "([%w_.-]+)", which is not there'
  if needed and not self:has(needed) and self:text(self:path(needed)) then
    self:add(needed, 2)
    return true
  end
  if self.has_own_router and problem:find('"/ws" is already served', 1, true) then
    table.remove(self.entries, self:has(ROUTER))
    self.has_own_router = false
    return true
  end
  return false
end

--- Another text, or false: no such file. A plugin that is new comes to the end of the list.
---@param name string
---@param text string|false
function App:save(name, text)
  if name == "init" then error("init: the list is what test.gate was given", 3) end
  self.texts[self:path(name)] = text
  if text and not name:find "/" and not self:has(name) then self:add(name) end
end

local app = {}

---@param folder string
---@param given table what test.gate is given
---@return moongate.TestApp
function app.new(folder, given)
  local self = setmetatable({ folder = folder, texts = {},
    entries = { { DOOR, trust = "trusted" } } }, app_mt)
  for place, entry in ipairs(given) do
    local name = type(entry) == "table" and entry[1] or entry
    if type(name) ~= "string" then
      error(('entry %d: expected "name" or { "name", options = { ... } }, got a %s'):format(place,
        type(name)), 0)
    end
    if type(entry) == "table" then
      table.insert(self.entries, self:complete(entry))
    else
      self:add(entry)
    end
  end
  for _, name in ipairs(sorted_names(given)) do self:save(name, given[name]) end
  if not self:has(ROUTER) then
    self:add(ROUTER) -- the last: who serves "/ws" itself comes before it
    self.has_own_router = true
  end
  return self
end

return app
