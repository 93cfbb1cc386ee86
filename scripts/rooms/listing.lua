--- Lists in pages: of rooms, and of who is in one.

local MAX_LISTED = 100  -- rooms in the answer to `rooms`
local MAX_MEMBERS = 500 -- names in the answer to `members`

local IS_HIDDEN = { unlisted = true, private = true, direct = true } -- but to who has a role

local listing = {}

local MAX_FILTER = 512  -- bytes

local function is_text(value)
  return value == nil or (type(value) == "string" and #value <= MAX_FILTER)
end

--- The limit that a request asks for, or nil and what is wrong with its page.
---@param data table after, limit
---@param max integer
---@return integer? limit
---@return string? problem
function listing.limit(data, max)
  local limit = data.limit == nil and max or data.limit
  if type(limit) ~= "number" or limit % 1 ~= 0 or limit < 1 or limit > max then
    return nil, ("data.limit: expected a whole number from 1 to %d"):format(max)
  elseif not is_text(data.after) then
    return nil, "data.after: expected a string of at most 512 bytes"
  end
  return limit
end

--- The names behind `after`, sorted, at most `limit`; and the last one when there are more.
---@param names table<string, any> keys
---@param after? string
---@param limit integer
---@return string[] page
---@return string? next_after
function listing.page(names, after, limit)
  local page = {}
  for name in pairs(names) do
    if not after or name > after then page[#page + 1] = name end
  end
  table.sort(page)
  local has_more = #page > limit
  for n = #page, limit + 1, -1 do page[n] = nil end
  return page, has_more and page[limit] or nil
end

--- The answer to `members`, or nil and what is wrong.
---@param name string of the room
---@param users table<string, any>
---@param count integer
---@param data table
---@return table? answer
---@return string? problem
function listing.members(name, users, count, data)
  local limit, problem = listing.limit(data, MAX_MEMBERS)
  if not limit then return nil, problem end
  local page, next_after = listing.page(users, data.after, limit)
  return { room = name, members = page, count = count, next = next_after }
end

-- ---- rooms ----

--- What a text is looked for in: name, title and topic. None of them has the byte between them.
---@param record table
---@return string
function listing.text_of(record)
  return (record.name .. "\0" .. (record.title or "") .. "\0" .. (record.topic or "")):lower()
end

--- Whether the room fits what is asked for: kind, prefix, text, archived.
---@param record table
---@param data table
---@param text? string listing.text_of the record, when there is a text that is looked for
function listing.fits(record, data, text)
  if data.kind and record.kind ~= data.kind then return false end
  if data.prefix and record.name:sub(1, #data.prefix) ~= data.prefix then return false end
  if data.text and not text:find(data.text:lower(), 1, true) then return false end
  return (record.archived or false) == (data.archived or false)
end

--- What is wrong with a filter, if anything.
---@param data table
---@return string? problem
function listing.problem_of_filter(data)
  for _, field in ipairs { "kind", "prefix", "text" } do
    if not is_text(data[field]) then
      return ("data.%s: expected a string of at most 512 bytes"):format(field)
    end
  end
  if data.archived ~= nil and type(data.archived) ~= "boolean" then
    return "data.archived: expected true or false"
  end
end

--- Whether everybody finds the room in a list; of others only those who have a role there.
---@param record table
---@return boolean
function listing.is_for_all(record) return IS_HIDDEN[record.kind] == nil end

--- The answer to `rooms` with data, or nil and what is wrong.
---@param find fun(limit: integer): table[], string? a page of records, and behind which name the
--- next begins
---@param count_of fun(name: string): integer
---@param data table
---@return table? answer
---@return string? problem
function listing.rooms(find, count_of, data)
  local problem = listing.problem_of_filter(data)
  if problem then return nil, problem end
  local limit, wrong = listing.limit(data, MAX_LISTED)
  if not limit then return nil, wrong end
  local records, next_after = find(limit)
  local list = {}
  for i, record in ipairs(records) do
    list[i] = { room = record.name, kind = record.kind, title = record.title,
      topic = record.topic, count = count_of(record.name) }
  end
  return { list = list, next = next_after }
end

--- The answer to `rooms` without data: of those with somebody in them the biggest.
---@param counts table<string, integer>
---@return table<string, integer>
function listing.biggest(counts)
  local found = {}
  for name, count in pairs(counts) do
    if count > 0 then found[#found + 1] = { name, count } end
  end
  table.sort(found, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] < b[1]) end)
  local rooms = {}
  for i = 1, math.min(#found, MAX_LISTED) do rooms[found[i][1]] = found[i][2] end
  return rooms
end

return listing
