--- Prometheus' text format 0.0.4, for specs that read what the server shows.
local file = require "spec.support.file"

---@class Family one metric, with all its labels
---@field name string
---@field type string
---@field help string
---@field label? string name of its label
---@field values string[] of that label, in the order of the text

--- What the text says. Refuses what is said twice, and values that come without HELP and
--- TYPE before them.
---@param text string
---@return table<string, number> samples by series: 'moongate_sent_bytes_total{class="latest"}'
---@return Family[] families in the order of the text
local function parse(text)
  local samples, families = {}, {}
  local family
  local function begin(name, help)
    family = { name = name, help = help, values = {} }
    families[#families + 1] = family
  end
  local function add(series, value)
    assert(samples[series] == nil, series)
    assert(family.type and series:sub(1, #family.name) == family.name, series)
    samples[series] = assert(tonumber(value), series)
    family.label = series:match "{(%l+)=" or family.label
    family.values[#family.values + 1] = series:match '="(.*)"}'
  end
  for line in text:gmatch "([^\n]*)\n" do
    local help_of, help = line:match "^# HELP (%S+) (.+)$"
    local type_of, type = line:match "^# TYPE (%S+) (%l+)$"
    if help_of then
      begin(help_of, help)
    elseif type_of then
      assert(type_of == family.name and family.type == nil, line)
      family.type = type
    else
      local series, value = line:match "^(%S.*) (%S+)$"
      add(assert(series, line), value)
    end
  end
  return samples, families
end

--- Runs promtool, of Prometheus itself, on the text.
---@param text string
---@return string complaints
---@return integer status 0 when there are none
local function check(text)
  local path = file.free_path()
  file.write(path, text)
  local status = os.execute(("promtool check metrics <%s >%s.out 2>&1"):format(path, path))
  local complaints = file.read(path .. ".out")
  os.remove(path)
  os.remove(path .. ".out")
  return complaints, status
end

return { parse = parse, check = check }
