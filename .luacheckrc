std = "luajit"
self = false
max_line_length = 100
max_cyclomatic_complexity = 10
include_files = { "**/*.lua", ".busted", ".luacheckrc" }
exclude_files = { "build", "spec/browser/node_modules",
  "spec/bench/peers/node_modules" }
-- A conversation between several clients reads best in one piece.
files["spec"] = { std = "+busted", max_cyclomatic_complexity = 25 }
-- What `moongate new` writes.
files["bindings/templates/plugin_spec.lua"] = { std = "+busted" }
