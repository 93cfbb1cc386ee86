local certificate = require "spec.support.certificate"
local client = require "spec.support.client"
local server = require "spec.support.server"
local signal = require "posix.signal"
local socket = require "socket"

local HANDSHAKE_TIMEOUT_MS = 300
local REFUSED = "tls: not renewed, the old certificate stays: "

local function iso(time_s) return os.date("!%Y-%m-%dT%H:%M:%SZ", time_s) end

--- Puts another pair where the server's is, each file in one step. In between the pair does
--- not fit; should the server look just then, it says so.
local function put(house, cert, key)
  house:expects(house.key .. ": is not the key of " .. house.cert)
  assert(os.rename(cert, house.cert))
  assert(os.rename(key, house.key))
end

--- Makes a pair to put in place of the server's.
local function make(house, options)
  options = options or {}
  options.folder, options.name = house.folder, "next"
  return certificate.make(options)
end

--- The certificate that a newcomer is shown.
local function shown(house)
  local guest = client.connect(house.port)
  local fingerprint = guest:fingerprint()
  guest:close()
  return fingerprint
end

local function says_in_force(house, fingerprint, not_after_s)
  house:logs(("tls: certificate %s is in force until %s"):format(fingerprint:sub(1, 16),
    iso(not_after_s)))
end

describe("a certificate", function()
  local house, first

  before_each(function()
    house = server.start { tls = true, arguments = { "--threads", "2" } }
    first = certificate.fingerprint(house.cert)
  end)

  after_each(function() house:stop() end)

  it("is what clients see from the start, and the log says so", function()
    assert.equal(first, shown(house))
    house:logs("tls: certificate " .. first:sub(1, 16) .. " is in force until ")
  end)

  it("is replaced under 200 connections, which go on talking", function()
    local rooms, members = 20, 10
    local guests = {}
    for i = 1, rooms * members do
      guests[i] = client.guest(house.port, "g" .. i, "room" .. i % rooms)
      assert.equal(first, guests[i]:fingerprint())
    end
    local function talk(round)
      for i, guest in ipairs(guests) do
        guest:says { type = "say", room = "room" .. i % rooms, data = { i, round } }
      end
      for i, guest in ipairs(guests) do
        local heard = {}
        for _ = 1, members do
          local said = guest:hears { type = "said" }
          assert.same({ i % rooms, round }, { said.data[1] % rooms, said.data[2] })
          assert.is_nil(heard[said.data[1]])
          heard[said.data[1]] = true
        end
      end
    end
    talk(1)
    local not_after_s = os.time() + 86400
    local cert, key = make(house, { not_after_s = not_after_s })
    local second = certificate.fingerprint(cert)
    assert.not_equal(first, second)
    put(house, cert, key)
    house:signal(signal.SIGHUP)
    says_in_force(house, second, not_after_s)
    talk(2)
    for _ = 1, 20 do -- whichever thread takes them
      server.eventually("the new certificate", function() return shown(house) == second end)
    end
    talk(3)
    for _, guest in ipairs(guests) do assert.equal(1000, guest:close()) end
  end)

  it("is replaced when its files are, without a signal", function()
    local not_after_s = os.time() + 86400
    local cert, key = make(house, { not_after_s = not_after_s })
    local second = certificate.fingerprint(cert)
    put(house, cert, key)
    says_in_force(house, second, not_after_s)
    server.eventually("the new certificate", function() return shown(house) == second end)
  end)

  it("may get a key of another type", function()
    local not_after_s = os.time() + 86400
    local cert, key = make(house, { key = "rsa", not_after_s = not_after_s })
    local second = certificate.fingerprint(cert)
    put(house, cert, key)
    house:signal(signal.SIGHUP)
    says_in_force(house, second, not_after_s)
    server.eventually("the new certificate", function() return shown(house) == second end)
  end)

  --- The server refuses what lies there, keeps what it has, and takes a good pair later.
  local function stays(problem)
    house:expects(REFUSED .. problem)
    local ann = client.guest(house.port, "ann", "tea")
    house:signal(signal.SIGHUP)
    house:logs(REFUSED .. problem)
    assert.equal(first, shown(house))
    assert.is_true(ann:asks({ type = "ping" }).ok)
    local not_after_s = os.time() + 86400
    local cert, key = make(house, { not_after_s = not_after_s })
    local third = certificate.fingerprint(cert)
    put(house, cert, key)
    house:signal(signal.SIGHUP)
    says_in_force(house, third, not_after_s)
    server.eventually("the good certificate", function() return shown(house) == third end)
    assert.is_true(ann:asks({ type = "ping" }).ok)
    ann:close()
  end

  it("stays when the new one and the key do not belong together", function()
    local cert = make(house)
    assert(os.rename(cert, house.cert))
    stays(house.key .. ": is not the key of " .. house.cert)
  end)

  it("stays when the new one has expired", function()
    local not_after_s = os.time() - 60
    put(house, make(house, { days = -1, not_after_s = not_after_s }))
    stays(house.cert .. ": expired on " .. iso(not_after_s))
  end)

  it("stays when a file has gone", function()
    assert(os.remove(house.key))
    stays(house.key .. ": cannot be read: No such file or directory")
  end)
end)

describe("TLS", function()
  local house, ann

  setup(function()
    house = server.start { tls = true,
      arguments = { "--handshake-timeout-ms", tostring(HANDSHAKE_TIMEOUT_MS) } }
    ann = client.guest(house.port, "ann", "tea")
  end)

  teardown(function()
    ann:close()
    house:stop()
  end)

  after_each(function() assert.is_true(ann:asks({ type = "ping" }).ok) end)

  for protocol, name in pairs { tlsv1_2 = "TLSv1.2", tlsv1_3 = "TLSv1.3" } do
    it("is spoken in version " .. name, function()
      local bob = client.connect(house.port, "/ws", nil, { mode = "client", protocol = protocol })
      assert.equal(name, bob.socket:info "protocol")
      assert.equal(1000, bob:close())
    end)
  end

  for _, protocol in ipairs { "tlsv1", "tlsv1_1" } do
    it("is not spoken in version " .. protocol, function()
      local params = { mode = "client", protocol = protocol, ciphers = "ALL:@SECLEVEL=0" }
      local stream, problem = client.open(house.port, params)
      assert.is_nil(stream)
      assert.equal("tlsv1 alert protocol version", problem) -- said by the server
    end)
  end

  --- Milliseconds until the server has cut a connection that has nothing more to say.
  local function cut_after_ms(stream, since_s)
    local problem
    repeat
      local _
      _, problem = stream:receive(1)
    until problem
    assert.equal("closed", problem)
    stream:close()
    return (socket.gettime() - since_s) * 1000
  end

  it("is not taken for granted: a request in plain text gets no upgrade", function()
    local response = client.request(house.port, client.upgrade("/ws", house.port), false)
    assert.not_equal(101, response.status)
    cut_after_ms(response.socket, 0)
  end)

  for what, bytes in pairs {
    ["that says nothing"] = "",
    ["that stops in its first record"] = "\22\3\1\2\0\1\0\1",
  } do
    it("is not waited for longer than the deadline, from a client " .. what, function()
      local since_s = socket.gettime()
      local stream = client.open(house.port, false)
      stream:send(bytes)
      assert.is_true(cut_after_ms(stream, since_s) >= HANDSHAKE_TIMEOUT_MS * 0.9)
    end)
  end

  it("is not enough: a client that says nothing more is cut at the deadline too", function()
    local since_s = socket.gettime()
    local stream = client.open(house.port)
    assert.is_true(cut_after_ms(stream, since_s) >= HANDSHAKE_TIMEOUT_MS * 0.9)
  end)
end)

describe("a server with TLS", function()
  local folder

  setup(function() folder = certificate.run("mktemp -d"):match "%S+" end)
  teardown(function() certificate.run("rm -r " .. folder) end)

  --- It says why in one line, and ends.
  local function fails(words, ...)
    local arguments = { "run", "--port", "0", ... }
    local status, out, err = server.run_to_end(arguments)
    assert.not_equal(0, status)
    assert.equal("", out)
    for _, word in ipairs(words) do assert.is_truthy(err:find(word, 1, true), err) end
  end

  it("does not start with a pair that is not good", function()
    local ann_cert, ann_key = certificate.make { folder = folder, name = "ann" }
    local _, bob_key = certificate.make { folder = folder, name = "bob" }
    local old_cert, old_key = certificate.make { folder = folder, name = "old", days = -1 }
    fails({ bob_key .. ": is not the key of " .. ann_cert }, "--tls-cert", ann_cert, "--tls-key",
      bob_key)
    fails({ old_cert .. ": expired on " }, "--tls-cert", old_cert, "--tls-key", old_key)
    fails({ "no/such.pem: cannot be read: No such file" }, "--tls-cert", "no/such.pem",
      "--tls-key", ann_key)
  end)

  it("does not start with one file of the two", function()
    local cert, key = certificate.make { folder = folder, name = "one" }
    fails({ "--tls-key" }, "--tls-cert", cert)
    fails({ "--tls-cert" }, "--tls-key", key)
  end)
end)
