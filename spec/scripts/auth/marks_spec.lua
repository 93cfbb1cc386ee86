local file = require "spec.support.file"
local marks = require "scripts.auth.marks"

describe("auth marks", function()
  it("are those that Unicode 14 knows, and no others", function()
    local expected = file.output [[perl -e 'for (0 .. 0x10ffff) {
      my $character = chr;
      printf "%x ", $_ if $character =~ /\p{M}/ && $character =~ /\p{Present_In: 14.0}/;
    }']]
    local found = {}
    for i = 1, #marks, 2 do
      for code = marks[i], marks[i + 1] do found[#found + 1] = ("%x "):format(code) end
    end
    assert.equal(2408, #found)
    assert.equal(expected, table.concat(found))
  end)

  it("are in ranges that ascend, with gaps between them", function()
    for i = 2, #marks do
      local is_first = i % 2 == 1
      assert.is_true(marks[i] > marks[i - 1] + 1 or not is_first and marks[i] >= marks[i - 1])
    end
  end)
end)
