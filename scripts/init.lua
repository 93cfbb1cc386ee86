--- The plugins of this gateway, and what is set of each. Saved, it is in force: a plugin that
--- is added here is loaded, one that is taken out is unloaded. It is guarded, unless it says
--- trust = "trusted" as those that come with the gateway.
return {
  { "limits", trust = "trusted" }, -- the first: it is asked before all others
  { "auth", trust = "trusted" },
  { "presence", trust = "trusted" },
  { "rooms", trust = "trusted", options = { max_per_connection = 50, presence = true } },
  { "messages", trust = "trusted" },
  { "moderation", trust = "trusted" },
  { "server_api", trust = "trusted" }, -- serves nothing without keys
  { "router", trust = "trusted" },
}
