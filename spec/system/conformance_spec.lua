--- The cases of the Autobahn test suite (sections 1 to 7, 9 and 10), against examples/echo.lua.
--
-- A case is { number, what the server does, step.. }, see spec/support/cases. A step:
--   sends  frames (see spec/support/wire.lua), finished octets, or a function that makes them
--   hears  frames that must come then, and no others
-- A case of one step is its own step. A case also has:
--   chop   how its octets are written: "write" (all at once, the default), "frame", "octet" or
--          a number of octets at a time
--   ends   the code of the server's Close, or "cut" for none; without it the connection must
--          still be good for a Close with 1000
--   hears_some_of  instead of hears: any of these frames, in this order
--   may_be_cut     it may also end without a Close
--   is_over        it is longer than our limits; `fitting` is the same in a length that is not
--   really         its steps and its end as they are; the reason is below
local client = require "spec.support.client"
local file = require "spec.support.file"
local server = require "spec.support.server"
local wire = require "spec.support.wire"

local LATE = "text is checked when its message is complete"
local NO_ECHO = "the echo is made on another thread, and a connection that failed sends no more"

-- What is not as it should be. A case that comes out right makes the spec fail: drop its entry
-- and its `really` then. (NO_ECHO is a matter of timing, and cannot do that.)
local DEVIATIONS = {
  ["3.2"] = NO_ECHO, ["3.3"] = NO_ECHO, ["3.4"] = NO_ECHO,
  ["4.1.3"] = NO_ECHO, ["4.1.4"] = NO_ECHO, ["4.1.5"] = NO_ECHO,
  ["4.2.3"] = NO_ECHO, ["4.2.4"] = NO_ECHO, ["4.2.5"] = NO_ECHO,
  ["5.15"] = NO_ECHO,
  ["6.4.1"] = LATE, ["6.4.2"] = LATE, ["6.4.3"] = LATE, ["6.4.4"] = LATE,
}

local OWN = {
  { "unmasked", "refuses a frame without a mask", ends = 1002,
    sends = { wire.text("Hello, world!", { bare = true }) } },
  { "top bit", "refuses a length with its highest bit set", ends = 1002,
    sends = { "\129\255\128\0\0\0\0\0\0\1\0\0\0\0x" } },
}

describe("a server for Autobahn", function()
  local house, bystander

  setup(function()
    house = server.start { app = "examples/echo.lua", arguments = { "--threads", "1",
      "--max-message-bytes", "262144", "--ping-interval-ms", "3600000" } } -- no pings of its own
    bystander = client.connect(house.port, "/echo")
  end)
  teardown(function()
    assert.equal(1000, bystander:close())
    house:stop()
  end)

  --- Writes as many octets at a time as `chop` says. A server that has hung up is no error
  --- here: the end of the case is looked at later.
  local function write(peer, chop, sends)
    local pieces = {}
    if type(sends) == "function" then sends = sends() end
    for i, frame in ipairs(sends) do
      pieces[i] = type(frame) == "string" and frame or wire.encode(frame)
    end
    if chop ~= "frame" then pieces = { table.concat(pieces) } end
    if chop == "octet" then chop = 1 end
    if type(chop) == "number" then pieces = wire.cut(pieces[1], chop) end
    for _, piece in ipairs(pieces) do
      if not peer.socket:send(piece) then return end
    end
  end

  --- The next frame, or nil and what is wrong. The server's are final and have no mask.
  local function hear(peer)
    local opcode, payload, is_final = peer:read_frame()
    if not opcode then
      local _, problem = peer.socket:receive(1)
      assert.is_nil(problem:match "timeout" or problem:match "want", "nothing came")
      return nil
    end
    assert.is_true(is_final)
    return { opcode = opcode, payload = payload }
  end

  --- Octets sent before this have been read, as the I/O thread has turned since: twice, so
  --- that an answer has been written too.
  local function stays_silent(peer)
    for _ = 1, 2 do
      write(bystander, "write", { wire.ping "" })
      assert.same({ opcode = client.PONG, payload = "" }, hear(bystander))
    end
    peer.socket:settimeout(0)
    local byte, problem = peer.socket:receive(1)
    assert.is_nil(byte)
    assert.is_truthy(problem == "timeout" or problem == "wantread", problem)
    peer.socket:settimeout(30)
  end

  local function plain(frame) return { opcode = frame.opcode, payload = frame.payload } end

  local function is_same(a, b) return a.opcode == b.opcode and a.payload == b.payload end

  --- A long payload would make a long message.
  local function shown(frame)
    if not frame then return "the end" end
    return ("opcode %d, %d octets: %s"):format(frame.opcode, #frame.payload,
      frame.payload:sub(1, 40))
  end

  local function hears_all(peer, frames)
    for _, wanted in ipairs(frames or {}) do
      local frame = hear(peer)
      if not frame or not is_same(plain(wanted), frame) then
        error(("heard %s instead of %s"):format(shown(frame), shown(wanted)), 0)
      end
    end
  end

  --- Reads to the end; answers a Close if asked to.
  ---@return integer|"cut" ending
  ---@return table[] frames before the Close
  local function hear_out(peer, is_answered)
    local frames, ending = {}, "cut"
    for frame in function() return hear(peer) end do
      assert.equal("cut", ending, "nothing comes after a Close")
      if frame.opcode == wire.CLOSE then
        local high, low = frame.payload:byte(1, 2)
        ending = high and high * 256 + low or 1005
        if is_answered then write(peer, "write", { wire.describe(wire.CLOSE, frame.payload) }) end
      else
        frames[#frames + 1] = frame
      end
    end
    return ending, frames
  end

  local function are_some_of(wanted, frames)
    local at = 1
    for _, frame in ipairs(frames) do
      while wanted[at] and not is_same(wanted[at], frame) do at = at + 1 end
      assert.is_truthy(wanted[at], "heard " .. shown(frame))
      at = at + 1
    end
  end

  --- Whether the client has sent a Close, and owes none any more.
  local function says_goodbye(steps)
    local last = steps[#steps].sends
    if type(last) == "function" then return false end
    for _, frame in ipairs(last) do
      if frame.opcode == wire.CLOSE and not frame.rsv then return true end
    end
    return false
  end

  --- The steps of a case, or of what is really done.
  local function steps_of(case, real)
    local first = case == real and 3 or 1
    if real[first] then return { unpack(real, first) } end
    return { { sends = case.sends, hears = real.hears, hears_some_of = real.hears_some_of } }
  end

  --- Goes through a case, which comes out as `real` says.
  local function converse(case, real)
    local peer = client.connect(house.port, "/echo")
    local steps, some = steps_of(case, real), nil
    for _, step in ipairs(steps) do
      write(peer, case.chop, step.sends)
      hears_all(peer, step.hears)
      if step.silence then stays_silent(peer) end
      some = step.hears_some_of
    end
    local has_said = says_goodbye(steps)
    if not real.ends then
      write(peer, "write", { wire.close(1000) })
      has_said = true
    end
    local ending, frames = hear_out(peer, not has_said)
    are_some_of(some or {}, frames)
    if not (real.may_be_cut and ending == "cut") then assert.equal(real.ends or 1000, ending) end
    peer:cut()
  end

  local function it_does(case)
    local number, about = case[1], case[2]
    if not case.really then
      it(("%s %s"):format(number, about), function() converse(case, case) end)
      return
    end
    it(("%s %s (not so: %s)"):format(number, about, DEVIATIONS[number]), function()
      converse(case, case.really)
    end)
  end

  local all, over, excused = 0, 0, {}
  for _, name in ipairs { "framing", "fragments", "utf8", "closing", "sizes" } do
    for _, case in ipairs(require("spec.support.cases." .. name)) do
      it_does(case)
      all = all + 1
      if case.is_over then over = over + 1 end
      if case.really then excused[case[1]] = true end
      if case.fitting then
        it(("%s %s"):format(case[1], case.fitting[1]), function()
          converse(case.fitting, case.fitting)
        end)
      end
    end
  end
  local lax = 0
  for _ in pairs(excused) do lax = lax + 1 end
  for _, case in ipairs(OWN) do
    it_does(case)
    excused[case[1]] = case.really and true or nil
  end

  it("deviates where DEVIATIONS says so, and nowhere else", function()
    local listed = {}
    for number in pairs(DEVIATIONS) do listed[number] = true end
    assert.same(excused, listed)
  end)

  it("is what docs/protocol.md says", function()
    local page = file.read "docs/protocol.md"
    local sum = ("Of %d cases %d come out as the suite asks, %d are refused for their length, %d")
      :format(all, all - over - lax, over, lax)
    assert.is_truthy(page:find(sum, 1, true), sum)
  end)
end)
