--- A client of an API that knows nothing of it but its OpenAPI file: which operations there are,
--- where they are, and what goes in and comes out. It holds both against the file's schemas.
--
--   local api = openapi.open "docs/openapi.json"
--   local ops = api:client(house.port, "the key")
--   local room = ops:calls("describe_room", { room = "tea" })
local client = require "spec.support.client"
local file = require "spec.support.file"
local json = require "cjson"
local unistd = require "posix.unistd"
local wait = require "posix.sys.wait"

---@class spec.Openapi
---@field document table the file
---@field operations table<string, table> operationId -> { path, method, spec, pointer }
---@field called table<string, table<integer, integer>> operationId -> status -> how often
local Api = {}
local api_mt = { __index = Api }

local Client = {}
local client_mt = { __index = Client }

local METHODS = { get = true, post = true, put = true, patch = true, delete = true }

-- ---- schemas ----

--- python3 with its input and output in our hands.
local function start_validator(path)
  local in_read, in_write = unistd.pipe()
  local out_read, out_write = unistd.pipe()
  local pid = unistd.fork()
  if pid == 0 then
    unistd.dup2(in_read, 0)
    unistd.dup2(out_write, 1)
    for fd = 3, 1023 do unistd.close(fd) end
    unistd.execp("python3", { "spec/support/openapi.py", path })
    unistd._exit(127)
  end
  unistd.close(in_read)
  unistd.close(out_write)
  return { pid = pid, input = in_write, output = out_read }
end

--- What is wrong with a document; nil: nothing.
---@param pointer string to the schema
---@param text string JSON
---@return string? problem
function Api:problem(pointer, text)
  assert(not text:find "\n", "more than a line")
  local line, sent = ("%s\t%s\n"):format(pointer, text), 0
  while sent < #line do
    sent = sent + assert(unistd.write(self.validator.input, line:sub(sent + 1, sent + 60000)))
  end
  local answer = ""
  while not answer:find "\n$" do
    local more = unistd.read(self.validator.output, 65536)
    if not more or more == "" then error("the validator has gone: " .. pointer) end
    answer = answer .. more
  end
  return answer ~= "\n" and answer:sub(1, -2) or nil
end

function Api:close()
  unistd.close(self.validator.input)
  unistd.close(self.validator.output)
  wait.wait(self.validator.pid)
end

-- ---- the file ----

local function escaped(word) return (word:gsub("~", "~0"):gsub("/", "~1")) end

--- What a reference in the file names, and its pointer.
function Api:resolve(value, pointer)
  local reference = value["$ref"]
  if not reference then return value, pointer end
  local found = self.document
  for step in reference:sub(3):gmatch "[^/]+" do found = assert(found[step], reference) end
  return self:resolve(found, reference:sub(2))
end

---@param path string
---@return spec.Openapi
local function open(path)
  local document = json.decode(file.read(path))
  local self = setmetatable({ document = document, operations = {}, called = {},
    validator = start_validator(path) }, api_mt)
  assert(document.openapi:find "^3%.1%.")
  for place, methods in pairs(document.paths) do
    assert(not place:find "[{}]", place .. ": this client knows no fields in paths")
    for method, spec in pairs(methods) do
      local name = spec.operationId
      assert(METHODS[method] and name and not self.operations[name], place)
      self.operations[name] = { path = place, method = method:upper(), spec = spec,
        pointer = ("/paths/%s/%s"):format(escaped(place), method) }
    end
  end
  return self
end

-- ---- calls ----

local function escape_of(byte) return ("%%%02X"):format(byte:byte()) end

local function encoded(text) return (tostring(text):gsub("[^%w._~-]", escape_of)) end

--- The query, and what is wrong with it by the file.
function Client:query_of(operation, args)
  local parts, known, problem = {}, {}, nil
  for i, parameter in ipairs(operation.spec.parameters or {}) do
    local name, value = parameter.name, args[parameter.name]
    assert(parameter["in"] == "query", name)
    known[name] = true
    if value ~= nil then
      local pointer = ("%s/parameters/%d/schema"):format(operation.pointer, i - 1)
      problem = problem or self.api:problem(pointer, json.encode(value))
    elseif parameter.required then
      problem = problem or name .. ": is required"
    end
  end
  for name, value in pairs(args) do
    if not known[name] then problem = problem or name .. ": is not in the file" end
    parts[#parts + 1] = ("%s=%s"):format(encoded(name), encoded(value))
  end
  table.sort(parts)
  return parts[1] and "?" .. table.concat(parts, "&") or "", problem
end

function Client:body_of(operation, args)
  local _, content = next(operation.spec.requestBody.content)
  assert(content and operation.spec.requestBody.content["application/json"] == content)
  local text = json.encode(args)
  return text, self.api:problem(operation.pointer
    .. "/requestBody/content/application~1json/schema", text)
end

local function headers_of(head)
  local headers = {}
  for name, value in head:gmatch "\n([^:\n]+): ?([^\n]*)" do headers[name:lower()] = value end
  return headers
end

--- Sends any request; the head's fields, and the body as it came.
---@param method string
---@param target string
---@param headers? table<string, string|false> beside Authorization; false: not that one
---@param body? string
---@return table response { status, headers, body, data }
function Client:sends(method, target, headers, body)
  local all = { Host = "127.0.0.1:" .. self.port,
    Authorization = self.key and "Bearer " .. self.key,
    ["Content-Length"] = body and tostring(#body) or nil }
  for name, value in pairs(headers or {}) do all[name] = value end
  local lines = { ("%s %s HTTP/1.1"):format(method, target) }
  for name, value in pairs(all) do
    if value then lines[#lines + 1] = ("%s: %s"):format(name, value) end
  end
  local text = table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
  local response = client.request(self.port, text)
  response.headers = headers_of(response.head)
  local length = tonumber(response.headers["content-length"] or 0)
  response.body = method ~= "HEAD" and length > 0 and response.socket:receive(length) or ""
  response.socket:close()
  local is_json = response.headers["content-type"] == "application/json"
  response.data = is_json and response.body ~= "" and json.decode(response.body) or nil
  return response
end

--- What is wrong with a response's headers.
local function problem_of_headers(api, spec, pointer, response)
  for name, header in pairs(spec.headers or {}) do
    local value = response.headers[name:lower()]
    if not value and header.required then return name .. ": is missing" end
    local is_number = header.schema.type == "integer"
    local text = value and json.encode(is_number and tonumber(value) or value)
    local problem = text and api:problem(("%s/headers/%s/schema"):format(pointer, name), text)
    if problem then return problem end
  end
end

--- What is wrong with a response, by the file.
function Api:problem_of(operation, response)
  local spec = operation.spec.responses[tostring(response.status)]
  if not spec then return ("%d: is not in the file"):format(response.status) end
  local pointer
  spec, pointer = self:resolve(spec,
    ("%s/responses/%d"):format(operation.pointer, response.status))
  local media = (response.headers["content-type"] or ""):match "^[^;]*"
  if not spec.content[media] then return media .. ": is not in the file" end
  local problem = problem_of_headers(self, spec, pointer, response)
  if problem or not response.data then return problem end
  return self:problem(("%s/content/%s/schema"):format(pointer, escaped(media)), response.body)
end

--- Carries out a call, whatever becomes of it; the answer is as the file says.
---@param name string operationId
---@param args table
---@return table response
---@return string? problem of the request, by the file
function Client:tries(name, args)
  local operation = assert(self.api.operations[name], name)
  local target, headers, problem, body, query = operation.path
  if operation.spec.requestBody then
    body, problem = self:body_of(operation, args)
    headers = { ["Content-Type"] = "application/json" }
  else
    query, problem = self:query_of(operation, args)
    target = target .. query
  end
  local response = self:sends(operation.method, target, headers, body)
  local called = self.api.called[name] or {}
  self.api.called[name] = called
  called[response.status] = (called[response.status] or 0) + 1
  local wrong = self.api:problem_of(operation, response)
  if wrong then error(("%s: %s\n%s"):format(name, wrong, response.body), 2) end
  return response, problem
end

--- Carries out a call that is right, and is granted.
---@return table data
function Client:calls(name, args)
  local response, problem = self:tries(name, args)
  if problem then error(("%s: %s"):format(name, problem), 2) end
  if response.status ~= 200 then
    error(("%s: %d %s"):format(name, response.status, response.body), 2)
  end
  return response.data
end

--- Carries out a call that is right, and is refused.
---@return integer status
---@return string code
function Client:fails(name, args)
  local response, problem = self:tries(name, args)
  if problem then error(("%s: %s"):format(name, problem), 2) end
  if response.status == 200 then error(name .. ": is granted", 2) end
  return response.status, response.data.error.code
end

---@param port integer
---@param key? string
function Api:client(port, key)
  return setmetatable({ api = self, port = port, key = key }, client_mt)
end

return { open = open }
