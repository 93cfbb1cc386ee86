local fake_core = require "spec.support.fake_core"

local copies = fake_core.world().membrane_copy

describe("a copy for another plugin", function()
  local function map(_, value)
    return type(value) == "function" and "a function" or value
  end

  before_each(function() copies.begin(copies.MAX_COPIED) end)

  it("has nothing of the table, and what is no data mapped", function()
    local object = setmetatable({}, {})
    local value = { 1, { x = 2 }, fn = print, object = object, [object] = true }
    local made = copies.of(map, nil, value)
    assert.same({ 1, { x = 2 }, fn = "a function", object = object, [object] = true }, made)
    assert.are_not.equal(value, made)
    assert.are_not.equal(value[2], made[2])
    assert.equal(object, made.object)
  end)

  it("has each table once", function()
    local inner = {}
    local value = { inner, inner }
    value.self = value
    local made = copies.of(map, nil, value)
    assert.equal(made[1], made[2])
    assert.equal(made, made.self)
  end)

  it("of values that are no tables are these", function()
    for _, value in ipairs { 1, "x", true, io.stdout } do
      assert.equal(value, copies.of(map, nil, value))
    end
    assert.is_nil(copies.of(map, nil, nil))
  end)

  it("has bounds, in all that is copied for a call", function()
    local many, deep = {}, {}
    for i = 1, 60000 do many[i] = i end
    assert.has_error(function() copies.of(map, nil, many) end, "what has over 100000 values cannot "
      .. "be handed over by a guarded plugin, or to one")
    copies.begin(copies.MAX_GIVEN)
    assert.equal(60000, #copies.of(map, nil, many))
    assert.error_matches(function() copies.of(map, nil, many) end, "over 200000 values")
    copies.begin(copies.MAX_COPIED)
    for _ = 1, 32 do deep = { deep } end
    assert.error_matches(function() copies.of(map, nil, deep) end, "over 32 levels")
    assert.is_table(copies.of(map, nil, deep[1]))
  end)

  describe("that is taken back", function()
    local value, made

    before_each(function()
      value = { type = "say", data = { text = "a", list = { 1, 2 } }, kept = { 1 }, gone = 1 }
      made = copies.of(map, nil, value)
    end)

    local function take_back() copies.take_back(map, nil, value, made) end

    it("changes what was changed, with tables of its own", function()
      made.type, made.gone, made.data.text, made.new = "x", nil, "b", { y = 1 }
      local kept = value.kept
      take_back()
      assert.same({ type = "x", data = { text = "b", list = { 1, 2 } }, kept = { 1 },
        new = { y = 1 } }, value)
      assert.equal(kept, value.kept)
      made.data.text, made.data.list[1], made.new.y = "c", 9, 9
      assert.same({ text = "b", list = { 1, 2 } }, value.data)
      assert.same({ y = 1 }, value.new)
    end)

    it("leaves the tables that are as they were", function()
      local data, list = value.data, value.data.list
      take_back()
      assert.equal(data, value.data)
      assert.equal(list, value.data.list)
    end)

    it("sees what is longer, shorter, or something else", function()
      for _, change in ipairs { function(list) list[3] = 3 end, function(list) list[2] = nil end,
        function(list) list[1] = { 1 } end, function(list) list.x = 1 end } do
        made = copies.of(map, nil, value)
        change(made.data.list)
        take_back()
        assert.same(made, value)
        assert.are_not.equal(made.data.list, value.data.list)
      end
    end)

    it("is no larger in many places than in one", function()
      local many = {}
      for n = 1, 60000 do many[n] = n end
      for n = 1, 1000 do made[n] = many end
      take_back()
      assert.equal(value[1], value[1000])
      assert.are_not.equal(many, value[1])
      for n = 1, 4 do
        local other = {}
        for m = 1, 60000 do other[m] = m end
        made[n] = other
      end
      assert.error_matches(take_back, "over 200000 values")
    end)

    it("is looked at once where its tables are shared", function()
      local dag = { 1 }
      for _ = 1, 25 do dag = { dag, dag } end
      value.dag = dag
      made = copies.of(map, nil, value)
      copies.begin(7)
      take_back()
      assert.equal(dag, value.dag)
      made.dag[1][1].x = 1
      take_back()
      assert.equal(value.dag[1], value.dag[2])
      assert.equal(1, value.dag[2][2].x)
      assert.error_matches(function() copies.of(map, nil, { 1, 2, 3, 4 }) end, "over 7 values")
    end)

    it("is for others only what they can be given whole", function()
      local function give_others() copies.take_back(map, nil, value, made, true) end
      local function whole()
        copies.begin(copies.MAX_GIVEN)
        copies.of(map, nil, value)
      end
      local function list(count)
        local made_here = {}
        for n = 1, count do made_here[n] = n end
        return made_here
      end
      made.a = list(99000)
      give_others()
      whole()
      copies.begin(copies.MAX_GIVEN)
      made = copies.of(map, nil, { a = value.a, b = list(980) })
      give_others()
      whole()
      made.b = list(1000)
      assert.error_matches(give_others, "over 200000 values")
      made.b = {}
      for _ = 1, 30 do made.b = { made.b } end
      give_others()
      whole()
      made.b = { made.b }
      assert.error_matches(give_others, "over 32 levels")
    end)

    it("may have become what holds itself", function()
      made.data.self = made.data
      take_back()
      assert.equal(value.data, value.data.self)
      assert.are_not.equal(made.data, value.data)
    end)

    it("may have objects as keys", function()
      local object = setmetatable({}, {})
      value[object], made[object] = 1, 2
      take_back()
      assert.equal(2, value[object])
      made[object] = nil
      take_back()
      assert.is_nil(value[object])
    end)
  end)
end)
