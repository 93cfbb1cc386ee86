local client = require "spec.support.client"
local json = require "cjson"
local server = require "spec.support.server"

-- A client says what it wants to be sent; what it gets begins with the class of the message.
local PLUGIN = [[return function(gate)
  local function publish_books(conn, event, books)
    gate:info("%s of %s: %s", event, conn.params.name, gate.json.encode(books))
  end

  gate:raw("/flood/{name}", {
    opened = function(conn)
      gate:room("flood"):add(conn)
    end,
    received = function(conn, bytes)
      local order = gate.json.decode(bytes)
      if order.limit then assert(conn:limit(order.limit)) end
      local filler = ("x"):rep(order.size or 0)
      for n = 1, order.count or 0 do
        for _, class in ipairs(order.classes) do
          local how = { class = class, key = class == "latest" and n % order.keys or nil }
          local text = ("%s %d %s"):format(class, n, filler)
          if order.room then
            gate:room("flood"):publish(text, how)
          else
            conn:send(text, how)
          end
        end
      end
      if order.bye then conn:close(4000, "bye") end
    end,
    slow = function(conn, books) publish_books(conn, "slow", books) end,
    drained = function(conn, books) publish_books(conn, "drained", books) end,
    closed = function(conn, reason, _, books)
      publish_books(conn, "closed (" .. reason .. ")", books)
    end,
  })
end]]

local CLASSES = { "reliable", "latest", "volatile", "control" }

describe("the classes of messages", function()
  local house

  setup(function()
    house = server.start { tls = false, plugins = { flood = PLUGIN }, arguments = {
      "--max-outbox-bytes", "100000", "--max-outbox-messages", "100000", "--threads", "1",
      "--close-timeout-ms", "3000" } }
  end)
  teardown(function() house:stop() end)

  local function books_of(event, name)
    house:logs(("%s of %s: "):format(event, name))
    local text
    for line in house:log():gmatch "[^\n]+" do
      text = line:match(("%s of %s: (.*)$"):format(event:gsub("%p", "%%%0"), name)) or text
    end
    return json.decode(text)
  end

  local function balance(books)
    for _, class in ipairs(CLASSES) do
      assert.equal(books.sent[class],
        books.delivered[class] + books.dropped[class] + books.queued[class], class)
    end
  end

  local function connect(name)
    local who = client.connect(house.port, "/flood/" .. name)
    who.socket:setoption("tcp-nodelay", true)
    return who
  end

  --- Reads until the class and number are those; counts what came, by class.
  local function read_until_closed(who)
    local counts, newest = { reliable = 0, latest = 0, volatile = 0 }, {}
    local text = who:read()
    while text do
      local class, n = text:match "^(%a+) (%d+)"
      counts[class] = counts[class] + 1
      newest[class] = newest[class] or {}
      table.insert(newest[class], tonumber(n))
      text = who:read()
    end
    return counts, newest
  end

  it("tell a slow reader the newest value of each key, drop volatile ones and count both",
    function()
      local cat = connect "cat"
      cat:says { classes = { "volatile", "latest" }, count = 4000, keys = 10, size = 2000 }
      local slow = books_of("slow", "cat") -- more than the socket's buffers hold
      balance(slow)
      cat:says { classes = { "reliable" }, count = 3, keys = 1, bye = true }
      local counts, order = read_until_closed(cat)
      local books = books_of("closed (script)", "cat")
      balance(books)
      assert.equal(4000, books.sent.latest)
      assert.equal(4000, books.sent.volatile)
      assert.equal(3, books.sent.reliable)
      assert.is_true(books.dropped.volatile > 0)
      assert.is_true(books.dropped.latest > 0)
      assert.equal(0, books.dropped.reliable)
      -- what was not dropped was read
      for class, count in pairs(counts) do
        assert.equal(books.sent[class] - books.dropped[class], count, class)
      end
      local last = {}
      for _, n in ipairs(order.latest) do last[n % 10] = n end
      for key = 0, 9 do assert.equal(key == 0 and 4000 or 3990 + key, last[key]) end
      assert.same({ 1, 2, 3 }, order.reliable)
      assert.same({ code = 4000, reason = "bye" }, cat.closed)
    end)

  it("say when a queue has passed the high mark, and when it has drained", function()
    local cat = connect "dan"
    cat:says { classes = { "volatile" }, count = 4000, size = 2000 }
    balance(books_of("slow", "dan"))
    local heard = 0
    repeat
      assert(cat:read())
      heard = heard + 1
    until house:log():find "drained of dan"
    local drained = books_of("drained", "dan")
    balance(drained)
    assert.is_true(drained.queued_bytes <= 100000 / 8)
    assert.is_true(heard > 100)
    cat:close()
    local books = books_of("closed (client)", "dan")
    balance(books)
    assert.equal(4000, books.sent.volatile)
  end)

  it("hold for a room, and each member gets what its own limits allow", function()
      local ann, cat = connect "eve", connect "fay"
      cat:says { limit = { outbox_bytes = 20000 }, classes = { "control" }, count = 1 }
      assert.is_truthy(cat:read():match "^control") -- the limit is in force
      ann:says { room = true, classes = { "latest", "volatile" }, count = 3000, keys = 5,
        size = 2000 }
      ann:says { room = true, classes = { "reliable" }, count = 1 }
      local got = { latest = 0, volatile = 0 }
      while not got.reliable do
        local class = assert(ann:read(), "closed"):match "^%a+"
        got[class] = (got[class] or 0) + 1
      end
      ann:close()
      local of_ann = books_of("closed (client)", "eve")
      balance(of_ann)
      assert.equal(3000, of_ann.sent.latest)
      assert.equal(of_ann.delivered.latest, got.latest)
      assert.equal(of_ann.delivered.volatile, got.volatile)
      books_of("slow", "fay")
      cat:says { bye = true, classes = {} }
      local counts = read_until_closed(cat)
      local of_cat = books_of("closed (script)", "fay")
      balance(of_cat)
      assert.is_true(of_cat.dropped.volatile > 0)
      assert.equal(of_cat.sent.latest - of_cat.dropped.latest, counts.latest)
      assert.equal(of_cat.sent.volatile - of_cat.dropped.volatile, counts.volatile)
    end)

  it("close a reader with 4008 when something reliable has no room, or waits too long", function()
    local cat = connect "gus"
    cat:says { classes = { "reliable" }, count = 10000, keys = 1, size = 2000 }
    local books = books_of("closed (slow)", "gus")
    balance(books)
    assert.is_true(books.sent.reliable < 10000)
    cat:cut()

    local dog = connect "hal"
    dog:says { limit = { outbox_age_ms = 300, outbox_bytes = 50000000 } }
    dog:says { classes = { "reliable" }, count = 5000, keys = 1, size = 2000 }
    balance(books_of("closed (slow)", "hal"))
    dog:cut()
  end)

  it("add up over the whole server", function()
    server.eventually("the books of all connections", function()
      local now = house:metrics()
      local is_even = true
      for _, class in ipairs(CLASSES) do
        local function value(what) return now[("moongate_%s_messages%s{class=%q}"):format(
          what, what == "queued" and "" or "_total", class)] end
        is_even = is_even and value "queued" == 0
          and value "sent" == value "delivered" + value "dropped" and value "sent" > 0
      end
      return is_even and now["moongate_queued_bytes"] == 0 and now["moongate_slow_total"] >= 4
    end)
  end)
end)
