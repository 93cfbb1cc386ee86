local generator = require "spec.support.generator"
local server = require "spec.support.server"

-- Each misbehaves with every tenth message.
local FAULTY = [[return function(gate)
  local count = 0
  local function is_tenth()
    count = count + 1
    return count % 10 == 0
  end

  gate:raw("/dropped", { received = function(conn, bytes)
    if not is_tenth() then conn:send(bytes) end
  end })

  gate:raw("/doubled", { received = function(conn, bytes)
    conn:send(bytes)
    if is_tenth() then conn:send(bytes) end
  end })

  local held -- sent behind the next one, or when there is none
  gate:raw("/reordered", { received = function(conn, bytes)
    if is_tenth() then
      local this = { bytes }
      held = this
      gate:after_ms(100, function()
        if held == this then
          conn:send(held[1])
          held = nil
        end
      end)
      return
    end
    conn:send(bytes)
    if held then
      conn:send(held[1])
      held = nil
    end
  end })

  gate:raw("/corrupted", { received = function(conn, bytes)
    conn:send(is_tenth() and bytes:sub(1, -2) .. "!" or bytes)
  end })

  gate:raw("/cut_short", { received = function(conn, bytes)
    conn:send(is_tenth() and bytes:sub(1, -2) or bytes)
  end })

  gate:raw("/closed", { received = function(conn, bytes)
    conn:send(bytes)
    if is_tenth() then conn:close(4500, "enough") end
  end })

  gate:raw("/hidden/{room}", {
    opened = function(conn) gate:room(conn.params.room):add(conn) end,
    received = function(conn, bytes)
      gate:room(conn.params.room):publish(bytes, { except = is_tenth() and conn or nil })
    end,
  })
end]]

--- All counts, 0 but for these.
local function with(errors)
  local all = {}
  for key, count in pairs(generator.ERRORS) do all[key] = errors[key] or count end
  return all
end

describe("moongate bench finds out", function()
  local house

  before_each(function() house = server.start { plugins = { faulty = FAULTY } } end)
  after_each(function() house:stop() end)

  local function bench(...) return generator.run(house, ...) end

  --- Several messages under way: one that is lost does not stop everything.
  local function faults_of(path, ...)
    local report, status, err = bench("echo", path, "--connections", "1", "--in-flight", "4",
      "--timeout-s", "2", ...)
    assert.equal(1, status)
    return report.errors, err, report
  end

  it("what is dropped", function()
    local errors = faults_of "/dropped"
    assert.is_true(errors.lost > 0)
    assert.same(with { lost = errors.lost }, errors)
  end)

  it("what is dropped when there is nothing after it", function()
    local report, status = bench("echo", "/dropped", "--connections", "1", "--timeout-s", "1")
    assert.equal(1, status)
    assert.equal(1, report.errors.lost)
  end)

  it("what comes twice", function()
    local errors = faults_of "/doubled"
    assert.is_true(errors.duplicated > 0)
    assert.same(with { duplicated = errors.duplicated }, errors)
  end)

  it("what comes late", function()
    local errors = faults_of "/reordered"
    assert.is_true(errors.reordered > 0)
    assert.same(with { reordered = errors.reordered }, errors)
  end)

  it("what is damaged, and so has not arrived", function()
    for _, path in ipairs { "/corrupted", "/cut_short" } do
      local errors, err = faults_of(path)
      assert.is_true(errors.corrupt > 0)
      assert.same(with { corrupt = errors.corrupt, lost = errors.corrupt }, errors)
      assert.is_truthy(err:find("not as it was sent", 1, true), err)
    end
  end)

  it("who is closed, and why", function()
    local errors, err = faults_of "/closed"
    assert.same(with { closed = 1 }, errors)
    assert.is_truthy(err:find("closed with 4500 enough", 1, true), err)
  end)

  it("who is left out in a room", function()
    local report, status = bench("room", "/hidden/{room}", "--rooms", "2", "--members", "3",
      "--in-flight", "4", "--timeout-s", "2")
    assert.equal(1, status)
    assert.is_true(report.errors.lost > 0)
    assert.same(with { lost = report.errors.lost }, report.errors)
  end)

  it("what is refused, and why, which has not arrived either", function()
    for _, protocol in ipairs { "moongate.v1.json", "moongate.v1.msgpack" } do
      local report, status, err = bench("chat", "/ws", "--protocol", protocol, "--members", "2",
        "--bytes", "4097", "--timeout-s", "1")
      assert.equal(1, status)
      assert.same(with { refused = 2, lost = 4 }, report.errors)
      assert.is_truthy(err:find("data: at most 4096 bytes of text", 1, true), err)
    end
  end)

  it("who is refused, and why", function()
    local report, status, err = bench("echo", "/nowhere", "--connections", "3")
    assert.equal(1, status)
    assert.same(with { refused = 3 }, report.errors)
    assert.is_truthy(err:find("HTTP 404", 1, true), err)
  end)
end)
