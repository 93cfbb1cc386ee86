local ffi = require "ffi"
local core = require "spec.support.core"
local C = core.load "core/http.h"

local PHRASES = {
  [200] = "OK", [201] = "Created", [202] = "Accepted", [203] = "Non-Authoritative Information",
  [204] = "No Content", [205] = "Reset Content", [206] = "Partial Content",
  [301] = "Moved Permanently", [302] = "Found", [303] = "See Other", [304] = "Not Modified",
  [305] = "Use Proxy", [307] = "Temporary Redirect", [308] = "Permanent Redirect",
  [400] = "Bad Request", [401] = "Unauthorized", [402] = "Payment Required", [403] = "Forbidden",
  [404] = "Not Found", [405] = "Method Not Allowed", [406] = "Not Acceptable",
  [407] = "Proxy Authentication Required", [408] = "Request Timeout", [409] = "Conflict",
  [410] = "Gone", [411] = "Length Required", [412] = "Precondition Failed",
  [413] = "Content Too Large", [414] = "URI Too Long", [415] = "Unsupported Media Type",
  [416] = "Range Not Satisfiable", [417] = "Expectation Failed", [426] = "Upgrade Required",
  [428] = "Precondition Required", [429] = "Too Many Requests",
  [431] = "Request Header Fields Too Large", [500] = "Internal Server Error",
  [501] = "Not Implemented", [502] = "Bad Gateway", [503] = "Service Unavailable",
  [504] = "Gateway Timeout", [505] = "HTTP Version Not Supported",
}

--- The head as bytes; nil when it does not fit.
local function write(fields, capacity)
  capacity = capacity or C.MOON_HTTP_HEAD_BYTES + #(fields.headers or "")
  local out = ffi.cast("char *", core.keep(C.moon_alloc(capacity), C.moon_free))
  local response = ffi.new "struct moon_response"
  for name, value in pairs(fields) do
    if name == "headers" then
      response.headers, response.headers_bytes = core.exact(value), #value
    else
      response[name] = value
    end
  end
  local length = C.moon_http_head(out, capacity, response)
  assert.is_true(length <= capacity)
  return length > 0 and ffi.string(out, length) or nil
end

--- What a client makes of it: status, phrase, and headers by lower-case name. Fails when it
--- is no head, or has a header twice.
local function parse(text)
  local status, phrase, rest = text:match "^HTTP/1%.1 (%d%d%d) ([^\r\n]*)\r\n(.*)\r\n$"
  assert.is_string(status, text)
  local headers = {}
  for line in rest:gmatch "([^\n]*)\n" do
    local name, value = line:match "^([%w-]+): ([^\r\n]+)\r$"
    assert.is_string(name, line)
    assert.is_nil(headers[name:lower()], name)
    headers[name:lower()] = value
  end
  return tonumber(status), phrase, headers
end

--- The headers of a response with these fields.
local function headers_of(fields)
  local _, _, headers = parse(write(fields))
  return headers
end

describe("HTTP phrase", function()
  it("is the usual one, or empty", function()
    for status = 0, 1000 do
      assert.equal(PHRASES[status] or "", ffi.string(C.moon_http_phrase(status)))
    end
    assert.equal("", ffi.string(C.moon_http_phrase(4294967295)))
  end)
end)

describe("HTTP head", function()
  after_each(core.tidy)

  it("has a status line for every status, and ends with an empty line", function()
    for status = 200, 599 do
      local parsed, phrase = parse(write { status = status })
      assert.equal(status, parsed)
      assert.equal(PHRASES[status] or "", phrase)
      core.tidy()
    end
    assert.equal("HTTP/1.1 299 \r\n", write({ status = 299 }):sub(1, 15))
  end)

  it("is this, byte by byte", function()
    assert.equal("HTTP/1.1 200 OK\r\n" ..
      "Cache-Control: no-store\r\n" ..
      "Content-Type: text/plain; charset=utf-8\r\n" ..
      "Content-Length: 3\r\n" ..
      "Connection: close\r\n" ..
      "X-A: b\r\n" ..
      "\r\n", write { status = 200, body_bytes = 3, headers = "X-A: b\r\n" })
  end)

  it("says how long the body is, but for a status that has none", function()
    for _, bytes in ipairs { 0, 1, 512, 4294967296 } do
      local expected = ("%d"):format(bytes)
      for _, status in ipairs { 200, 205, 301, 404, 500 } do
        local headers = headers_of { status = status, body_bytes = bytes }
        assert.equal(expected, headers["content-length"])
      end
      for _, status in ipairs { 204, 304 } do
        local headers = headers_of { status = status, body_bytes = bytes }
        assert.is_nil(headers["content-length"])
        assert.is_nil(headers["content-type"])
      end
    end
    assert.equal("18446744073709551615",
      headers_of({ status = 200, body_bytes = -1ULL })["content-length"])
  end)

  it("says text/plain of a body, unless the headers say what it is", function()
    local function kind(fields)
      fields.status = 200
      return headers_of(fields)["content-type"]
    end
    assert.equal("text/plain; charset=utf-8", kind { body_bytes = 1 })
    assert.is_nil(kind { body_bytes = 0 })
    assert.equal("a/b", kind { body_bytes = 1, headers = "content-TYPE: a/b\r\n" })
    assert.equal("a/b", kind { body_bytes = 1, headers = "X: y\r\nContent-Type: a/b\r\nZ: y\r\n" })
    local text = "text/plain; charset=utf-8"
    assert.equal(text, kind { body_bytes = 1, headers = "X: Content-Type: a/b\r\n" })
    local similar = "Content-Type-X: a\r\nX-Content-Type: b\r\n"
    assert.equal(text, kind { body_bytes = 1, headers = similar })
  end)

  it("is not to be stored, unless the headers say how", function()
    assert.equal("no-store", headers_of({ status = 404 })["cache-control"])
    local fields = { status = 200, headers = "cache-control: max-age=60\r\n" }
    assert.equal("max-age=60", headers_of(fields)["cache-control"])
  end)

  it("says that the connection closes", function()
    for status in pairs(PHRASES) do
      if status ~= 426 then
        assert.equal("close", headers_of({ status = status }).connection)
      end
    end
  end)

  it("names the version and the upgrade it wants, with 426 only", function()
    for status in pairs(PHRASES) do
      local headers = headers_of { status = status }
      assert.equal(status == 426 and "13" or nil, headers["sec-websocket-version"])
      assert.equal(status == 426 and "websocket" or nil, headers.upgrade)
    end
    assert.equal("close, Upgrade", headers_of({ status = 426 }).connection)
    local fields = { status = 426, headers = "Sec-WebSocket-Version: 13, 8\r\n" }
    assert.equal("13, 8", headers_of(fields)["sec-websocket-version"])
  end)

  it("asks for a bearer token, with 401 only, unless the headers ask for something", function()
    for status in pairs(PHRASES) do
      local expected = status == 401 and "Bearer" or nil
      assert.equal(expected, headers_of({ status = status })["www-authenticate"])
    end
    local fields = { status = 401, headers = "www-authenticate: Basic\r\n" }
    assert.equal("Basic", headers_of(fields)["www-authenticate"])
  end)

  it("says when to come back if there is a time, with any status", function()
    for _, status in ipairs { 429, 503, 301 } do
      assert.is_nil(headers_of({ status = status })["retry-after"])
      for _, seconds in ipairs { 1, 30, 4294967295 } do
        local expected = ("%d"):format(seconds)
        local fields = { status = status, retry_after_s = seconds }
        assert.equal(expected, headers_of(fields)["retry-after"])
      end
    end
    local fields = { status = 503, retry_after_s = 5, headers = "Retry-After: 9\r\n" }
    assert.equal("9", headers_of(fields)["retry-after"])
  end)

  it("has the further lines as they are", function()
    local lines = "Allow: GET, HEAD\r\nX-Empty:\r\nx-a:  b \r\nX-U: gr\195\188\195\159e\r\n"
    local head = write { status = 405, headers = lines }
    assert.equal(lines .. "\r\n", head:sub(-#lines - 2))
  end)

  it("fits whole or is not written", function()
    for _, fields in ipairs {
      { status = 200 },
      { status = 426, retry_after_s = 7, body_bytes = 10, headers = "X: y\r\n" },
    } do
      local whole = write(fields)
      for capacity = 0, #whole - 1 do assert.is_nil(write(fields, capacity)) end
      assert.equal(whole, write(fields, #whole))
    end
  end)

  it("fits its size when it has no further lines", function()
    for status = 200, 599 do
      local fields = { status = status, retry_after_s = 4294967295, body_bytes = -1ULL }
      assert.is_string(write(fields, C.MOON_HTTP_HEAD_BYTES))
      core.tidy()
    end
  end)
end)

describe("HTTP header lines", function()
  local function are_valid(text)
    return C.moon_http_headers_are_valid(core.exact(text), #text)
  end

  after_each(core.tidy)

  it("may be none", function()
    assert.is_true(are_valid "")
    assert.is_true(C.moon_http_headers_are_valid(nil, 0))
  end)

  it("are names and values", function()
    for _, text in ipairs {
      "A: b\r\n", "A:b\r\n", "A:\r\n", "A: \r\n", "A:  b  \r\n", "A: b\r\nC: d\r\n", "A: :\r\n",
      "!#$%&'*+-.^_`|~09azAZ: x\r\n", "Location: http://chat.test/?a=b#c\r\n",
      "Content-Disposition: attachment; filename=\"gr\195\188n.txt\"\r\n", "A: \128\255\r\n",
      "Set-Cookie: a=b; Secure\r\nSet-Cookie: c=d\r\n", "Content-Type: text/html\r\n",
      "Connections: x\r\n", "X-Date: x\r\n", "Content-Lengt: 1\r\n", "Dat: x\r\n",
      "A: " .. ("x"):rep(100000) .. "\r\n", ("A: b\r\n"):rep(1000),
    } do
      assert.is_true(are_valid(text), text)
    end
  end)

  it("each end in CR LF, the last one too", function()
    for _, text in ipairs {
      "A", "A:", "A: b", "A: b\n", "A: b\r", "A: b\n\r", "A: b\r\nC: d", "A: b\r\nC: d\n",
      "A: b\r\nC: d\r", "A: b\r\nC", "A: b\nC: d\r\n", "A: b\rC: d\r\n", "\r", "\n",
    } do
      assert.is_false(are_valid(text), text)
    end
  end)

  it("have no empty one among them, which would end the head", function()
    for _, text in ipairs {
      "\r\n", "A: b\r\n\r\n", "\r\nA: b\r\n", "A: b\r\n\r\n<script>: x\r\n", "A: b\r\n\r\nC: d\r\n",
      "\n\r\n", "A: b\r\n\n", "A: b\r\n\r",
    } do
      assert.is_false(are_valid(text), text)
    end
  end)

  it("are not continued on the next line", function()
    for _, text in ipairs {
      "A: b\r\n c\r\n", "A: b\r\n\tc\r\n", "A: b\r\n c: d\r\n", " A: b\r\n", "\tA: b\r\n",
      "A: b\r\n \r\n",
    } do
      assert.is_false(are_valid(text), text)
    end
  end)

  it("have tokens for names", function()
    for _, name in ipairs {
      "", " ", "A ", " A", "A B", "A\t", "A(", "A)", "A/B", "A@", "A,", "A;", "A=", "A\"", "A\\",
      "[A]", "{A}", "A?", "<A>", "A\r", "A\n", "A\0", "\0", "A\127", "\195\188", "A\255",
    } do
      assert.is_false(are_valid(name .. ": b\r\n"), name)
    end
    assert.is_false(are_valid "A\r\n")
    assert.is_false(are_valid "A b\r\n")
  end)

  it("have no control character in a value", function()
    for byte = 0, 255 do
      local is_control = byte < 32 or byte == 127
      for _, value in ipairs { "%s", " %s", "a%sb", "a%s" } do
        local text = "A:" .. value:gsub("%%s", function() return string.char(byte) end) .. "\r\n"
        assert.equal(not is_control, are_valid(text), ("%q"):format(text))
      end
      core.tidy()
    end
  end)

  it("are none of those that moongate sets itself, in any case", function()
    for _, name in ipairs {
      "Connection", "Content-Length", "Transfer-Encoding", "Date", "Upgrade", "Trailer",
    } do
      for _, written in ipairs { name, name:lower(), name:upper() } do
        assert.is_false(are_valid(written .. ": x\r\n"), written)
        assert.is_false(are_valid("A: b\r\n" .. written .. ":\r\nC: d\r\n"), written)
      end
      assert.is_true(are_valid("A: " .. name .. ": x\r\n"))
      assert.is_true(are_valid("X-" .. name .. ": x\r\n"))
      assert.is_true(are_valid(name .. "-X: x\r\n"))
    end
  end)

  --- The same rule, written another way.
  local OWN = {}
  for name in ("connection content-length transfer-encoding date upgrade trailer"):gmatch "%S+" do
    OWN[name] = true
  end
  local function is_expected(text)
    while text ~= "" do
      local name, rest = text:match "^([%w-]+):[^%z\1-\31\127]*\r\n(.*)$"
      if not name or OWN[name:lower()] then return false end
      text = rest
    end
    return true
  end

  it("are judged alike by another reading of the rule, within their bytes", function()
    local PIECES = { "A", "Date", ":", ": ", " ", "b", "\r", "\n", "\r\n", "\0", "\t", "A: b\r\n" }
    local random = core.random(9001)
    local valid = 0
    for _ = 1, 20000 do
      local pieces = {}
      for i = 1, random(0, 8) do pieces[i] = PIECES[random(1, #PIECES)] end
      if random(0, 1) == 0 then pieces[#pieces + 1] = "\r\n" end
      local text = table.concat(pieces)
      assert.equal(is_expected(text), are_valid(text), ("%q"):format(text))
      if are_valid(text) then
        valid = valid + 1
        local head = write { status = 200, headers = text }
        local _, ends = head:find("\r\n\r\n", 1, true)
        assert.equal(#head, ends)
      end
      core.tidy()
    end
    assert.is_true(valid > 1000)
  end)
end)
