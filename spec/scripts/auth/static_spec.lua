local auth = require "spec.support.auth"
local fake_crypto = require "spec.support.fake_crypto"
local file = require "spec.support.file"

local TOKEN = "ann's long token"

describe("auth static tokens", function()
  local gate, path

  local function load(options)
    options.methods = { "static" }
    gate = auth.load(options)
  end

  local function ask(token) return auth.ask(gate, gate:connect(), { token = token }) end

  local function code_of(token) return (select(2, ask(token))) end

  local function refused(options, text)
    local ok, problem = pcall(load, options)
    assert.is_false(ok)
    assert.matches(text, problem, 1, true)
    assert.is_nil(problem:find(TOKEN, 1, true))
  end

  before_each(function() path = file.free_path() end)
  after_each(function() os.remove(path) end)

  it("say who it is, by the token or by its hash", function()
    local hash = fake_crypto.new():sha256 "root's long token"
    load { tokens = { { token = TOKEN, user = "ann" },
      { sha256 = hash:upper(), user = "root", admin = true } } }
    assert.same({ user = "ann" }, ask(TOKEN))
    local root = gate:connect()
    assert.same({ user = "root", admin = true },
      auth.ask(gate, root, { token = "root's long token" }))
    assert.is_true(root.state.admin)
    assert.same({ since = gate.core.now_ms, method = "static", guest = false, admin = true },
      root.state.auth)
  end)

  it("refuse others with bad_token", function()
    load { tokens = { { token = TOKEN, user = "ann" } } }
    assert.equal("bad_token", code_of(TOKEN .. "x"))
    assert.equal("bad_token", code_of(TOKEN:sub(1, -2)))
    assert.equal("bad_token", code_of(fake_crypto.new():sha256(TOKEN)))
  end)

  it("are strings of 1 to 8192 bytes", function()
    load { tokens = { { token = TOKEN, user = "ann" } } }
    for _, token in ipairs { "", 7, ("t"):rep(8193), {}, false } do
      assert.equal("bad_request", code_of(token))
    end
    assert.equal("bad_request", (select(2, auth.ask(gate, gate:connect(), { name = "ann" }))))
    assert.equal("bad_token", code_of(("t"):rep(8192)))
  end)

  it("are checked at load, and are in no message", function()
    refused({ tokens = { { token = "short", user = "ann" } } },
      'option "tokens": entry 1: token: expected a string of at least 16 bytes')
    refused({ tokens = { { token = TOKEN, sha256 = "x", user = "ann" } } },
      "entry 1: expected either token or sha256")
    refused({ tokens = { { user = "ann" } } }, "entry 1: expected either token or sha256")
    refused({ tokens = { { sha256 = ("g"):rep(64), user = "ann" } } }, "64 hexadecimal digits")
    refused({ tokens = { { token = TOKEN, user = "" } } }, "entry 1: user: expected 1 to 128")
    refused({ tokens = { { token = TOKEN, user = "ann", admin = 1 } } }, "admin: expected true")
    refused({ tokens = { { token = TOKEN, user = "ann" }, { token = TOKEN, user = "bob" } } },
      "entry 2: there is another entry with this token")
    refused({ tokens = { 7 } }, "entry 1: expected {")
  end)

  describe("of a file", function()
    it("have a line each, and are read again when it has changed", function()
      file.write(path, "# who may come\n\n" .. TOKEN:gsub(" ", "_") .. " ann\r\n"
        .. "root's_long_token root admin\n")
      load { tokens_file = path }
      assert.same({ user = "ann" }, ask "ann's_long_token")
      assert.same({ user = "root", admin = true }, ask "root's_long_token")
      file.write(path, "bob's_long_token bob\n")
      gate:later(5000)
      assert.equal("bad_token", code_of "ann's_long_token")
      assert.same({ user = "bob" }, ask "bob's_long_token")
    end)

    it("go on when it is wrong or gone, which is said once", function()
      file.write(path, "ann's_long_token ann\n")
      load { tokens_file = path }
      file.write(path, "ann's_long_token ann boss\n")
      gate:later(20000)
      local count = 0
      for _, line in ipairs(gate.log) do
        count = count + (line.text:find("line 1: expected token user [admin]", 1, true) and 1 or 0)
      end
      assert.equal(1, count)
      os.remove(path)
      gate:later(5000)
      assert.is_truthy(gate:logged(path .. ": No such file"))
      assert.same({ user = "ann" }, ask "ann's_long_token")
      auth.is_not_logged(gate, "ann's_long_token")
    end)

    it("keep the plugin from loading when they are wrong at first", function()
      refused({ tokens_file = path }, ('option "tokens_file": %s: No such file'):format(path))
      file.write(path, "ann's_long_token\n")
      refused({ tokens_file = path }, "line 1: expected token user [admin]")
    end)
  end)
end)
