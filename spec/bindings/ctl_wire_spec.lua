local core = require "spec.support.core"
local ffi = require "ffi"
local json = require "cjson"
local C = core.load "bindings/ctl_wire.h"

describe("moongate ctl's line", function()
  after_each(core.tidy)

  describe("to the server", function()
    --- Returns the line, or nil and what is wrong.
    local function write(words, capacity)
      capacity = capacity or 4096
      local line = core.exact(("!"):rep(capacity))
      local length, list = ffi.new "uint64_t[1]", ffi.new("const char *[?]", #words, words)
      local problem = C.moon_ctl_write(line, capacity, list, #words, length)
      if problem ~= nil then return nil, ffi.string(problem) end
      return ffi.string(line, length[0])
    end

    it("has a command, and values in their order", function()
      assert.equal('{"command":"help","arguments":[]}\n', write { "help" })
      assert.equal('{"command":"help","arguments":["plugins","x y"]}\n',
        write { "help", "plugins", "x y" })
    end)

    it("has arguments by name", function()
      assert.equal('{"command":"plugins","arguments":{"name":"rooms","of_2":""}}\n',
        write { "plugins", "name=rooms", "of_2=" })
      assert.equal('{"command":"try","arguments":{"a":"b=c"}}\n', write { "try", "a=b=c" })
    end)

    it("takes for a value what has no name in front", function()
      for _, value in ipairs { "=x", "2=x", "a-b=x", "A=x", "http://x/?a=b", "" } do
        assert.equal(('{"command":"try","arguments":[%q]}\n'):format(value), write { "try", value })
      end
    end)

    it("does not mix the two", function()
      for _, words in ipairs { { "try", "a=b", "c" }, { "try", "c", "a=b" } } do
        local line, problem = write(words)
        assert.is_nil(line)
        assert.equal("arguments are all name=value, or all values", problem)
      end
    end)

    it("is JSON whatever the words are", function()
      local value = '"\\\1\n\t\127\195\164/'
      local line = write { value, value }
      assert.equal(1, select(2, line:gsub("\n", "")))
      assert.same({ command = value, arguments = { value } }, json.decode(line))
    end)

    it("has a limit", function()
      local whole = '{"command":"help","arguments":["x"]}\n'
      assert.equal(whole, write({ "help", "x" }, #whole))
      assert.same({ nil, "the arguments are too long" }, { write({ "help", "x" }, #whole - 1) })
    end)
  end)

  describe("from the server", function()
    local function text_of(pointer) return pointer ~= nil and ffi.string(pointer) or nil end

    --- What the answer says, or nil when it is none.
    local function read(line)
      local answer = ffi.new "struct moon_ctl_answer"
      if not C.moon_ctl_read(answer, core.terminated(line)) then return nil end
      return { ok = answer.is_ok, text = text_of(answer.text), code = text_of(answer.code),
        message = text_of(answer.message),
        data = answer.data ~= nil and ffi.string(answer.data, answer.data_length) or nil }
    end

    it("says what was done", function()
      assert.same({ ok = true, text = "generation 2" }, read '{"ok":true,"text":"generation 2"}')
    end)

    it("says what went wrong", function()
      assert.same({ ok = false, code = "failed", message = "no" },
        read '{"ok":false,"error":{"code":"failed","message":"no","more":[1]}}')
    end)

    it("may have its members in any order, and blanks between them", function()
      assert.same({ ok = true, text = "t", data = "7" },
        read ' { "data" : 7 , "text" : "t" , "other" : null , "ok" : true } ')
    end)

    it("may be data, which stay as they are", function()
      local data = '{"a":["}",{"b":"\\"]"}, -1.5e3 ,true],"c":{}}'
      assert.same({ ok = true, data = data }, read('{"ok":true,"data":' .. data .. "}"))
    end)

    it("has its text decoded", function()
      local text = '"\\/\n\r\t\b\f\228\246\1\127\195\164'
      assert.equal(text, read(json.encode { ok = true, text = text }).text)
      assert.equal("\195\164 \226\130\172 \240\159\140\153 A",
        read [[{"ok":true,"text":"\u00e4 \u20AC \ud83c\udf19 \u0041"}]].text)
    end)

    it("has a mark where an escape is no character", function()
      local mark = "\239\191\189"
      assert.equal(mark .. "x", read [[{"ok":true,"text":"\u0000x"}]].text)
      assert.equal(mark .. "\240\159\140\153" .. mark .. mark .. "A",
        read [[{"ok":true,"text":"\ud83c\ud83c\udf19\udf19\ud83c\u0041"}]].text)
      assert.equal("?12", read [[{"ok":true,"text":"\u12"}]].text)
      assert.equal("?", read [[{"ok":true,"text":"\u"}]].text)
      assert.equal("?zzzz", read [[{"ok":true,"text":"\uzzzz"}]].text)
    end)

    it("is refused when it is something else", function()
      for _, line in ipairs { "", "x", "[]", "{}", '{"ok":true}', '{"ok":false}',
        '{"ok":false,"error":{"code":"x"}}', '{"ok":false,"text":"x"}', '{"ok":true,"text":7}',
        '{"ok":true,"text":"x"', '{"ok":true,"text":"x', '{"ok":true,"text":"x\\',
        '{"ok":true,"text":"x"}x', '{"ok":true "text":"x"}', '{ok:true}', '{"ok"}', '{"ok":}',
        '{"ok":true,"data":[1,2}', '{"ok":true,"data":[', '{"ok":true,"data":', '{"error":7}' } do
        assert.is_nil(read(line), line)
      end
    end)

    it("does not read beyond its end, wherever it is cut", function()
      local whole = [[{"ok":true,"text":"\ud83c\udf19\n\"","data":{"a":["b\"",1,{}]},"error":]]
        .. [[{"code":"x","message":"\u0041"}}]]
      assert.is_table(read(whole))
      for length = 0, #whole - 1 do assert.is_nil(read(whole:sub(1, length))) end
    end)
  end)
end)
