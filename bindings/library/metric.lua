---@meta
-- Written by ./dev docs from bindings/moongate/*.lua, for editors: nothing runs this.
-- luacheck: ignore

---@class moongate.Metric
local Metric = {}

--- Counts up; a gauge also down. Values of labels may be anything: they are printed as tostring
--- gives them, the first 128 bytes in whole characters, with U+FFFD for what is no UTF-8 and for
--- NUL. Values that look alike then are counted together.
---@param amount? number 1
---@param ... any values of the labels, in their order
---@return true? counted
---@return "full"? reason more than 1,000 combinations of label values, or
--- over 128 KB of the plugin's metrics
function Metric:add(amount, ...) end

--- Sets a gauge.
---@param value number
---@param ... any values of the labels: as in Metric:add
---@return true? set
---@return "full"? reason
function Metric:set(value, ...) end

--- Counts a value in a histogram.
---@param value number
---@param ... any values of the labels: as in Metric:add
---@return true? counted
---@return "full"? reason
function Metric:observe(value, ...) end
