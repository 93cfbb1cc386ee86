--- Documents that nobody means well with: each gets its code, and the connection goes on.
local server = require "spec.support.server"
local talker = require "spec.support.talker"

local DEEP = 32 -- objects and arrays in one another

local function rep(text, count) return text:rep(count) end

--- A request in JSON with this as its data.
local function with(data) return ('{"type":"echo","data":%s}'):format(data) end

--- A string of MessagePack.
local function str(text)
  if #text < 32 then return string.char(160 + #text) .. text end
  return "\218" .. string.char(math.floor(#text / 256), #text % 256) .. text
end

--- A request in MessagePack with this as its data.
local function packed(data) return "\130" .. str "type" .. str "echo" .. str "data" .. data end

-- What it is, its bytes, and the code of the reply; "ok": it is granted.
local CASES = {
  json = {
    { "nothing", "", "bad_json" },
    { "blanks", "  \n\t ", "bad_json" },
    { "a NUL", "\0", "bad_json" },
    { "a NUL behind it", '{"type":"ping"}\0', "bad_json" },
    { "a NUL in a string", with '"a\0b"', "bad_json" },
    { "something behind a NUL", '{"type":"ping"}\0{"type":"boom"}', "bad_json" },
    { "a line break in a string, taken as it is", with '"a\nb"', "ok" },
    { "a byte order mark", "\239\187\191" .. '{"type":"ping"}', "bad_json" },
    { "UTF-16", "{\0}\0", "bad_json" },
    { "two documents", '{"type":"ping"}{"type":"ping"}', "bad_json" },
    { "a comma too many", '{"type":"ping",}', "bad_json" },
    { "a comment", '{"type":"ping"/**/}', "bad_json" },
    { "quotes of the wrong kind", "{'type':'ping'}", "bad_json" },
    { "a key that is none", '{type:"ping"}', "bad_json" },
    { "a string that does not end", '{"type":"ping', "bad_json" },
    { "an escape that is none", with '"\\x41"', "bad_json" },
    { "half of a surrogate", with '"\\ud800"', "bad_json" },
    { "surrogates in the wrong order", with '"\\udc00\\ud800"', "bad_json" },
    { "an escape that is cut", with '"\\u00"', "bad_json" },
    { "NaN", with "NaN", "bad_json" },
    { "Infinity", with "-Infinity", "bad_json" },
    { "a number beyond all numbers", with "1e999", "bad_json" },
    { "an id beyond all numbers", '{"type":"ping","id":-1e999}', "bad_json" },
    { "a word", "ping", "bad_json" },
    { "a string", '"ping"', "bad_json" },
    { "a number", "1", "bad_json" },
    { "null", "null", "bad_json" },
    { "arrays that do not end", rep("[", 200000), "bad_json" },
    { "objects that do not end", rep('{"a":', 50000), "bad_json" },
    { "arrays in arrays", rep("[", 100000) .. rep("]", 100000), "bad_json" },
    { "one array too deep", with(rep("[", DEEP) .. rep("]", DEEP)), "bad_json" },
    { "arrays as deep as may be", with(rep("[", DEEP - 2) .. rep("]", DEEP - 2)), "ok" },
    { "an array that is too long", with("[" .. rep("1,", 10000) .. "1]"), "bad_json" },
    { "an array as long as may be", with("[" .. rep("1,", 9999) .. "1]"), "ok" },
    { "too many values",
      with("[" .. rep("[" .. rep("1,", 9998) .. "1],", 11) .. "1]"), "bad_json" },
    { "a digit after the other", with(rep("1", 200000)), "bad_json" },
    { "zeros without end", with("0." .. rep("0", 200000) .. "1"), "ok" },
    { "a long key", ('{"type":"echo","%s":1}'):format(rep("k", 200000)), "ok" },
    { "a long type", ('{"type":"%s"}'):format(rep("t", 200000)), "bad_request" },
    { "a long id", ('{"type":"ping","id":"%s"}'):format(rep("i", 200000)), "bad_request" },
    { "a type with a NUL", '{"type":"pi\\u0000ng"}', "unknown_type" },
    { "a type of the runtime", '{"type":"__index"}', "unknown_type" },
    { "an event for a type", '{"type":"opened"}', "unknown_type" },
    { "all types", '{"type":"*"}', "unknown_type" },
    { "a type that is an object", '{"type":{"type":"ping"}}', "bad_request" },
    { "an id that is an object", '{"type":"ping","id":{"id":1}}', "bad_request" },
    { "an id of null", '{"type":"ping","id":null}', "ok" },
    { "an id beyond 2^53", '{"type":"ping","id":9007199254740993}', "bad_request" },
    { "two types", '{"type":"boom","type":"ping"}', "ok" },
    { "keys of other languages", '{"type":"ping","__proto__":{"a":1},"__metatable":1}', "ok" },
    { "an empty batch", "[]", "bad_batch" },
    { "a batch that is too long", "[" .. rep('{"type":"ping"},', 64) .. "1]", "bad_batch" },
    { "a batch of batches", '[[{"type":"ping"}]]', "bad_json" },
  },
  msgpack = {
    { "nothing", "", "bad_msgpack" },
    { "the byte that is never used", "\193", "bad_msgpack" },
    { "JSON", '{"type":"ping"}', "bad_msgpack" },
    { "nil", "\192", "bad_msgpack" },
    { "a number", "\7", "bad_msgpack" },
    { "a string", str "ping", "bad_msgpack" },
    { "two documents", "\128\128", "bad_msgpack" },
    { "a map that is cut", "\130" .. str "type" .. str "ping", "bad_msgpack" },
    { "a string that is cut", "\129" .. str "type" .. "\165ping", "bad_msgpack" },
    { "four billion pairs", "\223\255\255\255\255", "bad_msgpack" },
    { "four billion elements", "\221\255\255\255\255", "bad_msgpack" },
    { "four billion bytes of text", "\219\255\255\255\255x", "bad_msgpack" },
    { "four billion bytes", packed "\198\255\255\255\255x", "bad_msgpack" },
    { "four billion of each", rep("\221\255\255\255\255", 40000), "bad_msgpack" },
    { "a million maps of one", rep("\129\1", 100000), "bad_msgpack" },
    { "arrays in arrays", rep("\145", 200000) .. "\192", "bad_msgpack" },
    { "one array too deep", packed(rep("\145", DEEP) .. "\1"), "bad_msgpack" },
    { "arrays as deep as may be", packed(rep("\145", DEEP - 2) .. "\1"), "ok" },
    { "an array that is too long", packed("\220\39\17" .. rep("\1", 10001)), "bad_msgpack" },
    { "an array as long as may be", packed("\220\39\16" .. rep("\1", 10000)), "ok" },
    { "too many values", packed("\155" .. rep("\220\39\15" .. rep("\1", 9999), 11)),
      "bad_msgpack" },
    { "NaN", packed "\203\127\248\0\0\0\0\0\0", "bad_msgpack" },
    { "infinity", packed "\202\127\128\0\0", "bad_msgpack" },
    { "an integer that loses digits", packed "\207\0\32\0\0\0\0\0\1", "bad_msgpack" },
    { "an integer below all", packed "\211\128\0\0\0\0\0\0\0", "bad_msgpack" },
    { "a timestamp", packed "\214\255\0\0\0\0", "bad_msgpack" },
    { "an extension", packed "\199\0\1", "bad_msgpack" },
    { "text that is none", packed "\161\255", "bad_msgpack" },
    { "text that is cut in a character", packed "\161\195", "bad_msgpack" },
    { "half of a surrogate", packed "\163\237\160\128", "bad_msgpack" },
    { "a key of nil", packed "\129\192\1", "bad_msgpack" },
    { "a key that is NaN", packed "\129\203\127\248\0\0\0\0\0\0\1", "bad_msgpack" },
    { "a key that is a map", packed "\129\128\1", "bad_msgpack" },
    { "a key that is bytes", packed "\129\196\1\255\1", "bad_msgpack" },
    { "a key that is a number", packed "\129\7\1", "ok" },
    { "bytes", packed "\196\2\255\0", "ok" },
    { "a type of bytes", "\129" .. str "type" .. "\196\1\255", "bad_request" },
    { "a type that is an array", "\129" .. str "type" .. "\145" .. str "ping", "bad_request" },
    { "an id of nil", "\130" .. str "type" .. str "ping" .. str "id" .. "\192", "ok" },
    { "an id of 2^53",
      "\130" .. str "type" .. str "ping" .. str "id" .. "\207\0\32\0\0\0\0\0\0", "bad_request" },
    { "an id with a fraction",
      "\130" .. str "type" .. str "ping" .. str "id" .. "\203\63\248\0\0\0\0\0\0", "bad_request" },
    { "a long type", "\129" .. str "type" .. str(rep("t", 60000)), "bad_request" },
    { "two types", "\130" .. str "type" .. str "boom" .. str "type" .. str "ping", "ok" },
    { "an empty map", "\128", "bad_request" },
    { "an empty batch", "\144", "bad_batch" },
    { "a long empty batch", "\221\0\0\0\0", "bad_batch" },
    { "a batch that is too long", "\220\0\65" .. rep("\128", 65), "bad_batch" },
    { "a batch of batches", "\145\145\128", "bad_msgpack" },
  },
}

describe("a hostile document", function()
  local house, one

  setup(function()
    house = server.start { arguments = { "--max-message-bytes", "262144" },
      plugins = { echo = [[return function(gate)
        gate:on("echo", function(_, message) return { data = message.data } end)
        gate:on("boom", function() error "this is not to be called" end)
      end]] } }
  end)
  teardown(function() house:stop() end)

  for _, encoding in ipairs { "json", "msgpack" } do
    describe("in " .. encoding, function()
      setup(function()
        one = talker.connect(house.port, encoding)
        one:hears { type = "hello" }
        assert.is_true(one:asks("auth", { data = { name = "eve " .. encoding } }).ok)
      end)
      teardown(function() one:closes() end)

      for _, case in ipairs(CASES[encoding]) do
        local what, bytes, code = unpack(case)
        it(("is answered: %s, with %s"):format(what, code), function()
          one:sends(bytes)
          local reply = one:next()
          assert.same({ "reply", code }, { reply.type, reply.ok and "ok" or reply.error.code })
          assert.is_true(reply.ok or not reply.error.temporary)
          assert.is_true(one:asks("ping").ok)
        end)
      end
    end)
  end
end)
