local fake_core = require "spec.support.fake_core"

describe("traceback", function()
  local task, traceback

  before_each(function()
    local world = fake_core.world()
    task, traceback = world.task, world.traceback
  end)

  local function logged(fn) return select(2, xpcall(fn, traceback)) end

  it("is the message and the way there", function()
    local text = logged(function() error "ouch" end)
    assert.matches("^spec/bindings/traceback_spec.lua:%d+: ouch\nstack traceback:\n", text)
    assert.matches("traceback_spec.lua:%d+: in function", text)
  end)

  it("says where it was raised when it is no message", function()
    local line = debug.getinfo(1, "l").currentline
    assert.matches(("traceback_spec.lua:%d: raised a table, not a message"):format(line + 2),
      logged(function() error {} end))
    assert.matches("traceback_spec.lua:%d+: raised nil, not a message",
      logged(function() error() end))
  end)

  it("cuts what is long: a message may have as many bytes as the memory", function()
    local long = ("x"):rep(4000)
    for _, problem in ipairs { long .. "y",
      setmetatable({}, { __tostring = function() return long .. "y" end }) } do
      local text = logged(function() error(problem, 0) end)
      assert.equal(long .. "... (4001 bytes)\nstack traceback:\n", text:sub(1, 4034))
    end
    assert.equal(long .. "\n", logged(function() error(long, 0) end):sub(1, 4001))
  end)

  it("is what an object says of itself", function()
    local object = setmetatable({}, { __tostring = function() return "no coin" end })
    assert.matches("^no coin\nstack", logged(function() error(object) end))
    assert.matches("raised a table", logged(function()
      error(setmetatable({}, { __metatable = false }))
    end))
  end)

  it("leaves the error of a task that was cancelled as it is", function()
    local why
    local worker = task.run(function()
      why = task.why_cancelled(logged(function() task.sleep(10) end))
    end)
    task.cancel(worker, "enough")
    assert.equal("enough", why)
  end)
end)
