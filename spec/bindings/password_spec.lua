local fake_core = require "spec.support.fake_core"

describe("a password", function()
  local core, C, task, password, told, asked

  before_each(function()
    local world = fake_core.world()
    core, C, task, password = world.core, world.core.C, world.task, world.password
    told, asked = {}, {}
    C.moon_password = function(ticket, text, length, hash, hash_length) -- answered when we like
      asked[#asked + 1] = { ticket = ticket, text = text:sub(1, length),
        hash = hash:sub(1, hash_length) }
      return core.answers.moon_password or C.MOON_OK
    end
  end)

  local function spawn(fn, ...)
    local arguments = { ... }
    return task.run(function()
      local results = { fn("gate.crypto:it", unpack(arguments)) }
      told[#told + 1] = results
    end)
  end

  local function answer(which, outcome, hash)
    core:hashed(asked[which].ticket, outcome, hash)
    core:settle()
  end

  it("is hashed, and waited for", function()
    spawn(password.hash, "secret")
    assert.same({ "secret", "" }, { asked[1].text, asked[1].hash })
    assert.same({}, told)
    answer(1, C.MOON_PASSWORD_DONE, "$hash")
    assert.same({ { "$hash" } }, told)
  end)

  it("is compared: right, right and outdated, or wrong", function()
    local outcomes = { C.MOON_PASSWORD_DONE, C.MOON_PASSWORD_OUTDATED, C.MOON_PASSWORD_WRONG }
    for i, outcome in ipairs(outcomes) do
      spawn(password.check, "secret", "$hash")
      assert.same({ "secret", "$hash" }, { asked[i].text, asked[i].hash })
      answer(i, outcome)
    end
    assert.same({ { true, false }, { true, true }, { false } }, told)
  end)

  it("has each answer go to who has asked", function()
    spawn(password.hash, "one")
    spawn(password.hash, "two")
    answer(2, C.MOON_PASSWORD_DONE, "2")
    answer(1, C.MOON_PASSWORD_DONE, "1")
    assert.same({ { "2" }, { "1" } }, told)
  end)

  it("is not known to be right when there is no answer", function()
    spawn(password.check, "secret", "x")
    answer(1, C.MOON_PASSWORD_BAD_HASH)
    spawn(password.check, "secret", "x")
    answer(2, C.MOON_PASSWORD_FAILED)
    spawn(password.hash, "secret")
    answer(3, C.MOON_PASSWORD_FAILED)
    core.answers.moon_password = C.MOON_EFULL
    spawn(password.hash, "secret")
    spawn(password.check, "secret", "x")
    core.answers.moon_password = C.MOON_EBIG
    spawn(password.hash, "secret")
    assert.same({ { nil, "bad_hash" }, { nil, "no_memory" }, { nil, "no_memory" }, { nil, "full" },
      { nil, "full" }, { nil, "too_big" } }, told)
  end)

  it("asks nobody when that can lead to nothing", function()
    spawn(password.check, "secret", "")
    spawn(password.check, "secret", ("x"):rep(C.MOON_MAX_HASH_BYTES))
    spawn(password.check, ("x"):rep(C.MOON_MAX_PASSWORD_BYTES + 1), "$hash")
    assert.same({ { nil, "bad_hash" }, { nil, "bad_hash" }, { false } }, told)
    assert.same({}, asked)
    spawn(password.check, ("x"):rep(C.MOON_MAX_PASSWORD_BYTES), "$hash")
    assert.equal(1, #asked)
  end)

  it("is forgotten when the task is cancelled meanwhile", function()
    local worker = spawn(password.hash, "secret")
    task.cancel(worker)
    core:later(0)
    answer(1, C.MOON_PASSWORD_DONE, "$hash")
    assert.same({}, told)
    spawn(password.hash, "next")
    answer(2, C.MOON_PASSWORD_DONE, "$next")
    assert.same({ { "$next" } }, told)
  end)

  it("is for tasks", function()
    assert.has_error(function() password.hash("gate.crypto:it", "x") end)
    assert.has_error(function() password.check("gate.crypto:it", "x", "") end)
    assert.same({}, asked)
  end)
end)
