local ffi = require "ffi"
local certificate = require "spec.support.certificate"
local core = require "spec.support.core"
local C = core.load_apart("core/tls.h", "tls")

-- Of OpenSSL, which comes with the library: what a server and a client in one process need.
ffi.cdef [[
  const void *TLS_server_method(void);
  const void *TLS_client_method(void);
  void *SSL_CTX_new(const void *method);
  void SSL_CTX_free(void *ctx);
  long SSL_CTX_ctrl(void *ctx, int command, long number, void *pointer);
  int SSL_CTX_set_cipher_list(void *ctx, const char *ciphers);
  int SSL_CTX_get_security_level(const void *ctx);
  void SSL_CTX_set_security_level(void *ctx, int level);
  void *SSL_new(void *ctx);
  void SSL_free(void *ssl);
  void SSL_set_accept_state(void *ssl);
  void SSL_set_connect_state(void *ssl);
  void SSL_set_bio(void *ssl, void *in, void *out);
  int SSL_do_handshake(void *ssl);
  int SSL_version(const void *ssl);
  void *SSL_get1_peer_certificate(const void *ssl);
  void *SSL_get_peer_cert_chain(const void *ssl);
  int OPENSSL_sk_num(const void *stack);
  int BIO_new_bio_pair(void **one, size_t one_bytes, void **other, size_t other_bytes);
  int X509_digest(const void *cert, const void *type, unsigned char *digest, unsigned *bytes);
  void X509_free(void *cert);
  const void *EVP_sha256(void);
  unsigned long ERR_peek_error(void);
  void ERR_clear_error(void);
]]

local SET_MAX_VERSION = 124 -- SSL_CTRL_SET_MAX_PROTO_VERSION
local TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x301, 0x302, 0x303, 0x304

describe("a certificate and its key", function()
  local now_s = os.time()
  local folder, authority, ann_cert, ann_key, bob_cert, bob_key

  local function make(name, options)
    options = options or {}
    options.folder, options.name = folder, name
    return certificate.make(options)
  end

  local function path(name) return folder .. "/" .. name end

  local function save(name, text)
    certificate.write(path(name), text)
    return path(name)
  end

  setup(function()
    folder = certificate.run("mktemp -d"):match "%S+"
    local cert, key = make("authority", { is_authority = true })
    authority = { cert = cert, key = key }
    ann_cert, ann_key = make("ann", { by = authority })
    bob_cert, bob_key = make "bob"
  end)

  teardown(function() certificate.run("rm -r " .. folder) end)
  after_each(core.tidy)

  --- What is written beyond the end of it, a sanitizer notices.
  local function room(bytes)
    return ffi.cast("char *", core.keep(C.moon_alloc(bytes), C.moon_free))
  end

  local function load(cert, key, at_s)
    local problem = room(C.MOON_TLS_PROBLEM_BYTES)
    local tls = C.moon_tls_load(cert, key, at_s or now_s, problem)
    assert.equal(0, tonumber(C.ERR_peek_error()))
    if tls ~= nil then return core.keep(tls, C.moon_tls_destroy) end
    return nil, (ffi.string(problem):gsub(folder .. "/", ""))
  end

  local function fingerprint(tls)
    local text = room(65)
    C.moon_tls_fingerprint(tls, text)
    return ffi.string(text)
  end

  local function refuses(problem, cert, key, at_s)
    local tls, said = load(cert, key, at_s)
    assert.is_nil(tls)
    assert.equal(problem, said)
  end

  describe("when loaded", function()
    it("are known by the SHA-256 of the leaf and the end of its time", function()
      local cert, key = make("till", { not_after_s = now_s + 77 })
      local tls = assert(load(cert, key))
      assert.equal(certificate.fingerprint(cert), fingerprint(tls))
      assert.equal(now_s + 77, tonumber(C.moon_tls_not_after_s(tls)))
    end)

    it("are good from the first second to the last, and in no other", function()
      local cert, key = make("span", { not_before_s = 1767323045, not_after_s = 1798859045 })
      assert.is_truthy(load(cert, key, 1767323045))
      assert.is_truthy(load(cert, key, 1798859045))
      refuses("span.pem: not valid before 2026-01-02T03:04:05Z", cert, key, 1767323044)
      refuses("span.pem: expired on 2027-01-02T03:04:05Z", cert, key, 1798859046)
    end)

    it("may outlive the year 2050, where certificates write times otherwise", function()
      local cert, key = make("long", { not_after_s = 4102444800 })
      local tls = assert(load(cert, key))
      assert.equal(4102444800, tonumber(C.moon_tls_not_after_s(tls)))
      refuses("long.pem: expired on 2100-01-01T00:00:00Z", cert, key, 4102444801)
    end)

    it("do not expire with one of their issuers", function()
      local old_cert, old_key = make("old", { is_authority = true, days = -1 })
      local cert, key = make("child", { by = { cert = old_cert, key = old_key } })
      assert.is_truthy(load(cert, key))
    end)

    it("are refused when they do not belong together", function()
      refuses("bob.key.pem: is not the key of ann.pem", ann_cert, bob_key)
      local rsa_cert, rsa_key = make("other", { key = "rsa" })
      refuses("other.key.pem: is not the key of ann.pem", ann_cert, rsa_key)
      refuses("bob.key.pem: is not the key of other.pem", rsa_cert, bob_key)
    end)

    it("are refused when the leaf is not the first", function()
      local leaf, issuer = certificate.read(ann_cert):match("^(.-END CERTIFICATE%-+\n)(.+)$")
      local turned = save("turned.pem", issuer .. leaf)
      refuses("turned.pem: expected the certificate of ann.key.pem first", turned, ann_key)
    end)

    it("are refused when OpenSSL finds the key weak", function()
      local cert, key = make("weak", { key = "weak" })
      refuses("weak.pem: refused by OpenSSL: ee key too small", cert, key)
    end)

    it("are refused with a password, without asking for it", function()
      local cert, key = make("locked", { password = "secret" })
      local expected = "locked.key.pem: expected a private key in PEM without a password"
      refuses(expected, cert, key)
      certificate.run(("openssl ec -aes128 -passout pass:x -in %s -out %s"):format(bob_key,
        path "traditional.pem"))
      assert.matches("Proc%-Type", certificate.read(path "traditional.pem"))
      refuses((expected:gsub("locked.key", "traditional")), bob_cert, path "traditional.pem")
    end)

    it("may be in one file", function()
      local cert, key = certificate.read(bob_cert), certificate.read(bob_key)
      for name, text in pairs { ["one.pem"] = cert .. key, ["two.pem"] = key .. cert } do
        local tls = assert(load(save(name, text), path(name)))
        assert.equal(certificate.fingerprint(bob_cert), fingerprint(tls))
      end
    end)

    it("may have comments, lines as Windows writes them, and keys in the older form", function()
      certificate.run(("openssl ec -in %s -out %s"):format(bob_key, path "older.pem"))
      local older = certificate.read(path "older.pem")
      assert.matches("BEGIN EC PRIVATE KEY", older)
      local parameters = certificate.run "openssl ecparam -name prime256v1"
      local key = save("crlf.key.pem", (("# key\n" .. parameters .. older):gsub("\n", "\r\n")))
      local cert = save("crlf.pem", (("Bob\n" .. certificate.read(bob_cert)):gsub("\n", "\r\n")))
      assert.is_truthy(load(cert, key))
    end)

    for what, case in pairs {
      ["is not there"] = { "none", false, "cannot be read: No such file or directory" },
      ["is empty"] = { "empty", "", "expected a %s in PEM" },
      ["is something else"] = { "else", "moon\0gate\n", "expected a %s in PEM" },
    } do
      it("are refused when a file " .. what, function()
        local name, text, problem = unpack(case)
        if text then save(name, text) end
        refuses(name .. ": " .. problem:format "certificate", path(name), ann_key)
        refuses(name .. ": " .. problem:format "private key", ann_cert, path(name))
      end)
    end

    it("are refused when one is a folder", function()
      local problem = folder .. ": cannot be read: Is a directory"
      refuses(problem, folder, ann_key)
      refuses(problem, ann_cert, folder)
    end)

    it("are refused when one is a pipe, without waiting for a writer", function()
      certificate.run("mkfifo " .. path "pipe")
      refuses("pipe: expected a certificate in PEM", path "pipe", ann_key)
      refuses("pipe: expected a private key in PEM", ann_cert, path "pipe")
    end)

    it("are refused above 1 MiB", function()
      local limit = 1048576
      for _, name in ipairs { "bob.pem", "bob.key.pem" } do
        local text = certificate.read(path(name))
        local long = save("long_" .. name, text .. ("\n"):rep(limit - #text))
        local is_key = name == "bob.key.pem"
        local cert, key = is_key and bob_cert or long, is_key and long or bob_key
        assert.is_truthy(load(cert, key))
        save("long_" .. name, text .. ("\n"):rep(limit - #text + 1))
        refuses("long_" .. name .. ": expected at most 1048576 bytes", cert, key)
      end
      refuses("/dev/zero: expected at most 1048576 bytes", "/dev/zero", ann_key)
    end)

    it("are refused at each place where a file may have been cut off", function()
      local text = certificate.read(ann_cert)
      local first = text:find("END CERTIFICATE", 1, true)
      local second = text:find("BEGIN CERTIFICATE", first, true) + 25
      for _, length in ipairs { 40, first - 10, first + 5 } do
        refuses("cut.pem: certificate 1 cannot be parsed", save("cut.pem", text:sub(1, length)),
          ann_key)
      end
      for _, length in ipairs { second, second + 100, #text - 20 } do
        refuses("cut.pem: certificate 2 cannot be parsed", save("cut.pem", text:sub(1, length)),
          ann_key)
      end
      local key = certificate.read(ann_key)
      for _, length in ipairs { 20, 60, #key - 10 } do
        refuses("cut.pem: expected a private key in PEM", ann_cert,
          save("cut.pem", key:sub(1, length)))
      end
    end)

    it("are refused when a certificate is whole in PEM and not inside", function()
      local broken = "-----BEGIN CERTIFICATE-----\nbW9vbg==\n-----END CERTIFICATE-----\n"
      refuses("broken.pem: certificate 1 cannot be parsed", save("broken.pem", broken), bob_key)
      refuses("broken.pem: certificate 2 cannot be parsed",
        save("broken.pem", certificate.read(bob_cert) .. broken), bob_key)
    end)

    it("are named by the end of a path that is too long for a line", function()
      local long = ("a"):rep(2000) .. "/" .. ("b"):rep(199)
      local _, said = load(long, ann_key)
      assert.equal("/" .. ("b"):rep(199) .. ": cannot be read: File name too long", said)
    end)
  end)

  describe("when compared", function()
    it("are the same as long as clients see the same", function()
      local ann, again, bob = load(ann_cert, ann_key), load(ann_cert, ann_key),
        load(bob_cert, bob_key)
      assert.is_true(C.moon_tls_is_same(ann, again))
      assert.is_false(C.moon_tls_is_same(ann, bob))
    end)

    it("differ by their chains", function()
      local text = certificate.read(ann_cert)
      local leaf = text:match "^(.-END CERTIFICATE%-+\n)"
      local ann = load(ann_cert, ann_key)
      local short = load(save("short.pem", leaf), ann_key)
      local other = load(save("other.pem", leaf .. certificate.read(bob_cert)), ann_key)
      for _, one in ipairs { short, other } do
        assert.equal(fingerprint(ann), fingerprint(one))
        assert.is_false(C.moon_tls_is_same(ann, one))
        assert.is_false(C.moon_tls_is_same(one, ann))
      end
    end)
  end)

  describe("when installed", function()
    local server

    local function context(method) return core.keep(C.SSL_CTX_new(method), C.SSL_CTX_free) end

    before_each(function() server = context(C.TLS_server_method()) end)

    local function install(cert, key)
      local problem = room(C.MOON_TLS_PROBLEM_BYTES)
      local is_good = C.moon_tls_install(assert(load(cert, key)), server, problem)
      assert.equal(0, tonumber(C.ERR_peek_error()))
      return is_good, (ffi.string(problem):gsub(folder .. "/", ""))
    end

    --- Both ends of a connection that has not said anything yet.
    local function connection(client)
      local left, right = ffi.new "void *[1]", ffi.new "void *[1]"
      assert.equal(1, C.BIO_new_bio_pair(left, 0, right, 0))
      local there, here = C.SSL_new(client), C.SSL_new(server)
      core.keep(there, C.SSL_free)
      core.keep(here, C.SSL_free)
      C.SSL_set_bio(there, left[0], left[0])
      C.SSL_set_bio(here, right[0], right[0])
      C.SSL_set_connect_state(there)
      C.SSL_set_accept_state(here)
      return { there = there, here = here }
    end

    --- Lets both talk until they have agreed; nil when they have not.
    local function shake_hands(ends)
      local is_agreed = false
      for _ = 1, 8 do
        local there, here = C.SSL_do_handshake(ends.there), C.SSL_do_handshake(ends.here)
        is_agreed = there == 1 and here == 1
      end
      C.ERR_clear_error()
      return is_agreed and ends or nil
    end

    --- A client that offers TLS up to `version`, and RSA or all there is.
    local function client(version, is_rsa_only)
      local ctx = context(C.TLS_client_method())
      C.SSL_CTX_set_security_level(ctx, 0) -- TLS 1.1 is not offered otherwise
      assert.equal(1, tonumber(C.SSL_CTX_ctrl(ctx, SET_MAX_VERSION, version, nil)))
      local ciphers = is_rsa_only and "aRSA" or "ALL"
      assert.equal(1, C.SSL_CTX_set_cipher_list(ctx, ciphers))
      return ctx
    end

    local function connect(...) return shake_hands(connection(client(...))) end

    local function seen_by(ends)
      local cert = C.SSL_get1_peer_certificate(ends.there)
      local digest, length = ffi.new "unsigned char[32]", ffi.new "unsigned[1]"
      C.X509_digest(cert, C.EVP_sha256(), digest, length)
      C.X509_free(cert)
      return (ffi.string(digest, length[0]):gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
      end))
    end

    it("are what a client sees, with the chain", function()
      assert.is_true(install(ann_cert, ann_key))
      for _, version in ipairs { TLS_1_2, TLS_1_3 } do
        local ends = assert(connect(version))
        assert.equal(version, C.SSL_version(ends.there))
        assert.equal(certificate.fingerprint(ann_cert), seen_by(ends))
        assert.equal(2, C.OPENSSL_sk_num(C.SSL_get_peer_cert_chain(ends.there)))
      end
    end)

    it("do not speak TLS 1.1 or 1.0, whatever else was allowed", function()
      C.SSL_CTX_set_security_level(server, 0)
      local set_min_version = SET_MAX_VERSION - 1
      assert.equal(1, tonumber(C.SSL_CTX_ctrl(server, set_min_version, TLS_1_0, nil)))
      assert.is_true(install(ann_cert, ann_key))
      C.SSL_CTX_set_cipher_list(server, "ALL")
      assert.is_nil(connect(TLS_1_1))
      assert.is_nil(connect(TLS_1_0))
      assert.is_truthy(connect(TLS_1_2))
      C.SSL_CTX_ctrl(server, set_min_version, TLS_1_0, nil)
      assert.is_truthy(connect(TLS_1_1)) -- so it was no other reason
    end)

    it("replace the pair before, its chain too", function()
      install(ann_cert, ann_key)
      assert.is_true(install(bob_cert, bob_key))
      local ends = assert(connect(TLS_1_3))
      assert.equal(certificate.fingerprint(bob_cert), seen_by(ends))
      assert.equal(1, C.OPENSSL_sk_num(C.SSL_get_peer_cert_chain(ends.there)))
    end)

    it("replace a pair with another type of key", function()
      local rsa_cert, rsa_key = make("rsa", { key = "rsa" })
      install(rsa_cert, rsa_key)
      assert.equal(certificate.fingerprint(rsa_cert), seen_by(connect(TLS_1_2, true)))
      assert.is_true(install(bob_cert, bob_key))
      for _, version in ipairs { TLS_1_2, TLS_1_3 } do
        assert.equal(certificate.fingerprint(bob_cert), seen_by(connect(version)))
      end
      assert.is_nil(connect(TLS_1_2, true))
      assert.is_true(install(rsa_cert, rsa_key))
      for _, version in ipairs { TLS_1_2, TLS_1_3 } do
        assert.equal(certificate.fingerprint(rsa_cert), seen_by(connect(version)))
      end
    end)

    it("leave a connection what it began with", function()
      install(ann_cert, ann_key)
      local begun = connection(client(TLS_1_3))
      install(bob_cert, bob_key)
      assert.equal(certificate.fingerprint(ann_cert), seen_by(assert(shake_hands(begun))))
    end)

    it("outlive what they were loaded into", function()
      install(ann_cert, ann_key)
      local other = load(bob_cert, bob_key)
      local problem = room(C.MOON_TLS_PROBLEM_BYTES)
      local tls = C.moon_tls_load(bob_cert, bob_key, now_s, problem)
      assert.is_true(C.moon_tls_install(tls, server, problem))
      C.moon_tls_destroy(tls)
      assert.equal(fingerprint(other), seen_by(assert(connect(TLS_1_3))))
    end)

    it("leave the pair before in force when OpenSSL refuses", function()
      install(ann_cert, ann_key)
      local level = C.SSL_CTX_get_security_level(server)
      C.SSL_CTX_set_security_level(server, 5) -- asks for more than P-256
      local is_good, problem = install(bob_cert, bob_key)
      assert.is_false(is_good)
      assert.equal("bob.pem: refused by OpenSSL: ee key too small", problem)
      C.SSL_CTX_set_security_level(server, level)
      assert.equal(certificate.fingerprint(ann_cert), seen_by(assert(connect(TLS_1_3))))
    end)
  end)
end)
