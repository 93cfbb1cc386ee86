local client = require "spec.support.client"
local file = require "spec.support.file"
local json = require "cjson"
local server = require "spec.support.server"
local token = require "spec.support.token"

local API = [[return function(gate)
  local keys = { { kid = "k", algorithm = "ES256", pem = PEM } }

  gate:http("POST", "/verify", function(request)
    local claims, code = gate.crypto:verify_jwt(request.body, keys, { issuer = "spec" })
    return { claims = claims, code = code }
  end)

  gate:http("POST", "/hash", function(request)
    return gate.crypto:hash_password(request.body)
  end)

  gate:http("POST", "/check", function(request)
    local hash, password = request.body:match "^(%S+) (.*)$"
    local is_right, more = gate.crypto:check_password(password, hash)
    return { is_right = is_right, more = more }
  end)

  -- Hashes 40 at once, and looks every millisecond how many are done.
  gate:http("POST", "/rush", function()
    local told, seen, ticks = { hashes = 0, full = 0 }, {}, 0
    for _ = 1, 40 do
      gate:spawn(function()
        local hash, reason = gate.crypto:hash_password "secret"
        local what = hash and "hashes" or reason
        told[what] = told[what] + 1
      end)
    end
    repeat
      gate:sleep(1)
      ticks = ticks + 1
      seen[told.hashes + 1] = true
    until told.hashes + told.full == 40
    return { hashes = told.hashes, full = told.full, ticks = ticks, between = #seen }
  end)

  -- Lets 16 be under way, and does not wait.
  gate:http("POST", "/begin", function()
    for _ = 1, 16 do gate:spawn(function() gate.crypto:hash_password "secret" end) end
    return "begun"
  end)
end]]

describe("gate.crypto on a server", function()
  local house, pair

  local function with_key()
    return (API:gsub("PEM", function() return ("%q"):format(pair.public) end))
  end

  setup(function()
    pair = token.pair "EC:P-256"
    house = server.start { plugins = { api = with_key() } }
  end)
  teardown(function() house:stop() end)

  local function post(path, body, port)
    local response = client.request(port or house.port, ("POST %s HTTP/1.1\r\nHost: x\r\n"
      .. "Connection: close\r\nContent-Length: %d\r\n\r\n%s"):format(path, #body, body))
    local text = response.socket:receive "*a"
    response.socket:close()
    assert.equal(200, response.status, text)
    return text
  end

  local function verify(claims, kid, private)
    return json.decode(post("/verify",
      token.by_key("ES256", json.encode(claims), private or pair.private, kid)))
  end

  it("believes the tokens of its key, by the clock of the machine", function()
    local now_s = os.time()
    assert.equal("ann", verify({ iss = "spec", sub = "ann", exp = now_s + 600 }, "k").claims.sub)
    assert.equal("expired_token", verify({ iss = "spec", exp = now_s - 600 }, "k").code)
    assert.equal("early_token", verify({ iss = "spec", nbf = now_s + 600 }, "k").code)
    assert.equal("bad_token", verify({ iss = "another" }, "k").code)
    assert.equal("bad_token", verify({ iss = "spec" }, "j").code)
    assert.equal("bad_token", verify({ iss = "spec" }, "k", token.pair("EC:P-256").private).code)
    assert.equal("bad_token", json.decode(post("/verify", "x.y.z")).code)
  end)

  it("hashes passwords on a thread, and knows them again", function()
    local hash = post("/hash", "secret")
    assert.matches("^%$argon2id%$", hash)
    assert.same({ is_right = true, more = false }, json.decode(post("/check", hash .. " secret")))
    assert.same({ is_right = false }, json.decode(post("/check", hash .. " Secret")))
    assert.same({ more = "bad_hash" }, json.decode(post("/check", hash .. "x$ secret")))
  end)

  it("refuses more passwords than are bound to end soon, and meanwhile does all else", function()
    local told = json.decode(post("/rush", ""))
    assert.is_true(told.hashes >= 16 and told.full > 0, told.hashes)
    assert.is_true(told.between > 2, told.between) -- the first does not wait for the last
    assert.is_true(told.ticks > 20, told.ticks)
    server.eventually("the metrics to say so", function()
      local metrics = house:metrics()
      return metrics.moongate_passwords_refused_total == told.full
        and metrics.moongate_passwords_pending == 0
        and metrics.moongate_passwords_total >= told.hashes
    end)
  end)

  it("is the same in moongate test", function()
    local folder = file.folder()
    file.run("mkdir " .. folder .. "/spec")
    file.write(folder .. "/init.lua", 'return { "api" }')
    file.write(folder .. "/api.lua", [[return function(gate)
      gate:on("run", function()
        local hash = gate.crypto:hash_password "secret"
        return { abc = gate.crypto:sha256 "abc",
          is_right = gate.crypto:check_password("secret", hash),
          problem = select(2, gate.crypto:jwk_to_key { kty = "RSA", n = "AQAB", e = "AQ" }) }
      end)
    end]])
    file.write(folder .. "/spec/api_spec.lua", [[
      local test = require "moongate.test"
      it("is what it is", function()
        local data = test.gate({ "api", "router" }):connect({ user = "ann" }):ask "run"
        assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", data.abc)
        assert.is_true(data.is_right)
        assert.equal("n, e: they make no key", data.problem)
      end)]])
    local status, out = server.run_to_end { "test", "--app", folder }
    file.run("rm -rf " .. folder)
    assert.equal(0, status, out)
    assert.matches("1 success / 0 failures", out)
  end)

  it("stops in order while passwords are under way", function()
    local other = server.start { plugins = { api = with_key() } }
    assert.equal("begun", post("/begin", "", other.port))
    other:stop()
  end)
end)
