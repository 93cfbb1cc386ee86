--- A plugin that changes while a server is busy, for a spec and for a bench: code that takes over,
--- and code that is refused. `gate.state.version` counts the migrations.

local changing = {}

--- Code that takes over, with a migration to this version.
---@param version integer
---@param body? string what it does beside that
function changing.good(version, body)
  return ([[return function(gate)
  gate:migrate(%d, function(state)
    state.version = (state.version or 0) + 1
    state.history = state.history or {}
    state.history[#state.history + 1] = state.version
  end)
  gate.state.version = gate.state.version or 0
  gate:http("GET", "/state", function()
    return { version = gate.state.version, entries = #(gate.state.history or {}),
      said = gate.state.said }
  end)
%s
end]]):format(version, body or "")
end

--- Ways to be refused: the code, for a state of this version, and what the log says of it. All but
--- the first spoil the state before they fail.
changing.BAD = {
  {
    says = "changing.lua:1: ')' expected near 'function'",
    code = function() return "return function(gate) gate:on('x' function() end) end" end,
  },
  {
    says = "changing.lua:3: raised at load",
    code = function()
      return [[return function(gate)
  for name in pairs(gate.state) do gate.state[name] = nil end
  error "raised at load"
end]]
    end,
  },
  {
    says = "attempt to index field 'nobody' (a nil value)",
    code = function(version)
      return ([[return function(gate)
  gate:migrate(%d, function(state)
    for name in pairs(state) do state[name] = nil end
    state.nobody.x = 1
  end)
end]]):format(version + 1)
    end,
  },
}

return changing
