--- Which word somebody may have meant.

local MAX_EDITS = 2

local near = {}

--- How many letters have to be added, left out, changed or swapped with the next.
---@param a string
---@param b string
---@return integer
function near.edits(a, b)
  local rows = { [-1] = {}, [0] = {} }
  for j = 0, #b do rows[0][j] = j end
  for i = 1, #a do
    rows[i] = { [0] = i }
    for j = 1, #b do
      local is_same = a:byte(i) == b:byte(j)
      local least = math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
        rows[i - 1][j - 1] + (is_same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        least = math.min(least, rows[i - 2][j - 2] + 1)
      end
      rows[i][j] = least
    end
  end
  return rows[#a][#b]
end

--- The nearest of these words, if it is near: two edits at most, and not half of the word.
---@param word string
---@param words string[]
---@return string?
function near.find(word, words)
  local best, least = nil, math.min(MAX_EDITS, math.floor((#word - 1) / 2)) + 1
  for _, each in ipairs(words) do
    local edits = math.abs(#each - #word) < least and near.edits(word, each) or least
    if edits < least then best, least = each, edits end
  end
  return best
end

return near
