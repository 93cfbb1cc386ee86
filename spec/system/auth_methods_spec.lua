local client = require "spec.support.client"
local file = require "spec.support.file"
local json = require "cjson"
local fake_crypto = require "spec.support.fake_crypto"
local origins = require "spec.support.origin"
local server = require "spec.support.server"

local SECRET, STATIC = ("s"):rep(32), "ann's long token"
local HAS_CRYPTO = file.peek "bindings/moongate/crypto.lua" ~= nil

--- The methods that need gate.crypto, with real keys and signatures.
describe("auth by", function()
  if not HAS_CRYPTO then
    pending "tokens and passwords, where there is gate.crypto"
    return
  end

  local folder, house, origin, now_s

  local function openssl(format, ...)
    return file.output(("cd %s && openssl %s"):format(folder, format:format(...)))
  end

  setup(function()
    folder, origin, now_s = file.folder(), origins.open(), os.time()
    openssl "genrsa -out key.pem 2048"
    openssl "rsa -in key.pem -pubout -out public.pem"
  end)
  teardown(function() file.run("rm -rf " .. folder) end)
  after_each(function()
    house:stop()
    house = nil
  end)

  local function start(options)
    house = server.start { arguments = { "--fetch-allow", "127.0.0.0/8" },
      plugins = { init = ([[return { { "auth", options = { %s } }, "rooms", "messages", "router",
        trust = "trusted" }]]):format(options) } }
  end

  local function connect(headers)
    headers = headers or {}
    headers["Sec-WebSocket-Protocol"] = "moongate.v1.json"
    local conn = client.connect(house.port, "/ws", headers)
    conn:hears { type = "hello" }
    return conn
  end

  --- What a new connection gets, its data or its code.
  local function ask(kind, data)
    local conn = connect()
    local reply = conn:asks { type = kind, data = data }
    conn:cut()
    return reply.data and reply.data.user or reply.error.code
  end

  local function base64(text) return fake_crypto.base64(text) end

  --- A token signed with the RSA key.
  local function rsa(claims, header)
    local signed = base64(json.encode(header or { alg = "RS256" })) .. "."
      .. base64(json.encode(claims))
    file.write(folder .. "/signed", signed)
    openssl "dgst -sha256 -sign key.pem -out signature signed"
    return signed .. "." .. base64(file.read(folder .. "/signature"))
  end

  local function claims(more)
    local all = { sub = "ann", exp = now_s + 3600 }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  it("static tokens, with a reply or by the handshake", function()
    start(('methods = { "static" }, tokens = { { token = %q, user = "ann" } }'):format(STATIC))
    assert.equal("ann", ask("auth", { token = STATIC }))
    assert.equal("bad_token", ask("auth", { token = STATIC .. "x" }))
    local conn = connect { Authorization = "Bearer wrong" }
    assert.same({ 4501, "bad_token" }, { conn:is_closed() })
    assert.is_nil(house:log():find(STATIC, 1, true))
  end)

  it("JWTs: valid, expired, early, of a wrong signature, of none, and confused", function()
    start(([[methods = { "jwt" }, issuer = "id", keys = {
      { algorithm = "HS256", kid = "h", secret = %q },
      { algorithm = "RS256", file = %q } }]]):format(SECRET, folder .. "/public.pem"))
    local function hs(header, body, secret)
      header.alg = header.alg or "HS256"
      return ask("auth", { token = fake_crypto.sign(header, body, secret or SECRET) })
    end
    local good = claims { iss = "id" }
    assert.equal("ann", hs({ kid = "h" }, good))
    assert.equal("ann", ask("auth", { token = rsa(good) }))
    assert.equal("bad_token", ask("auth", { token = rsa(claims { iss = "other" }) }))
    assert.equal("expired_token", hs({ kid = "h" }, claims { iss = "id", exp = now_s - 120 }))
    assert.equal("early_token", hs({ kid = "h" }, claims { iss = "id", nbf = now_s + 600 }))
    assert.equal("bad_token", hs({ kid = "h" }, good, ("x"):rep(32)))
    assert.equal("bad_token", hs({ alg = "none" }, good))
    assert.equal("bad_token", hs({}, good, file.read(folder .. "/public.pem")))
    local unsigned = fake_crypto.sign({ alg = "none" }, good, SECRET):match "^.*%."
    assert.equal("bad_token", ask("auth", { token = unsigned }))
    local conn = connect { Authorization = "Bearer " .. rsa(good) }
    assert.equal("ann", conn:hears({ type = "authenticated" }).user)
    conn:cut()
  end)

  it("JWTs with keys that are published", function()
    start(('methods = { "jwt" }, jwks_url = %q'):format(origin:url "/keys"))
    local modulus = openssl "rsa -in key.pem -noout -modulus":match "=(%x+)"
    local jwk = { kty = "RSA", kid = "k1", use = "sig", alg = "RS256", e = "AQAB",
      n = base64((modulus:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))) }
    local conn = connect()
    conn:says { type = "auth", id = 1, data = { token = rsa(claims(),
      { alg = "RS256", kid = "k1" }) } }
    origin:take():answer(200, {}, json.encode { keys = { jwk } })
    assert.equal("ann", conn:hears({ type = "reply", id = 1 }).data.user)
    assert.equal("bad_token", ask("auth", { token = rsa(claims(), { alg = "RS256", kid = "k2" }) }))
    conn:cut()
  end)

  it("a backend, which is asked once", function()
    start(('methods = { "backend" }, max_connections_per_user = 100, backend_url = %q'):format(
      origin:url "/check"))
    local conns = {}
    for i = 1, 50 do
      conns[i] = connect()
      conns[i]:says { type = "auth", id = 1, data = { token = "opaque" } }
    end
    local visit = origin:take()
    assert.same({ token = "opaque", address = "127.0.0.1" }, json.decode(visit.body))
    visit:answer(200, {}, '{"user":"ann"}')
    for i = 1, 50 do
      assert.equal("ann", conns[i]:hears({ type = "reply", id = 1 }).data.user)
      conns[i]:cut()
    end
    assert.equal("ann", ask("auth", { token = "opaque" }))
    assert.is_true(origin:is_alone())
  end)

  it("a name and a password", function()
    start 'methods = { "password", "guest" }, guest_prefix = "~"'
    assert.equal("ann", ask("register", { user = "ann", password = "correct horse" }))
    assert.equal("name_taken", ask("register", { user = "ann", password = "battery staple" }))
    assert.equal("ann", ask("auth", { user = "ann", password = "correct horse" }))
    assert.equal("bad_password", ask("auth", { user = "ann", password = "battery staple" }))
    assert.equal("bad_password", ask("auth", { user = "bob", password = "battery staple" }))
    assert.equal("~ann", ask("auth", { name = "ann" }))
  end)
end)
