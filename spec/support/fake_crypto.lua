--- Text of a plugin that gives all others a gate.crypto, for specs of plugins that use it: its
--- tokens are numbered, its hashes are readable, and it takes 10 ms for one.
return [[
return function(gate)
  local count = 0
  local fake = {}

  function fake:token(bytes)
    assert(bytes >= 16 and bytes <= 64)
    count = count + 1
    return ("token-%d"):format(count)
  end

  function fake:hash_password(password)
    gate:sleep(10)
    return "hash of " .. password
  end

  function fake:check_password(password, hash)
    gate:sleep(10)
    return hash == "hash of " .. password, false
  end

  getmetatable(getmetatable(gate).__index).__index.crypto = fake
end
]]
