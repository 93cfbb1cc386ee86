local fake_gate = require "spec.support.fake_gate"
local patterns = require "spec.support.patterns"

describe("gate:fetch", function()
  local gate, ann

  --- A plugin whose request "try" runs this, with `url` as its first argument.
  local function load(body)
    gate = fake_gate.load { a = ([[return function(gate)
      gate:on("try", function(conn, message) local url = message.url %s end)
    end]]):format(body) }
    ann = gate:connect "ann"
  end

  local function try(url)
    return gate:ask(ann, { type = "try", url = url or "https://a.example/x" })
  end

  local function issued() return gate.core:issued "fetch" end

  it("asks, waits, and returns the response", function()
    load [[
      local response = assert(gate:fetch(url))
      return { status = response.status, body = response.body, url = response.url,
        type = response.headers["content-type"] }]]
    local answer = try()
    assert.is_false(answer.is_given)
    gate:answer_fetch { status = 404, headers = { ["Content-Type"] = "text/x" }, body = "no",
      url = "https://b.example/" }
    assert.same({ status = 404, body = "no", type = "text/x", url = "https://b.example/" },
      answer.data)
  end)

  it("ends on the code that has asked, when that is replaced meanwhile", function()
    load [[
      local body = gate:fetch(url).body
      gate:info "done"
      return { body = body, by = "old" }]]
    local answer = try()
    assert(gate:reload { a = [[return function(gate)
      gate:on("try", function() return { by = "new" } end)
    end]] })
    gate:answer_fetch { body = "late" }
    assert.same({ body = "late", by = "old" }, answer.data)
    assert.is_truthy(gate:logged "a#1: done")
    assert.same({ by = "new" }, try().data)
  end)

  it("asks with GET, and with limits of its own, unless told otherwise", function()
    load [[gate:fetch(url)]]
    try()
    local asked = issued()[1]
    assert.same({ "GET", "https://a.example/x", "", {} },
      { asked.method, asked.url, asked.body, asked.headers })
    assert.same({ 10000, 1048576, 5 }, { asked.timeout_ms, asked.max_bytes, asked.redirects })
  end)

  it("hands on what it was given", function()
    load [[gate:fetch(url, { method = "PUT", headers = { ["X-One"] = "1", n = 2, Accept = "" },
      body = "text", timeout_ms = 120000, max_bytes = 4194304, redirects = 0 })]]
    try()
    local asked = issued()[1]
    assert.same({ "PUT", "text" }, { asked.method, asked.body })
    assert.same({ ["x-one"] = "1", n = "2", accept = "",
      ["content-type"] = "text/plain; charset=utf-8" }, asked.headers)
    assert.same({ 120000, 4194304, 0 }, { asked.timeout_ms, asked.max_bytes, asked.redirects })
  end)

  it("posts JSON, and reads it", function()
    load [[
      local response = assert(gate:fetch(url, { json = { a = { 1, 2 } } }))
      return { got = response:json(), bad = response.headers.none or "none" }]]
    local answer = try()
    local asked = gate:answer_fetch { body = '{"long":"' .. ("x"):rep(100) .. '"}' }
    assert.same({ "POST", '{"a":[1,2]}', "application/json" },
      { asked.method, asked.body, asked.headers["content-type"] })
    assert.same({ got = { long = ("x"):rep(100) }, bad = "none" }, answer.data)
  end)

  it("leaves a content type that is given", function()
    load [[gate:fetch(url, { json = {}, headers = { ["content-TYPE"] = "text/x" } })]]
    try()
    assert.same({ ["content-type"] = "text/x" }, issued()[1].headers)
  end)

  it("says when the body is no JSON", function()
    load [[local _, reason = assert(gate:fetch(url)):json() return { reason = reason }]]
    local answer = try()
    gate:answer_fetch { body = "<html>" }
    assert.is_string(answer.data.reason)
  end)

  it("joins headers of one name, and takes blanks off", function()
    load [[return gate:fetch(url).headers]]
    local answer = try()
    gate:answer_fetch { headers = { Vary = "a", VARY = " b ", ["Set-Cookie"] = "c=1",
      ["SET-COOKIE"] = "d=2", empty = "" } }
    local parts = {}
    for part in answer.data.vary:gmatch "[^, ]+" do parts[part] = true end
    assert.same({ a = true, b = true }, parts)
    assert.matches("^%l=%d\n%l=%d$", answer.data["set-cookie"])
    assert.equal("", answer.data.empty)
  end)

  it("reads headers in a time that does not depend on what is in them", function()
    load [[return gate:fetch(url).headers]]
    local blanks = (" "):rep(5000)
    for _, value in ipairs { "x" .. blanks .. "x", blanks, (":"):rep(5000) } do
      local answer = try()
      local expensive = patterns.of(function()
        gate:answer_fetch { headers = { long = value, [("x"):rep(5000)] = "" } }
      end)
      assert.same({ {}, value:find "%S" and value or "" }, { expensive, answer.data.long })
    end
  end)

  it("passes over lines that are no headers", function()
    load [[return gate:fetch(url).headers]]
    local answer = try()
    local expensive = patterns.of(function()
      gate:answer_fetch { headers = { a = "1\r\n" .. ("x"):rep(5000) .. "\r\n:no\r\nb:2" } }
    end)
    assert.same({ {}, { a = "1", b = "2" } }, { expensive, answer.data })
  end)

  it("takes bodies of any bytes", function()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    load [[return { n = #gate:fetch(url).body, same = gate:fetch(url).body == gate.state.body }]]
    gate.world.state.of("a").body = table.concat(bytes)
    local answer = try()
    gate:answer_fetch { body = table.concat(bytes) }
    gate:answer_fetch { body = table.concat(bytes) }
    assert.same({ n = 256, same = true }, answer.data)
  end)

  for _, code in ipairs { "timeout", "refused_address", "connect", "dns", "tls", "too_big",
    "redirects", "full", "bad_url", "protocol" } do
    it("returns nil and " .. code .. " when the core says so", function()
      load [[local _, code, text = gate:fetch(url) return { code = code, text = text }]]
      local answer = try()
      gate:answer_fetch(code, "more of it")
      assert.same({ code = code, text = "more of it" }, answer.data)
    end)
  end

  it("returns nil and full when too much waits for the fetcher", function()
    load [[local _, code = gate:fetch(url) return { code = code }]]
    gate.core.answers.moon_fetch = gate.core.C.MOON_EFULL
    assert.equal("full", try().data.code)
  end)

  it("returns nil and bad_url for what cannot be one", function()
    load [[local _, code = gate:fetch(url) return { code = code }]]
    assert.equal("bad_url", try("http://a/\0b").data.code)
    assert.equal("bad_url", try("http://" .. ("a"):rep(8186)).data.code)
    assert.equal(0, #issued())
  end)

  it("lets several wait at once, and gives each its own", function()
    load [[
      local a, b = gate:gather(function() return gate:fetch(url .. "/1").body end,
        function() return gate:fetch(url .. "/2").body end)
      return { a, b }]]
    local answer = try "http://a"
    assert.equal("http://a/1", gate:answer_fetch({ body = "one" }).url)
    assert.equal("http://a/2", gate:answer_fetch({ body = "two" }).url)
    assert.same({ "one", "two" }, answer.data)
  end)

  describe("is given up", function()
    local function assert_aborted()
      assert.equal(1, #gate.core:issued "abort_fetch")
      assert.equal(issued()[1].ticket, gate.core:issued("abort_fetch")[1].ticket)
      assert.is_true(issued()[1].is_aborted)
    end

    it("when the connection has gone", function()
      load [[gate:fetch(url) gate.state.went_on = true]]
      try()
      gate:close(ann)
      assert_aborted()
      assert.is_nil(gate.world.state.of("a").went_on)
      assert.is_truthy(gate:logged "cancelled: the connection has ended")
    end)

    it("when the task's deadline has passed", function()
      load [[gate:deadline(500) gate:fetch(url)]]
      local answer = try()
      gate:later(499)
      assert.equal(0, #gate.core:issued "abort_fetch")
      gate:later(1)
      assert_aborted()
      assert.equal("timeout", answer.code)
    end)

    it("and what is on its way already is for nobody", function()
      load [[gate:deadline(500) gate:fetch(url)]]
      try()
      gate.core:answer_fetch { body = ("x"):rep(100) } -- has not arrived yet
      gate.core.fetches = {}
      local events = gate.core.events
      gate.core.events = {}
      gate:later(500)
      gate.core.events = events
      gate.core:settle()
      assert.equal(1, #gate.core:issued "abort_fetch")
      assert.is_nil(gate:logged "loop.lua")
    end)
  end)

  it("does not abort what has ended", function()
    load [[gate:fetch(url) gate:sleep(1000)]]
    try()
    gate:answer_fetch {}
    gate:close(ann)
    assert.equal(0, #gate.core:issued "abort_fetch")
  end)

  describe("raises", function()
    local function problem_of(arguments)
      load(([[
        local ok, problem = pcall(gate.fetch, gate, %s)
        return { ok = ok, problem = problem }]]):format(arguments))
      local answer = try()
      assert.is_true(answer.is_given, arguments)
      assert.is_false(answer.data.ok, arguments)
      assert.equal(0, #issued())
      return answer.data.problem
    end

    for arguments, problem in pairs {
      ["nil"] = "expected a URL, got a nil",
      ["url, 5"] = "expected a table, got a number",
      ["url, { timeout = 5 }"] = 'there is no "timeout", there are: body, headers, json, ',
      ["url, { method = 'get' }"] = 'method: there is no "get", there are: DELETE, GET, ',
      ["url, { method = 'CONNECT' }"] = 'there is no "CONNECT"',
      ["url, { method = 5 }"] = 'there is no "5"',
      ["url, { method = 0 / 0 }"] = 'there is no "',
      ["url, { headers = 'A: b' }"] = "headers: expected a table, got a string",
      ["url, { headers = { A = 'b\\r\\nC: d' } }"] = "headers: A is one line of text",
      ["url, { headers = { A = 'b\\n' } }"] = "headers: A is one line of text",
      ["url, { headers = { A = 'b\\0' } }"] = "headers: A is one line of text",
      ["url, { headers = { A = true } }"] = "headers: A is one line of text",
      ["url, { headers = { ['A: b\\r\\nC'] = 'd' } }"] = "cannot be the name of a header",
      ["url, { headers = { [''] = 'd' } }"] = '"" cannot be the name of a header',
      ["url, { headers = { 'd' } }"] = '"1" cannot be the name of a header',
      ["url, { headers = { Host = 'b' } }"] = "headers: Host is not for scripts to set",
      ["url, { headers = { ['CONTENT-LENGTH'] = 5 } }"] = "is not for scripts to set",
      ["url, { headers = { A = ('b'):rep(16384) } }"] = "headers: 16389 bytes, at most 16384",
      ["url, { method = 'HEAD', body = 'b' }"] = "body: HEAD has none",
      ["url, { body = {} }"] = "body: expected a string, got a table",
      ["url, { body = ('b'):rep(262145) }"] = "body: 262145 bytes, at most 262144",
      ["url, { body = 'b', json = {} }"] = "body and json: there can be one of them",
      ["url, { json = print }"] = "json: ",
      ["url, { timeout_ms = 0 }"] = "timeout_ms: expected a whole number from 1 to 120000, got 0",
      ["url, { timeout_ms = 120001 }"] = "from 1 to 120000, got 120001",
      ["url, { timeout_ms = 0/0 }"] = "timeout_ms: ",
      ["url, { max_bytes = 4194305 }"] = "max_bytes: expected a whole number from 1 to 4194304",
      ["url, { max_bytes = 1.5 }"] = "got 1.5",
      ["url, { redirects = 6 }"] = "redirects: expected a whole number from 0 to 5, got 6",
      ["url, { redirects = '1' }"] = "redirects: expected a whole number from 0 to 5, got 1",
    } do
      it("with " .. arguments, function()
        local said = problem_of(arguments)
        assert.is_truthy(said:find("gate:fetch: ", 1, true), said)
        assert.is_truthy(said:find(problem, 1, true), said)
      end)
    end

    it("outside of a task, with the line that has called it", function()
      gate = fake_gate.load { a = [[return function(gate)
        gate:raw("/raw", { received = function(conn, bytes)
          gate:fetch(bytes)
        end })
      end]] }
      ann = gate:connect("ann", { path = "/raw" })
      gate:receive(ann, "http://a/")
      local text, level = gate:logged "gate:fetch: only in a task"
      assert.equal("error", level)
      assert.matches("a%.lua:3: gate:fetch: only in a task", text)
      assert.equal(0, #issued())
    end)
  end)
end)
