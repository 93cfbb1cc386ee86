local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/inquiry.h"

describe("inquiry", function()
  after_each(core.tidy)

  local function read(bytes, limits)
    local inquiry = ffi.new "struct moon_inquiry"
    limits = ffi.new("struct moon_fetch_limits", limits or { 10000, 1024, 5 })
    return C.moon_inquiry_read(inquiry, limits, core.exact(bytes), #bytes), inquiry
  end

  local function packed(method, headers, body)
    return table.concat({ method or "GET", "http://a/", headers or "", body or "" }, "\0")
  end

  it("reads what was packed", function()
    local status, inquiry = read "POST\0https://a.example/x?y\0A: b\r\nC: d\r\n\0one\0two"
    assert.equal(C.MOON_OK, status)
    assert.equal("POST", ffi.string(inquiry.method))
    assert.equal("https://a.example/x?y", ffi.string(inquiry.url))
    assert.equal("A: b\r\nC: d\r\n", ffi.string(inquiry.headers))
    assert.equal("one\0two", ffi.string(inquiry.body, inquiry.body_length))
    assert.equal(10000, inquiry.limits.timeout_ms)
  end)

  it("reads one without headers and body", function()
    local status, inquiry = read(packed())
    assert.equal(C.MOON_OK, status)
    assert.equal(0, tonumber(inquiry.body_length))
  end)

  it("refuses what is not whole", function()
    for _, bytes in ipairs { "GET", "GET\0", "GET\0http://a/", "GET\0http://a/\0", "\0\0\0" } do
      assert.equal(C.MOON_EINVAL, (read(bytes)), bytes)
    end
  end)

  it("refuses methods it does not know", function()
    for _, method in ipairs { "", "get", "CONNECT", "TRACE", "GET / HTTP/1.1\r\nX: y" } do
      assert.equal(C.MOON_EINVAL, (read(packed(method))), method)
    end
    for _, method in ipairs { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" } do
      assert.equal(C.MOON_OK, (read(packed(method))), method)
    end
  end)

  it("refuses header lines that are malformed", function()
    for _, lines in ipairs {
      "A", "A: b", "A: b\n", "A: b\rC: d\r\n", "A: b\nC: d\r\n", ": b\r\n", "\r\n", "A b: c\r\n",
      "A : b\r\n", " A: b\r\n", "A: b\r\n\r\n", "A: b\r\n\r\nGET", "A: \1\r\n", "A: \127\r\n",
    } do
      assert.equal(C.MOON_EINVAL, (read(packed("GET", lines))), ("%q"):format(lines))
    end
    for _, lines in ipairs { "A:\r\n", "A: \r\n", "A:b\r\n", "A: b\tc\195\164\r\n", "!#: :\r\n" } do
      assert.equal(C.MOON_OK, (read(packed("GET", lines))), ("%q"):format(lines))
    end
  end)

  it("refuses header lines that are the fetcher's own, in any case", function()
    for name in ([[Host Connection Content-Length Transfer-Encoding Upgrade Trailer TE Expect
      Keep-Alive Proxy-Connection Proxy-Authorization]]):gmatch "%S+" do
      for _, form in ipairs { name, name:lower(), name:upper() } do
        local lines = ("A: b\r\n%s: x\r\n"):format(form)
        assert.equal(C.MOON_EINVAL, (read(packed("GET", lines))), form)
      end
      assert.equal(C.MOON_OK, (read(packed("GET", ("%s-x: y\r\n"):format(name)))), name)
    end
  end)

  it("refuses limits out of their ranges", function()
    for _, limits in ipairs {
      { 0, 1, 0 }, { C.MOON_MAX_FETCH_MS + 1, 1, 0 }, { 1, 0, 0 },
      { 1, C.MOON_MAX_FETCH_BYTES + 1, 0 }, { 1, 1, C.MOON_MAX_FETCH_REDIRECTS + 1 },
    } do
      assert.equal(C.MOON_EINVAL, (read(packed(), limits)))
    end
    assert.equal(C.MOON_OK, (read(packed(), { 1, 1, 0 })))
    assert.equal(C.MOON_OK, (read(packed(),
      { C.MOON_MAX_FETCH_MS, C.MOON_MAX_FETCH_BYTES, C.MOON_MAX_FETCH_REDIRECTS })))
  end)

  it("has a limit for each part", function()
    local url = "http://" .. ("a"):rep(C.MOON_MAX_FETCH_URL_BYTES - 7)
    local line = ("A: %s\r\n"):format(("a"):rep(C.MOON_MAX_FETCH_HEADERS_BYTES - 5))
    local body = ("a"):rep(C.MOON_MAX_FETCH_BODY_BYTES)
    assert.equal(C.MOON_OK, (read(table.concat({ "GET", url, line, body }, "\0"))))
    assert.equal(C.MOON_EBIG, (read(table.concat({ "GET", url .. "a", "", "" }, "\0"))))
    assert.equal(C.MOON_EBIG, (read(packed("GET", "A" .. line))))
    assert.equal(C.MOON_EBIG, (read(packed("GET", "", body .. "a"))))
  end)

  it("hands its header lines out one by one", function()
    local _, inquiry = read(packed("GET", "Accept: x\r\nB:\r\n"))
    local at, line = ffi.new "const char *[1]", ffi.new "const char *[1]"
    local length, lines = ffi.new "uint64_t[1]", {}
    at[0] = inquiry.headers
    while C.moon_inquiry_next_line(at, line, length) do
      lines[#lines + 1] = ffi.string(line[0], length[0])
    end
    assert.same({ "Accept: x", "B:" }, lines)
    assert.is_true(C.moon_inquiry_is_named(inquiry.headers, core.terminated "accept"))
    assert.is_false(C.moon_inquiry_is_named(inquiry.headers, core.terminated "accep"))
  end)
end)
