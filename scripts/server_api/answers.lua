--- What a call is answered with: a status, a body, headers. Knows no gate.

local answers = {}

-- Codes of the API itself, and of what it calls; others are 400, temporary ones 503.
answers.STATUS = {
  not_authenticated = 401, bad_token = 401,
  not_allowed = 403,
  not_found = 404, no_such_room = 404, no_such_user = 404, not_a_member = 404, gone = 404,
  not_banned = 404, not_muted = 404,
  bad_method = 405,
  room_exists = 409, archived = 409, not_archived = 409, too_many_rooms = 409,
  too_many_bans = 409, under_way = 409, key_reused = 409, duplicate = 409,
  too_big = 413,
  bad_content_type = 415,
  rate_limited = 429,
  internal = 500,
}

---@param code string
---@param temporary? boolean
---@return integer
function answers.status(code, temporary)
  return answers.STATUS[code] or (temporary and 503 or 400)
end

--- How long to wait, in whole seconds.
local function seconds(wait_ms) return math.max(1, math.ceil(wait_ms / 1000)) end

--- A refusal.
---@param code string
---@param text? string
---@param temporary? boolean
---@param retry_after_ms? integer
---@param headers? table
---@return table body
---@return integer status
---@return table headers
function answers.refusal(code, text, temporary, retry_after_ms, headers)
  headers = headers or {}
  local status = answers.status(code, temporary)
  if retry_after_ms or status == 503 then
    headers["Retry-After"] = seconds(retry_after_ms or 1000)
  end
  return { error = { code = code, message = text or code, temporary = temporary or false,
    retry_after_ms = retry_after_ms } }, status, headers
end

--- A copy of an answer, in which lists are lists when they are empty, too.
---@param data table
---@param lists? string[] names of fields at the top
---@param list fun(list: table): any gate.json.list
---@return table
function answers.with_lists(data, lists, list)
  local copy = {}
  for name, value in pairs(data) do copy[name] = value end
  for _, name in ipairs(lists or {}) do copy[name] = copy[name] and list(copy[name]) end
  return copy
end

return answers
