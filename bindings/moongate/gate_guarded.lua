--- The gate of a guarded plugin: what it has of it, and what for it needs a capability.
local json = require "moongate.json"
local membrane = require "moongate.membrane"
local request = require "moongate.request"

local gate_guarded = {}

membrane.chooses(json.list)

local iterator = membrane.iterator

--- Raises in the line of the plugin, from what maps an argument.
local function refuse(problem)
  if problem then error(problem, 4) end
end

local function kind_to_open(realm, name)
  refuse(membrane.lacks_kind(realm, name, "gate:open_room"))
  return name
end

local function kind_to_list(realm, name)
  refuse(membrane.lacks_kind(realm, name, "gate:rooms_of"))
  return name
end

local function kind_spec(realm, spec)
  local is_durable = type(spec) == "table" and rawget(spec, "durable")
  refuse(is_durable and membrane.lacks(realm, "store", "gate:room_kind, durable"))
  local hooks = membrane.hooks(realm, spec)
  local steps = type(hooks) == "table" and rawget(spec, "migrations")
  if steps then hooks.migrations = membrane.spec(realm, steps) end -- these change the state itself
  return hooks
end

--- Without the capability rooms of others' kinds are left out.
local function iterator_of_rooms(realm, fn)
  local function step()
    local name, room
    repeat
      name, room = fn()
    until not name or not membrane.lacks_kind(realm, room.kind, "gate:rooms")
    return name, room
  end
  return iterator(realm, step)
end

local function show(realm, value) return membrane.show(realm, value) end

local TAKES = {
  needs = "raw", error = "raw", warn = "raw", info = "raw", debug = "raw",
  tells = "raw", spawn = "any", gather = "any", tell = "copied", share = "any",
  raw = { nil, membrane.hooks }, room_kind = { nil, kind_spec }, provide = { nil, membrane.api },
  on = { nil, membrane.filter }, before = { nil, membrane.filter },
  after = { nil, membrane.hook }, command = { nil, membrane.hook },
  http = { nil, nil, membrane.hook },
  request = { membrane.conn, membrane.data, membrane.answer, nil, membrane.keep },
  is_utf8 = { membrane.text_for "gate:is_utf8" },
  open_room = { kind_to_open, nil, membrane.data }, rooms_of = { kind_to_list },
}

local GIVES = {
  room = show, user = show, open_room = show, fetch = show, counter = show, gauge = show,
  histogram = show, gather = show, share = show, option = membrane.copy, rooms = iterator_of_rooms,
  users = iterator, conns = iterator, rooms_of = iterator, use = membrane.foreign,
}

local NEEDS = { fetch = "fetch", http = "http", store = "store" }

local function check(realm, _, what)
  local name = NEEDS[what]
  if name then
    return membrane.lacks(realm, name, (name == "store" and "gate." or "gate:") .. what)
  end
  if what == "admission" then
    return ('gate:admission: plugin "%s" is guarded, and this is about all of the gateway: it '
      .. 'needs trust = "trusted" in %s'):format(realm.plugin.name, realm.plugin.entry.where)
  end
end

--- For gate.lua.
---@param gate_mt table
---@param methods table<string, function>
---@param refuse_to_set fun(self: table, name: string)
function gate_guarded.seal(gate_mt, methods, refuse_to_set)
  membrane.seal(gate_mt, {
    name = "gate", methods = methods, takes = TAKES, gives = GIVES, check = check,
    refuse = refuse_to_set,
    fields = { state = true, store = show, crypto = show, json = membrane.view,
      msgpack = membrane.view, facts = membrane.view },
  })
end

---@param fields moongate.Gate
---@return moongate.Gate
function gate_guarded.new(fields)
  local realm = membrane.realm(fields.plugin, function(kind)
    local now = fields.registry.is_complete and request.current() or fields.registry
    return now.kinds[kind] and now.kinds[kind].plugin.name
  end)
  return membrane.show(realm, fields)
end

return gate_guarded
