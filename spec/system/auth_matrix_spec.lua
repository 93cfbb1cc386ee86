--- Each method of auth in each case that may come over it, on the real server: what becomes of a
--- client, or why there is no such case.
local client = require "spec.support.client"
local crowd = require "spec.support.crowd"
local file = require "spec.support.file"
local json = require "cjson"
local jwk = require "spec.support.jwk"
local origins = require "spec.support.origin"
local server = require "spec.support.server"
local token = require "spec.support.token"

local METHODS = { "guest", "static", "HS256", "RS256", "ES256", "published RS256",
  "published ES256", "backend", "password" }
local CASES = { "valid", "expired", "not yet valid", "of a wrong signature",
  "of the algorithm none", "of a confused key", "of a rotated key",
  "of a backend that is slow", "of one that is down" }

local STATIC, NEWER = "the long token of Ann", "another long token of Ann"
local SECRETS = { k1 = ("1"):rep(32), k2 = ("2"):rep(32), stranger = ("3"):rep(32) }
local PASSWORD = "correct horse"

describe("auth", function()
  local folder, house, origin, pairs_of

  setup(function()
    folder, pairs_of = file.folder(), { RS256 = {}, ES256 = {} }
    for _, kid in ipairs { "k1", "k2", "stranger" } do
      for algorithm, kind in pairs { RS256 = "RSA:2048", ES256 = "EC:P-256" } do
        local pair = token.pair(kind)
        pairs_of[algorithm][kid] = pair
        file.write(("%s/%s-%s"):format(folder, algorithm, kid), pair.public)
      end
    end
  end)
  teardown(function() file.run("rm -rf " .. folder) end)

  before_each(function() origin = origins.open() end)
  after_each(function()
    if house then house:stop() end
    if origin then origin:close() end
    house, origin = nil, nil
  end)

  -- ---- the server ----

  local function list_of(options)
    return ([[return { { "auth", options = { %s } }, "rooms", "messages", "router",
      trust = "trusted" }]]):format(options)
  end

  local function start(options, tls)
    house = server.start { tls = tls, arguments = { "--fetch-allow", "127.0.0.0/8" },
      plugins = { init = list_of(options) } }
  end

  --- With these options from now on.
  local function change(options)
    house:save("init", list_of(options))
    house:logs "generation 2"
  end

  local function connect()
    return client.connect(house.port, "/ws",
      { ["Sec-WebSocket-Protocol"] = "moongate.v1.json" })
  end

  --- Sends a request that makes a connection somebody; what() is the user, or the code.
  local function begin(data, type_name)
    local conn = connect()
    conn:says { type = type_name or "auth", id = "auth", data = data }
    return function()
      local reply = conn:hears { id = "auth" }
      conn:cut()
      return reply.ok and reply.data.user or reply.error.code
    end
  end

  local function ask(data, type_name) return begin(data, type_name)() end

  -- ---- tokens ----

  local function claims(more)
    local all = { sub = "ann", exp = os.time() + 3600 }
    for name, value in pairs(more or {}) do all[name] = value end
    return json.encode(all)
  end

  --- Signed by the key of that name; `kid` may claim another.
  local function signed(algorithm, name, body, kid)
    if algorithm == "HS256" then
      local header = json.encode { alg = "HS256", kid = kid or name }
      return token.by_secret(header, body or claims(), SECRETS[name])
    end
    local pem = pairs_of[algorithm][name].private
    return token.by_key(algorithm, body or claims(), pem, kid or name)
  end

  --- Of the algorithm none, with a signature all the same or without one.
  local function unsigned(signature)
    return ("%s.%s.%s"):format(token.base64 '{"alg":"none","kid":"k1"}', token.base64(claims()),
      signature or "")
  end

  -- ---- tokens that keys of the options sign ----

  local function key(algorithm, kid)
    if algorithm == "HS256" then
      return ("{ kid = %q, algorithm = %q, secret = %q }"):format(kid, algorithm, SECRETS[kid])
    end
    return ("{ kid = %q, algorithm = %q, file = %q }"):format(kid, algorithm,
      ("%s/%s-%s"):format(folder, algorithm, kid))
  end

  local function keys(algorithm, ...)
    local all = {}
    for i, kid in ipairs { ... } do all[i] = key(algorithm, kid) end
    return ('methods = { "jwt" }, keys = { %s }'):format(table.concat(all, ", "))
  end

  --- One that would be right if the key were taken for what it is not.
  local function confused(algorithm)
    if algorithm == "HS256" then return signed("RS256", "k1") end
    return token.by_secret('{"alg":"HS256","kid":"k1"}', claims(),
      pairs_of[algorithm].k1.public)
  end

  --- The cells that all signed tokens have; start_known() starts a server that knows k1.
  local function cells_of(algorithm, start_known)
    local row = {}
    local function worth(text)
      start_known()
      return ask { token = text }
    end
    row.valid = { "ann", function() return worth(signed(algorithm, "k1")) end }
    row.expired = { "expired_token", function()
      return worth(signed(algorithm, "k1", claims { exp = os.time() - 120 }))
    end }
    row["not yet valid"] = { "early_token", function()
      return worth(signed(algorithm, "k1", claims { nbf = os.time() + 600 }))
    end }
    row["of a wrong signature"] = { "bad_token", function()
      return worth(signed(algorithm, "stranger", nil, "k1"))
    end }
    row["of the algorithm none"] = { "bad_token bad_token", function()
      local good = signed(algorithm, "k1")
      return worth(unsigned()) .. " " .. ask { token = unsigned(good:match "[^.]*$") }
    end }
    row["of a confused key"] = { "bad_token", function()
      return worth(confused(algorithm))
    end }
    return row
  end

  local function with_keys(algorithm)
    local row = cells_of(algorithm, function() start(keys(algorithm, "k1")) end)
    row["of a rotated key"] = { "ann ann bad_token ann", function()
      local first, second = { token = signed(algorithm, "k1") }, { token = signed(algorithm, "k2") }
      start(keys(algorithm, "k1", "k2"))
      local both = ask(first) .. " " .. ask(second)
      change(keys(algorithm, "k2"))
      return ("%s %s %s"):format(both, ask(first), ask(second))
    end }
    row["of a backend that is slow"] = "the keys are in the options: nobody is asked"
    row["of one that is down"] = "the keys are in the options: nobody is asked"
    return row
  end

  -- ---- tokens that published keys sign ----

  local function published(algorithm)
    local function publish(visit, kid)
      local public = jwk.of(algorithm, pairs_of[algorithm][kid].public, kid)
      visit:answer(200, { Connection = "close" }, json.encode { keys = { public } })
      visit.socket:close() -- or the next visit would come over it, too
    end

    local function start_unknown()
      start(('methods = { "jwt" }, jwks_url = %q'):format(origin:url "/keys"))
    end

    local function start_known()
      start_unknown()
      local what = begin { token = signed(algorithm, "k1") }
      publish(origin:take(), "k1")
      assert.equal("ann", what())
    end

    --- A token with a kid that is not known; publishes that if the server asks, which it does
    --- every 10 s at most.
    local function try_newer()
      local what = begin { token = signed(algorithm, "k2") }
      if origin:is_visited(0.5) then publish(origin:take(), "k2") end
      return what() == "ann"
    end

    local row = cells_of(algorithm, start_known)
    row["of a rotated key"] = { "bad_token ann ann bad_token", function()
      start_known()
      local first = ask { token = signed(algorithm, "k2") }
      server.eventually("the server to ask again", try_newer)
      return ("%s %s %s %s"):format(first, ask { token = signed(algorithm, "k2") },
        ask { token = signed(algorithm, "k1") }, -- which is on its way out
        ask { token = signed(algorithm, "stranger") })
    end }
    row["of a backend that is slow"] = { "pong ann", function()
      start_unknown()
      local what, visit, other = begin { token = signed(algorithm, "k1") }, origin:take(), connect()
      local pong = other:asks({ type = "ping" }).ok and "pong"
      other:cut()
      publish(visit, "k1")
      return pong .. " " .. what()
    end }
    row["of one that is down"] = { "ann unavailable", function()
      start_known()
      local url = origin:url "/keys"
      origin:close()
      origin = nil
      local known = ask { token = signed(algorithm, "k1") }
      house:stop()
      start(('methods = { "jwt" }, jwks_url = %q'):format(url))
      return known .. " " .. ask { token = signed(algorithm, "k1") }
    end }
    return row
  end

  -- ---- the others ----

  local static = ('methods = { "static" }, tokens = { { token = %q, user = "ann" } }')

  local function start_static() start(static:format(STATIC)) end

  --- What a backend makes of a token with this answer; nil: it says nothing in time.
  local function by_backend(text, status, body)
    start(('methods = { "backend" }, deadline_ms = 200, backend_url = %q'):format(origin:url()))
    local what = begin { token = text }
    local visit = origin:take()
    assert.equal(text, json.decode(visit.body).token)
    if status then visit:answer(status, {}, body) end
    return what()
  end

  local function start_password()
    start 'methods = { "password" }'
    assert.equal("ann", ask({ user = "ann", password = PASSWORD }, "register"))
  end

  local NO_TOKEN = "there is no token, but a name that is free"
  local ASKED = "the backend decides what a token is worth: it knows no algorithm here"
  local STORED = "accounts are in the store; one that fails: spec/scripts/auth/password_spec.lua"

  local CELLS = {
    guest = {
      valid = { "ann", function()
        start 'methods = { "guest" }'
        return ask { name = "ann" }
      end },
      expired = NO_TOKEN, ["not yet valid"] = NO_TOKEN, ["of the algorithm none"] = NO_TOKEN,
      ["of a confused key"] = NO_TOKEN,
      ["of a wrong signature"] = { "name_taken", function() -- of another key, as near as it comes
        start 'methods = { "guest" }'
        local first = connect()
        assert.is_true(first:asks({ type = "auth", data = { name = "ann", key = "one" } }).ok)
        local code = ask { name = "ann", key = "two" }
        first:cut()
        return code
      end },
      ["of a rotated key"] = "a key goes when the name's last connection does: guest_spec.lua",
      ["of a backend that is slow"] = "nobody is asked",
      ["of one that is down"] = "nobody is asked",
    },
    static = {
      valid = { "ann", function()
        start_static()
        return ask { token = STATIC }
      end },
      expired = "a token of a list has no end", ["not yet valid"] = "it has no beginning",
      ["of a wrong signature"] = { "bad_token", function()
        start_static()
        return ask { token = STATIC .. "x" }
      end },
      ["of the algorithm none"] = { "bad_token", function()
        start_static()
        return ask { token = unsigned() }
      end },
      -- What is kept of a token, in place of the token.
      ["of a confused key"] = { "bad_token", function()
        local hash = file.output(("printf %%s %q | sha256sum"):format(STATIC)):match "%x+"
        start(('methods = { "static" }, tokens = { { sha256 = %q, user = "ann" } }'):format(hash))
        assert.equal("ann", ask { token = STATIC })
        return ask { token = hash }
      end },
      ["of a rotated key"] = { "bad_token ann", function()
        start_static()
        change(static:format(NEWER))
        return ask { token = STATIC } .. " " .. ask { token = NEWER }
      end },
      ["of a backend that is slow"] = "the tokens are in the options: nobody is asked",
      ["of one that is down"] = "the tokens are in the options: nobody is asked",
    },
    HS256 = with_keys "HS256", RS256 = with_keys "RS256", ES256 = with_keys "ES256",
    ["published RS256"] = published "RS256",
    ["published ES256"] = published "ES256",
    backend = {
      valid = { "ann", function() return by_backend("opaque", 200, '{"user":"ann"}') end },
      expired = { "expired_token", function()
        return by_backend("opaque", 200, '{"user":"ann","expires_at":1000}')
      end },
      ["not yet valid"] = "a backend says who it is, or 401: it has no word for early",
      ["of a wrong signature"] = { "bad_token", function() return by_backend("opaque", 401) end },
      ["of the algorithm none"] = { "bad_token", function()
        return by_backend(unsigned(), 403) -- goes there as it is
      end },
      ["of a confused key"] = ASKED, ["of a rotated key"] = ASKED,
      ["of a backend that is slow"] = { "unavailable", function()
        return by_backend "opaque"
      end },
      ["of one that is down"] = { "unavailable", function()
        local url = origin:url()
        origin:close()
        origin = nil
        start(('methods = { "backend" }, backend_url = %q'):format(url))
        return ask { token = "opaque" }
      end },
    },
    password = {
      valid = { "ann", function()
        start_password()
        return ask { user = "ann", password = PASSWORD }
      end },
      expired = "a password has no end", ["not yet valid"] = "it has no beginning",
      ["of a wrong signature"] = { "bad_password bad_password", function()
        start_password()
        return ask { user = "ann", password = PASSWORD .. "x" } .. " "
          .. ask { user = "bob", password = PASSWORD }
      end },
      ["of the algorithm none"] = "nothing is signed", ["of a confused key"] = "nothing is signed",
      ["of a rotated key"] = "by auth.set_password: spec/scripts/auth/password_spec.lua",
      ["of a backend that is slow"] = STORED, ["of one that is down"] = STORED,
    },
  }

  for _, method in ipairs(METHODS) do
    for _, case in ipairs(CASES) do
      local cell = CELLS[method] and CELLS[method][case]
      if type(cell) ~= "string" then
        it(("by %s, %s, is decided"):format(method, case), function()
          assert.is_table(cell, "a hole in the matrix")
          assert.equal(cell[1], cell[2]())
        end)
      end
    end
  end

  it("by a backend, in a storm of 1,000 that come back with one token, makes one call", function()
    start(('methods = { "backend" }, max_connections_per_user = 3000, backend_url = %q'):format(
      origin:url()), false)
    local visit
    for round = 1, 2 do
      local granted = 0
      local many = crowd.connect(house.port, 1000, "/ws", { heard = function(_, text)
        if text:find('"ok":true', 1, true) then granted = granted + 1 end
      end }):enter()
      for _, member in ipairs(many) do
        member:send '{"type":"auth","data":{"token":"opaque"}}'
      end
      if round == 1 then
        visit = origin:take()
        visit:answer(200, {}, '{"user":"ann"}')
      end
      many:run(function() return granted == 1000 end, function() return granted .. " granted" end)
      many:leave()
    end
    assert.is_true(origin:is_alone())
    server.eventually("the metrics to say so", function()
      local metrics = house:metrics()
      return metrics['plugin_auth_accepted_total{method="backend"}'] == 2000
        and metrics['plugin_auth_backend_calls_total{outcome="accepted"}'] == 1
    end)
  end)

  it("has no case that is not in the matrix, and no cell that is in no case", function()
    local is_case, applies = {}, 0
    for _, case in ipairs(CASES) do is_case[case] = true end
    for method, row in pairs(CELLS) do
      for case, cell in pairs(row) do
        assert.is_true(is_case[case], ("%s %s"):format(method, case))
        if type(cell) == "table" then applies = applies + 1 end
      end
    end
    assert.equal(54, applies)
  end)
end)
