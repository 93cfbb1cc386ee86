local fake_core = require "spec.support.fake_core"
local ffi = require "ffi"

describe("books", function()
  local books, C

  before_each(function()
    local world = fake_core.world()
    books, C = world.books, world.core.C
  end)

  it("are numbers by column and class", function()
    local struct = ffi.new "struct moon_books"
    local n = 0
    for _, column in ipairs { "sent", "delivered", "dropped", "queued" } do
      for class = C.MOON_RELIABLE, C.MOON_CONTROL do
        n = n + 1
        struct[column][class] = n
      end
    end
    struct.queued_bytes = 2 ^ 40
    assert.same({
      sent = { reliable = 1, latest = 2, volatile = 3, control = 4 },
      delivered = { reliable = 5, latest = 6, volatile = 7, control = 8 },
      dropped = { reliable = 9, latest = 10, volatile = 11, control = 12 },
      queued = { reliable = 13, latest = 14, volatile = 15, control = 16 },
      queued_bytes = 2 ^ 40,
    }, books.decode(ffi.string(struct, ffi.sizeof(struct))))
  end)

  it("are tables of their own each time", function()
    local bytes = ("\0"):rep(ffi.sizeof "struct moon_books")
    assert.are_not.equal(books.decode(bytes).sent, books.decode(bytes).sent)
  end)

  it("are refused in another length", function()
    assert.error_matches(function() books.decode "" end, "these are no books")
  end)
end)
