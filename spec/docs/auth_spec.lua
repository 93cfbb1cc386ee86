local auth = require "spec.support.auth"
local fake_crypto = require "spec.support.fake_crypto"
local file = require "spec.support.file"
local json = require "cjson"

describe("docs/auth.md", function()
  local page, protocol = file.read "docs/auth.md", file.read "docs/protocol.md"
  local SECRET = ("s"):rep(32)

  it("has a row for each option, with its default", function()
    local written, declared = {}, {}
    for names, default in page:match "\n## Options\n(.-)\n##":gmatch
      "\n| (`[%l_`, ]+`) | (`[^|]+`) |" do
      for name in names:gmatch "`([%l_]+)`" do written[name] = default:match "`(.*)`" end
    end
    local text = file.read "scripts/auth/options.lua":gsub("\n%s+", " ")
    for name, rest in text:gmatch 'option%("([%l_]+)", { default = ([^\n]-)about' do
      declared[name] = rest:match "^{.-}" or rest:match "^[^,]+"
    end
    assert.equal("10000", written.grace_ms)
    assert.same(declared, written)
  end)

  it("shows a list that auth takes", function()
    local list = loadstring(page:match "```lua\n(return.-)```")()
    assert.is_truthy(auth.load(list[1].options))
  end)

  it("shows what a backend is asked, and may answer", function()
    local gate = auth.load { methods = { "backend" }, backend_url = "https://id.example/" }
    gate.core.now_ms = 1759999999000
    local conn = gate:connect()
    local got = gate:ask(conn, { type = "auth", data = { token = "t" } })
    local body = page:match "| 200 `({.-})` |"
    local asked = json.decode(gate:answer_fetch({ body = body }).body)
    local shown = json.decode((page:match "`POST` with `({.-})`":gsub("…", "t")))
    assert.same({ shown.token, type(shown.address) }, { asked.token, type(asked.address) })
    assert.equal("ann", got.data.user)
    assert.same({ plan = "gold" }, conn.state.auth.info)
  end)

  it("names the metrics that there are", function()
    local gate = auth.load { methods = { "backend" }, backend_url = "https://id.example/" }
    local function ask() auth.ask(gate, gate:connect(), { token = "t" }) end
    ask()
    gate:answer_fetch { status = 401 }
    for _ = 1, 3 do auth.ask(gate, gate:connect(nil, { token = "t" }), { token = "t" }) end
    gate:later(5000)
    ask()
    gate:answer_fetch { body = '{"user":"ann"}' }
    gate:later(10000)
    local reports, printed = gate.core:issued "report", {}
    for name in reports[#reports].text:gmatch "# TYPE (plugin_auth_%S+)" do
      printed[name] = true
    end
    local written = {}
    for name in page:gmatch "| `(plugin_auth_[%l_]+)` |" do written[name] = true end
    assert.same(printed, written)
  end)

  it("and docs/protocol.md show what tokens bring", function()
    local gate = auth.load { methods = { "jwt" }, skew_ms = 0, keys = { { algorithm = "HS256",
      secret = SECRET } } }
    local now_s = gate.core.now_ms / 1000
    local function token(lifetime_s)
      return fake_crypto.sign({ alg = "HS256" }, { sub = "ann", exp = now_s + lifetime_s }, SECRET)
    end
    local section = protocol:match "\n## Tokens\n(.-)\n## "
    local shown = json.decode((section:match "| `auth` |[^\n]-| `({.-})`"))
    local conn = gate:connect(nil, { token = token(60) })
    local pushed = auth.heard(conn, "authenticated")
    assert.same({ pushed.user, pushed.expires_at }, { shown.user, shown.expires_at })
    assert.same(shown, (auth.ask(gate, gate:connect(), { token = token(60) })))
    gate:later(50000)
    for _, name in ipairs { "authenticated", "token_expiring" } do
      local fields = section:match("| `" .. name .. "` | ([^|]+) |")
      for field in pairs(auth.heard(conn, name)) do
        assert.is_truthy(field == "type" or fields:find("`" .. field .. "`", 1, true), field)
      end
    end
    assert.same(shown.user, gate:deliver(conn,
      { type = "refresh", data = { token = token(120) } }).user)
  end)

  it("has in docs/protocol.md each code that it closes with", function()
    local text = file.read "scripts/auth/sessions.lua":match "local CODES = {(.-)\n}"
    local count = 0
    for word, code in text:gmatch "([%l_]+) = (%d+)" do
      count = count + 1
      assert.is_truthy(protocol:find(("| %s | `script` (`%s`"):format(code, word), 1, true), word)
    end
    assert.equal(5, count)
  end)
end)
