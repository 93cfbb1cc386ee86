--- Who says "/seen ann" is told when Ann was here last, also after a restart with --store FILE.
--
--   { "seen", capabilities = { "store" } }

---@param gate moongate.Gate
return function(gate)
  gate:needs "messages"

  gate:after("closed", function(conn)
    if conn.user then gate.store:put(conn.user, gate:now_ms()) end
  end)

  gate:command("seen", function(_, words)
    local name = words.text
    if gate:user(name) then return { name = name, is_here = true } end
    local at, reason = gate.store:get(name)
    if not at then return nil, reason or "unknown", "nobody has seen them" end
    return { name = name, at = at }
  end, "says when somebody was here last")
end
