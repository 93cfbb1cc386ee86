local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/http.h"

local REASONS = {
  [200] = "OK",
  [400] = "Bad Request",
  [403] = "Forbidden",
  [404] = "Not Found",
  [405] = "Method Not Allowed",
  [426] = "Upgrade Required",
  [500] = "Internal Server Error",
  [503] = "Service Unavailable",
}

describe("HTTP response", function()
  local function write(status, line)
    local out = ffi.cast("char *", core.keep(C.moon_alloc(C.MOON_HTTP_MAX_BYTES), C.moon_free))
    local length = C.moon_http_response(out, status, core.terminated(line))
    assert.is_true(length <= C.MOON_HTTP_MAX_BYTES)
    return ffi.string(out, length)
  end

  --- What a client makes of it; fails when it is no response.
  local function parse(text)
    local top, body = text:match "^(.-\r\n)\r\n(.*)$"
    assert.is_string(top)
    local status, reason = top:match "^HTTP/1%.1 (%d%d%d) ([^\r\n]+)\r\n"
    local headers = {}
    for line in top:gsub("^[^\n]*\n", "", 1):gmatch "([^\n]*)\n" do
      local name, value = line:match "^([%w-]+): ([^\r\n]+)\r$"
      assert.is_string(name, line)
      assert.is_nil(headers[name:lower()], name)
      headers[name:lower()] = value
    end
    return { status = tonumber(status), reason = reason, headers = headers, body = body }
  end

  after_each(core.tidy)

  for status, reason in pairs(REASONS) do
    it("with " .. status .. " is whole, and says how long its body is", function()
      for _, line in ipairs { "", "a line", "grüße", ("long "):rep(40) } do
        local response = parse(write(status, line))
        assert.equal(status, response.status)
        assert.equal(reason, response.reason)
        assert.equal(line .. "\n", response.body)
        assert.equal(tostring(#response.body), response.headers["content-length"])
        assert.equal("text/plain; charset=utf-8", response.headers["content-type"])
        assert.equal("no-store", response.headers["cache-control"])
        assert.matches("close", response.headers.connection)
      end
    end)
  end

  it("names the method that is allowed, with 405 only", function()
    for status in pairs(REASONS) do
      local expected = status == 405 and "GET" or nil
      assert.equal(expected, parse(write(status, "x")).headers.allow)
    end
  end)

  it("names the version and the upgrade it wants, with 426 only", function()
    for status in pairs(REASONS) do
      local headers = parse(write(status, "x")).headers
      assert.equal(status == 426 and "13" or nil, headers["sec-websocket-version"])
      assert.equal(status == 426 and "websocket" or nil, headers.upgrade)
      assert.equal(status == 426 and "close, Upgrade" or "close", headers.connection)
    end
  end)

  it("says when to come back, with 503 only", function()
    for status in pairs(REASONS) do
      local after = parse(write(status, "x")).headers["retry-after"]
      if status == 503 then
        assert.is_true(tonumber(after) > 0)
      else
        assert.is_nil(after)
      end
    end
  end)

  it("is a 500 for a status it does not know", function()
    for _, status in ipairs { 0, 101, 418, 599, 4294967295 } do
      local response = parse(write(status, "x"))
      assert.equal(500, response.status)
      assert.equal("Internal Server Error", response.reason)
    end
  end)

  it("does not leave its memory, however long the line", function()
    for length = 200, 600 do
      assert.is_true(#write(426, ("x"):rep(length)) <= C.MOON_HTTP_MAX_BYTES)
    end
  end)
end)

describe("HTTP status", function()
  local function status(path) return C.moon_http_status(core.terminated(path)) end

  after_each(core.tidy)

  it("is 200 for the health check, and 404 for anything else", function()
    assert.equal(200, status "/healthz")
    for _, path in ipairs { "", "/", "/health", "/healthz/", "/healthzz", "/HEALTHZ", "healthz" } do
      assert.equal(404, status(path), path)
    end
  end)
end)
