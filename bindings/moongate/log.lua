--- One line per call to the server's log.
local core = require "moongate.ffi"

local log = {}

local function write(level, area, format, ...)
  local line = area .. ": " .. (select("#", ...) > 0 and format:format(...) or format)
  core.C.moon_log_line(level, line, #line)
end

---@param area string who speaks: a module, or plugin#generation
---@param format string as string.format; taken as it is when nothing follows
function log.error(area, format, ...) write(0, area, format, ...) end
function log.warn(area, format, ...) write(1, area, format, ...) end
function log.info(area, format, ...) write(2, area, format, ...) end
function log.debug(area, format, ...) write(3, area, format, ...) end

return log
