--- The options of auth, and which of its methods are on.
local METHODS = { guest = true, static = true, jwt = true, backend = true, password = true }

---@param gate moongate.Gate
local function declare(gate)
  local function option(name, spec) return gate:option(name, spec) end
  return {
    methods = option("methods", { default = { "guest" }, min = 1,
      about = "guest, static, jwt, backend, password: the first that knows a token decides" }),
    guest_prefix = option("guest_prefix", { default = "", max = 16,
      about = "before the names of guests; needed where there are others, too" }),
    max_connections_per_user = option("max_connections_per_user", { default = 20, min = 1,
      max = 1000000, about = "of one user at a time; one more is refused" }),
    hold_ms = option("hold_ms", { default = 600000, min = 0, max = 86400000,
      about = "guest: a name with a key is nobody else's for so long after its last connection" }),
    max_held = option("max_held", { default = 20000, min = 1, max = 1000000,
      about = "guest: names held for those who have gone" }),
    token_paths = option("token_paths", { default = { "/ws" },
      about = "routes on which the token of a handshake is looked at" }),
    grace_ms = option("grace_ms", { default = 10000, min = 0, max = 3600000,
      about = "after the end of a token, then the connection is closed" }),
    tokens = option("tokens", { default = {}, max = 10000,
      about = "static: { token or sha256, user, admin } each" }),
    tokens_file = option("tokens_file", { default = "",
      about = 'static: a file with "token user [admin]" in each line' }),
    backend_url = option("backend_url", { default = "",
      about = "backend: is told { token, address }" }),
    backend_headers = option("backend_headers", { default = {}, about = "backend: name to value" }),
    deadline_ms = option("deadline_ms", { default = 5000, min = 100, max = 25000,
      about = "backend: for an answer" }),
    cache_ms = option("cache_ms", { default = 30000, min = 0, max = 3600000,
      about = "backend: how long a good answer is kept" }),
    retry_ms = option("retry_ms", { default = 1000, min = 100, max = 60000,
      about = "backend: the first wait when it is down" }),
    register = option("register", { default = true,
      about = "password: whether people may make accounts for themselves" }),
    attempts_per_user = option("attempts_per_user", { default = 10, min = 1, max = 1000,
      about = "password: in ten minutes" }),
    attempts_per_address = option("attempts_per_address", { default = 100, min = 1, max = 100000,
      about = "password: in ten minutes" }),
    keys = option("keys", { default = {}, max = 50,
      about = "jwt: { kid, algorithm, secret or file } each" }),
    jwks_url = option("jwks_url", { default = "", about = "jwt: where keys are published" }),
    jwks_ttl_ms = option("jwks_ttl_ms", { default = 600000, min = 10000, max = 86400000,
      about = "jwt: how long published keys are not asked for again" }),
    overlap_ms = option("overlap_ms", { default = 3600000, min = 0, max = 604800000,
      about = "jwt: how long a key is good that is published no more" }),
    issuer = option("issuer", { default = "", about = "jwt: the claim iss" }),
    audience = option("audience", { default = "", about = "jwt: the claim aud" }),
    skew_ms = option("skew_ms", { default = 60000, min = 0, max = 600000,
      about = "jwt: what clocks may differ" }),
    require_exp = option("require_exp", { default = true,
      about = "jwt: whether a token without the claim exp is refused" }),
    max_lifetime_ms = option("max_lifetime_ms", { default = 2592000000, min = 60000,
      max = 315360000000, about = "jwt: how far from now exp may be" }),
    user_claim = option("user_claim", { default = "sub", min = 1, about = "jwt: who it is" }),
    admin_claim = option("admin_claim", { default = "", about = "jwt: true for admins" }),
    claims = option("claims", { default = {}, max = 32, about = "jwt: what plugins may know" }),
  }
end

--- name -> true. Raises what cannot be meant.
local function read_methods(options)
  local chosen = {}
  for i, name in ipairs(options.methods) do
    if not METHODS[name] or chosen[name] then
      error(('option "methods": entry %d: expected guest, static, jwt, backend or password, each '
        .. "once, got %s"):format(i, tostring(name)), 0)
    end
    chosen[name] = true
  end
  return chosen
end

--- Raises when one method could take the names of another's users.
local function check_names(options, chosen)
  if options.methods[2] and chosen.guest and options.guest_prefix == "" then
    error('option "guest_prefix": expected a text as "~" when guests are not alone: '
      .. "or a guest could take the name of somebody who has a token", 0)
  end
  if chosen.password and options.register and (chosen.static or chosen.jwt or chosen.backend) then
    error('option "register": expected false beside methods of tokens: '
      .. "or who registers could take the name of somebody who has a token", 0)
  end
end

---@param gate moongate.Gate
---@return table options
---@return table<string, true> chosen methods
return function(gate)
  local options = declare(gate)
  local chosen = read_methods(options)
  check_names(options, chosen)
  return options, chosen
end
