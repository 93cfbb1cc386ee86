local fake_core = require "spec.support.fake_core"

describe("log", function()
  local log, lines

  before_each(function()
    local world = fake_core.world()
    log, lines = world.log, world.core.log
  end)

  it("has four levels", function()
    for _, level in ipairs { "error", "warn", "info", "debug" } do
      log[level]("here", "this is %s", level)
    end
    assert.same({
      { level = "error", text = "here: this is error" },
      { level = "warn", text = "here: this is warn" },
      { level = "info", text = "here: this is info" },
      { level = "debug", text = "here: this is debug" },
    }, lines)
  end)

  it("takes a format alone as it is", function()
    log.info("here", "100% sure")
    assert.equal("here: 100% sure", lines[1].text)
  end)

  it("formats as soon as anything follows", function()
    log.info("here", "%d%% of %s", 7, nil)
    assert.equal("here: 7% of nil", lines[1].text)
  end)
end)
