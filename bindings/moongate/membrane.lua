--- The membrane between the runtime and the code of a guarded plugin: what crosses it is mapped.
--
-- Objects of the runtime (gate, conn, room, ...) are proxies in guarded code: empty tables that
-- show what is meant for plugins, and cannot be changed. The same object is the same proxy as long
-- as somebody holds that. Functions of the plugin are wrapped, so that they are given proxies, and
-- what they return is unwrapped. Plain data that others go on using is copied: messages, replies,
-- what is told. The states, which all share, pass as they are. Trusted code never comes here.
--
-- A function that returns data is called in place of its wrapper (a tail call), so that the errors
-- it raises in the name of its caller name the line of the plugin.
local core = require "moongate.membrane_maps"
local hooks = require "moongate.membrane_hooks"
local strings = require "moongate.strings"
local task = require "moongate.task"

local each, into, out = core.each, core.into, core.out

local membrane = {
  seal = core.seal, realm = core.realm, show = core.out, copy = core.out_copy, keep = core.keep,
  data = hooks.data, hook = hooks.hook, filter = hooks.filter, answer = hooks.answer,
}

-- ---- capabilities ----

--- What a plugin is told that has not this capability; nil: it has.
---@param realm moongate.Realm
---@param name "fetch"|"store"|"http"|"rooms"
---@param what string
---@return string? problem
function membrane.lacks(realm, name, what)
  local plugin = realm.plugin
  if plugin.entry.capabilities[name] then return end
  return ('%s: plugin "%s" has not the capability "%s": add capabilities = { "%s" } to it in %s')
    :format(what, plugin.name, name, name, plugin.entry.where)
end

--- The same of what has to do with rooms of a kind: those of its own are for all.
function membrane.lacks_kind(realm, kind, what)
  local owner = kind and realm.owner_of(kind)
  if not owner or owner == realm.plugin.name then return end
  return membrane.lacks(realm, "rooms", ('%s: the kind "%s" is that of "%s"'):format(what, kind,
    owner))
end

-- ---- what is handed to the runtime in special places ----

--- The connection that is meant; of what is none, what the runtime will complain of.
function membrane.conn(realm, value)
  local target = core.target_of[value]
  if target and core.name_of(target) == "conn" then return target end
  if type(value) == "table" then return {} end
  return into(realm, value)
end

--- What is sent: no object, or its insides would be.
function membrane.message(realm, value)
  local target = core.target_of[value]
  if target and core.name_of(target) then return false end
  return into(realm, value)
end

local MAX_SPEC, MAX_DEPTH = 10000, 16 -- entries, tables in each other

local function check_size(entries, depth)
  if entries <= MAX_SPEC and depth <= MAX_DEPTH then return end
  error(("expected a table of at most %d entries, %d tables deep"):format(MAX_SPEC, MAX_DEPTH),
    task.level_of_app())
end

--- How to send: { except = conn }.
function membrane.how(realm, how)
  if type(how) ~= "table" or rawget(how, "except") == nil then return into(realm, how) end
  into(realm, how) -- raises when it is an object
  local copy, entries = {}, 0
  for key, value in next, how do
    copy[key], entries = value, entries + 1
    check_size(entries, 1)
  end
  copy.except = membrane.conn(realm, how.except)
  return copy
end

--- A text that the core goes through from end to end, where nobody can stop it.
---@param what string
---@return function
function membrane.text_for(what)
  return function(realm, value)
    if type(value) == "string" and #value > strings.MAX_TEXT_BYTES then
      error(strings.too_long(what, value), task.level_of_app())
    end
    return into(realm, value)
  end
end

local function spec_of(realm, spec, walk, depth)
  if type(spec) ~= "table" or core.target_of[spec] then return walk.map(realm, spec) end
  if walk.seen[spec] then return walk.seen[spec] end
  into(realm, spec)
  local copy = {}
  walk.seen[spec] = copy
  for key, value in next, spec do
    walk.entries = walk.entries + 1
    check_size(walk.entries, depth)
    copy[key] = spec_of(realm, value, walk, depth + 1)
  end
  return copy
end

--- A table of functions, and of tables of them.
function membrane.spec(realm, spec)
  return spec_of(realm, spec, { map = into, seen = {}, entries = 0 }, 1)
end

--- The same of hooks: what they are given, others go on using.
function membrane.hooks(realm, spec)
  return spec_of(realm, spec, { map = hooks.hook, seen = {}, entries = 0 }, 1)
end

--- The API that it provides, as it is now: others get a copy.
membrane.api = core.offer

--- Anything: it is only printed, in the plugin's own name.
function membrane.raw(_, value) return value end

-- ---- what the runtime hands out in special places ----

--- A function in a view that may return what it was given: that, and not what it stands for.
local function show_choice(realm, fn)
  local found = realm.shown[fn]
  if found then return found end
  local function made(value)
    local target = into(realm, value)
    local ok, chosen = pcall(fn, target)
    if not ok then error(chosen, task.level_of_app()) end
    if rawequal(chosen, target) then return value end
    return chosen
  end
  realm.shown[fn], realm.wrapped[made], realm.others[made] = made, fn, fn
  return made
end

---@param fn function of one argument
function membrane.chooses(fn) core.showing[fn] = show_choice end

--- A function that goes through objects.
function membrane.iterator(realm, fn)
  return function() return each(out, realm, fn()) end
end

--- A table that all may look at, and nobody change; its functions return data.
function membrane.view(realm, value) return core.view(realm, value, "data") end

--- The same of another plugin's API, whose functions may return objects.
function membrane.foreign(realm, value) return core.view(realm, value, "api") end

return membrane
