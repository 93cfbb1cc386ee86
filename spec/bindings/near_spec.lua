local fake_core = require "spec.support.fake_core"

describe("the nearest word", function()
  local near = fake_core.world("moongate.near").near

  it("is told by letters that are more, less, other or swapped", function()
    for _, case in ipairs { { "say", "say", 0 }, { "syy", "say", 1 }, { "sa", "say", 1 },
      { "", "say", 3 }, { "say", "", 3 }, { "slwo", "slow", 1 }, { "joined", "jion", 3 } } do
      assert.equal(case[3], near.edits(case[1], case[2]), case[1])
      assert.equal(case[3], near.edits(case[2], case[1]), case[2])
    end
  end)

  it("is found among others", function()
    assert.equal("say", near.find("syy", { "join", "say", "stay" }))
    assert.equal("opened", near.find("oepnde", { "closed", "opened" }))
  end)

  it("is none when all are far, or the word is so short that each is near", function()
    assert.is_nil(near.find("dance", { "say", "join", "leave" }))
    assert.is_nil(near.find("x", { "*", "y" }))
    assert.is_nil(near.find("ab", { "cd" }))
    assert.is_nil(near.find("say", {}))
  end)
end)
