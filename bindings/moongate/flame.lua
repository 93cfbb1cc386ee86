--- Draws folded stacks as a flame graph: one SVG that needs no other file.
--
-- A browser shows it with titles on hover, zoom on a click and a search; anything else that draws
-- SVG shows the picture.
local flame = {}

local WIDTH, MARGIN, ROW, TOP, BOTTOM = 1200, 10, 17, 44, 24 -- px
local CHAR = 7      -- px of a letter
local LEAST = 0.1   -- px: what is narrower is left out

-- What a frame is, by its name: the first pattern that fits.
local COLOURS = {
  { "^%[", "#b5a5c9" },                       -- [gc], [jit], [C]
  { "^moongate/.*:%d+$", "#8fb8de" },         -- Lua of the runtime
  { ":%d+$", "#f2a65a" },                     -- Lua of the app
  { "", "#a8c686" },                          -- C
}
local ROOT = "#d9d4c7"

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- What XML cannot hold becomes "?".
local function escape(text)
  text = text:gsub("[%z\1-\8\11\12\14-\31\127]", "?")
  return (string.gsub(text, '[&<>"]', ESCAPES))
end

-- ---- the tree ----

local function child_of(node, name)
  local child = node.by_name[name]
  if not child then
    child = { name = name, ticks = 0, by_name = {}, children = {} }
    node.by_name[name] = child
    node.children[#node.children + 1] = child
  end
  return child
end

--- Lines "a;b;c 12" as a tree of { name, ticks, children }, children by their names. Others are
--- passed over.
---@param folded string
---@return table root
function flame.tree(folded)
  local root = { name = "all", ticks = 0, by_name = {}, children = {} }
  for stack, count in folded:gmatch "([^\n]+) (%d+)\n?" do
    local ticks, node = tonumber(count), root
    root.ticks = root.ticks + ticks
    for name in stack:gmatch "[^;]+" do
      node = child_of(node, name)
      node.ticks = node.ticks + ticks
    end
  end
  return root
end

local function by_name(a, b) return a.name < b.name end

local function depth_of(node)
  local depth = 0
  for _, child in ipairs(node.children) do depth = math.max(depth, depth_of(child)) end
  return depth + 1
end

-- ---- the picture ----

local function colour_of(name, depth)
  if depth <= 1 then return ROOT end
  for _, each in ipairs(COLOURS) do
    if name:find(each[1]) then return each[2] end
  end
end

--- As much of the name as there is space for.
local function label(name, width)
  local chars = math.floor((width - 6) / CHAR)
  if chars < 3 then return "" end
  return #name > chars and name:sub(1, chars - 2):gsub("[\128-\255]*$", "") .. ".." or name
end

local FRAME = '<g class="f"><title>%s</title><rect x="%.2f" y="%d" width="%.2f" height="%d" '
  .. 'fill="%s" rx="1"/><text x="%.2f" y="%d">%s</text></g>'

local function draw(lines, node, depth, x, total, height)
  local width = (WIDTH - 2 * MARGIN) * node.ticks / total
  if width < LEAST then return end
  local y = height - BOTTOM - (depth + 1) * ROW
  local title = ("%s (%d samples, %.2f %%)"):format(node.name, node.ticks, node.ticks / total * 100)
  lines[#lines + 1] = FRAME:format(escape(title), x, y, width, ROW - 1,
    colour_of(node.name, depth), x + 3, y + 12, escape(label(node.name, width)))
  table.sort(node.children, by_name)
  for _, child in ipairs(node.children) do
    draw(lines, child, depth + 1, x, total, height)
    x = x + (WIDTH - 2 * MARGIN) * child.ticks / total
  end
end

-- The frames are what the script knows: names from their titles, places from their boxes.
local SCRIPT = [[
(function () {
  var svg = document.documentElement, left = 10, whole = 1180;
  var found = document.getElementById("found"), back = document.getElementById("back");
  var frames = [].map.call(document.getElementsByClassName("f"), function (g) {
    var rect = g.querySelector("rect");
    return { g: g, rect: rect, text: g.querySelector("text"), fill: rect.getAttribute("fill"),
      title: g.querySelector("title").textContent,
      name: g.querySelector("title").textContent.replace(/ \(\d+ samples, [\d.]+ %\)$/, ""),
      x: +rect.getAttribute("x"), w: +rect.getAttribute("width"), y: +rect.getAttribute("y") };
  });
  function label(name, width) {
    var chars = Math.floor((width - 6) / 7);
    if (chars < 3) return "";
    return name.length > chars ? name.slice(0, chars - 2) + ".." : name;
  }
  function place(f, x, w, is_faint) {
    f.rect.setAttribute("x", x); f.rect.setAttribute("width", w);
    f.text.setAttribute("x", x + 3); f.text.textContent = label(f.name, w);
    f.g.style.opacity = is_faint ? 0.5 : 1;
    f.g.style.display = "";
  }
  function zoom(to) {
    var scale = whole / to.w, slack = 0.02;
    frames.forEach(function (f) {
      var is_below = f.y > to.y && f.x <= to.x + slack && f.x + f.w >= to.x + to.w - slack;
      var is_within = f.y <= to.y && f.x >= to.x - slack && f.x + f.w <= to.x + to.w + slack;
      if (is_below) place(f, left, whole, true);
      else if (is_within) place(f, left + (f.x - to.x) * scale, f.w * scale, false);
      else f.g.style.display = "none";
    });
    back.style.display = to === frames[0] ? "none" : "";
  }
  function search(words) {
    var spans = [], share = 0, end = 0;
    frames.forEach(function (f) {
      var is_found = words && f.name.toLowerCase().indexOf(words.toLowerCase()) >= 0;
      f.rect.setAttribute("fill", is_found ? "#e0457b" : f.fill);
      if (is_found) spans.push([f.x, f.x + f.w]);
    });
    spans.sort(function (a, b) { return a[0] - b[0]; });
    spans.forEach(function (s) {
      share += Math.max(0, s[1] - Math.max(s[0], end)); end = Math.max(end, s[1]);
    });
    found.textContent = words ? words + ": " + (share / whole * 100).toFixed(2) + " %" : "";
  }
  function ask() {
    var words = window.prompt("Search for", "");
    if (words !== null) search(words);
  }
  frames.forEach(function (f) { f.g.addEventListener("click", function () { zoom(f); }); });
  back.addEventListener("click", function () { zoom(frames[0]); });
  document.getElementById("search").addEventListener("click", ask);
  window.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "f") { event.preventDefault(); ask(); }
    if (event.key === "Escape") { zoom(frames[0]); search(""); }
  });
  svg.style.maxWidth = "100%";
})();
]]

local STYLE = [[
text { font: 12px monospace; fill: #222; pointer-events: none }
.f { cursor: pointer } .f:hover rect { stroke: #222 }
#title { font-size: 16px } .button { pointer-events: auto; cursor: pointer; fill: #06c }
]]

local HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
  .. '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">\n'
  .. "<style>%s</style>\n"
  .. '<rect width="100%%" height="100%%" fill="#fdfcf8"/>\n'
  .. '<text id="title" x="%d" y="20">%s</text>\n'
  .. '<text id="back" class="button" x="%d" y="38" style="display:none">back</text>\n'
  .. '<text id="search" class="button" x="%d" y="20">search</text>\n'
  .. '<text id="found" x="%d" y="%d"></text>\n'

--- A flame graph of folded stacks.
---@param folded string lines "outer;inner count"
---@param title string
---@return string svg
function flame.svg(folded, title)
  local root = flame.tree(folded)
  local height = TOP + depth_of(root) * ROW + BOTTOM
  local lines = {}
  if root.ticks == 0 then
    root.name = "nothing was running"
    root.ticks = 1
  end
  draw(lines, root, 0, MARGIN, root.ticks, height)
  return HEAD:format(WIDTH, height, WIDTH, height, STYLE, MARGIN, escape(title), MARGIN,
    WIDTH - 70, MARGIN, height - 6)
    .. table.concat(lines, "\n") .. "\n<script><![CDATA[\n" .. SCRIPT .. "]]></script>\n</svg>\n"
end

return flame
