--- The plugins of this gateway, and what is set of each. Saved, it is in force: a plugin that
--- is added here is loaded, one that is taken out is unloaded.
return {
  "auth",
  { "rooms", options = { max_per_connection = 50 } },
  "router",
}
