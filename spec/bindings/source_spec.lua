local fake_core = require "spec.support.fake_core"

describe("source", function()
  local source, folder

  local function save(name, text)
    local file = assert(io.open(folder .. "/" .. name .. ".lua", "w"))
    file:write(text)
    file:close()
  end

  before_each(function()
    source = fake_core.world().source
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder) == 0)
  end)

  after_each(function() os.execute("rm -r " .. folder) end)

  local function path(name) return ("%s/%s.lua"):format(folder, name) end

  it("reads a file once, so that all see the same", function()
    save("a", "return 1")
    local set = source.set(folder)
    assert.equal("return 1", set:text(path "a"))
    save("a", "return 2")
    assert.equal("return 1", set:text(path "a"))
    assert.equal("return 2", source.set(folder):text(path "a"))
  end)

  it("does not wait for a file that is none", function()
    assert(os.execute(("mkfifo %s && mkdir %s"):format(path "pipe", path "folder")) == 0)
    save("a", "return 1")
    local world = fake_core.world()
    source = world.source
    for name, status in pairs { pipe = -5, folder = -5, a = 1, nothing = 0 } do
      world.core.answers.moon_is_file = status
      assert.same(status == -5 and { nil, path(name) .. ": is no regular file" }
        or { status == 1 and "return 1" or nil }, { source.read(path(name)) })
    end
    world.core.answers.moon_is_file = -5
    assert.has_error(function() source.set(folder):text(path "pipe") end,
      path "pipe" .. ": is no regular file")
  end)

  it("takes the good text for a bad one, until the file changes", function()
    save("a", "bad")
    local rejected = { [path "a"] = { bad = "bad", good = "good" } }
    assert.equal("good", source.set(folder, nil, rejected):text(path "a"))
    save("a", "better")
    assert.equal("better", source.set(folder, nil, rejected):text(path "a"))
  end)

  it("knows what a file has required, later ones too", function()
    save("a", "later = function() return require 'c' end return require 'b'")
    save("b", "return 'from b'")
    save("c", "return 'from c'")
    local set = source.set(folder)
    source.use(set)
    local chunk, made = set:compile(path "a")
    assert.equal("from b", chunk())
    assert.same({ [path "b"] = true }, made.requires)
    assert.equal("from c", getfenv(chunk).later())
    assert.same({ [path "b"] = true, [path "c"] = true }, made.requires)
  end)

  it("requires what has the name of a module only", function()
    save("a-1_b", "return 'with a dash'")
    assert(os.execute(("mkdir %s/sub && cp %s %s/sub/\195\164.lua"):format(folder, path "a-1_b",
      folder)) == 0)
    assert(os.execute(("cp %s %s/SECRET"):format(path "a-1_b", folder)) == 0)
    local set = source.set(folder)
    source.use(set)
    for _, guarded in ipairs { false, "a" } do
      local from = { requires = {}, guarded = guarded or nil }
      for _, name in ipairs { "a-1_b", "sub.\195\164", "sub/\195\164" } do
        assert.equal("with a dash", set:require(from, name))
      end
      for _, name in ipairs { "SECRET\0", "sub.\195\164\0", "a b", "", "a\n", "*", "~" } do
        assert.same({ false, ("require: expected the name of a module (letters, digits, _ - . /), "
          .. "got %q"):format(name) }, { pcall(set.require, set, from, name) })
      end
    end
  end)

  it("says that a file is stale when one is that it has required", function()
    save("a", "require 'b'")
    save("b", "require 'c'")
    save("c", "")
    local set = source.set(folder)
    source.use(set)
    local chunk, made = set:compile(path "a")
    chunk()
    assert.is_false(source.set(folder, set.modules):is_stale(made))
    save("c", "--")
    assert.is_true(source.set(folder, set.modules):is_stale(made))
    os.remove(path "c")
    assert.is_true(source.set(folder, set.modules):is_stale(made))
  end)

  it("names the file that cannot be read", function()
    local ok, problem = pcall(source.set(folder).compile, source.set(folder), path "none")
    assert.is_false(ok)
    assert.equal(path "none" .. ": cannot be read", problem)
  end)

  it("is short in a guarded plugin: nobody can stop the parser", function()
    save("most", "return 1" .. (" "):rep(65528))
    save("more", "return 1" .. (" "):rep(65529))
    local set = source.set(folder)
    assert.same({ true, true, true }, { (pcall(set.compile, set, path "most", "a")),
      (pcall(set.compile, set, path "most")), (pcall(set.compile, set, path "more")) })
    local problem = path "more"
      .. ": has 65537 bytes, a file of a guarded plugin at most 65536"
    assert.same({ false, problem }, { pcall(set.compile, set, path "more", "a") })
    source.use(set)
    assert.same({ false, problem },
      { pcall(set.require, set, { requires = {}, guarded = "a" }, "more") })
    assert.equal(1, set:require({ requires = {} }, "more"))
  end)
end)
