--- Functions of a guarded plugin that look at what others go on using: messages, replies, what is
-- told. Each gets copies, so that what it keeps is its own, and what it returns is copied, too.
local copies = require "moongate.membrane_copy"
local maps = require "moongate.membrane_maps"

local all, into, out, offered = maps.all, maps.into, maps.out, maps.offered
local target_of, own_of = maps.target_of, maps.own_of
local metatable_of = debug.getmetatable
local MAX_GIVEN = copies.MAX_GIVEN

local hooks = {}

--- Data that others will look into.
---@param realm moongate.Realm
---@param value any
---@return any
function hooks.data(realm, value)
  copies.begin(MAX_GIVEN)
  return copies.of(offered, realm, value)
end

--- The copy of a message is the same for all hooks of a plugin, which may remember it; each has it
--- as the message is then.
local function given_message(realm, message)
  if type(message) ~= "table" or getmetatable(message) ~= nil then return out(realm, message) end
  local its = realm.messages[message]
  if its and metatable_of(its) == nil then
    copies.take_back(out, realm, its, message)
    return its
  end
  its = copies.of(out, realm, message)
  realm.messages[message] = its
  return its
end

local function given(realm, value)
  if realm.messages[value] then return given_message(realm, value) end
  return copies.of(out, realm, value)
end

--- What a hook is given: a message and a reply, at most.
local function all_given(realm, ...)
  copies.begin(2 * MAX_GIVEN)
  return all(given, realm, ...)
end

local function hand_back(realm, value)
  maps.refuse_object(realm, value)
  return offered(realm, value)
end

local function returned(realm, value) return copies.of(hand_back, realm, value) end

local function all_returned(realm, ...)
  copies.begin(MAX_GIVEN)
  return all(returned, realm, ...)
end

--- What maps a function to that which `build` makes of it, the same each time.
local function builder(name, build)
  return function(realm, fn)
    if type(fn) ~= "function" then return into(realm, fn) end
    local found = realm.others[fn] or realm[name][fn]
    if found then return found end
    local made = build(realm, fn)
    realm[name][fn], realm.shown[made], own_of[made] = made, fn, fn
    return made
  end
end

hooks.hook = builder("hooks", function(realm, fn)
  return function(...) return all_returned(realm, fn(all_given(realm, ...))) end
end)

local function changed(realm, value)
  if maps.is_own_object(value) then
    error(realm.plugin.file .. ": what a plugin is given is data: it cannot have metatables", 0)
  end
  return offered(realm, value)
end

--- It has had its say: what it has changed in its copy of the message is changed.
local function settle(realm, message, its, ...)
  if type(message) == "table" and not target_of[its] then
    changed(realm, its)
    copies.take_back(changed, realm, message, its, true)
  end
  return all_returned(realm, ...)
end

--- Of what may change a message: fn(conn, message).
hooks.filter = builder("filters", function(realm, fn)
  return function(conn, message)
    copies.begin(MAX_GIVEN)
    local its = given_message(realm, message)
    return settle(realm, message, its, fn(out(realm, conn), its))
  end
end)

--- Of what takes the answer to a request: fn(data, ..., context). The context is the plugin's own.
hooks.answer = builder("answers", function(realm, fn)
  return function(data, ...) return fn(all_given(realm, data), all(out, realm, ...)) end
end)

return hooks
