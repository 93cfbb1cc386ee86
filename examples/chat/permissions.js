// permissions.js - what I may do in a room, so that nothing is offered that the server refuses.
//
// The table of docs/protocol.md ("Roles"). The server decides; this only spares a click.

const RANK = { guest: 1, member: 2, moderator: 3, owner: 4, admin: 5, nobody: 6 };
const SAYERS = { everyone: "guest", members: "member", moderators: "moderator", owner: "owner" };
export const MADE = ["public", "unlisted", "private", "announcement"];
const IN_ARCHIVED = new Set(["archive", "delete"]);

const MODERATION = { made: "moderator", direct: "admin", ephemeral: "admin" };
const LEAST = {
  say: {
    made: "guest",
    private: "member",
    direct: "member",
    announcement: "moderator",
    ephemeral: "member",
  },
  react: { made: "guest", private: "member", direct: "member", ephemeral: "member" },
  edit_own: {
    made: "guest",
    private: "member",
    direct: "member",
    announcement: "moderator",
    ephemeral: "member",
  },
  delete_own: { made: "guest", private: "member", direct: "member", ephemeral: "member" },
  delete_any: { made: "moderator", direct: "admin", ephemeral: "admin" },
  kick: MODERATION,
  mute: MODERATION,
  ban: MODERATION,
  invite: { made: "moderator", direct: "nobody", ephemeral: "nobody" },
  set_topic: { made: "moderator", direct: "nobody", ephemeral: "nobody" },
  set_role: { made: "moderator", direct: "nobody", ephemeral: "nobody" },
  set_options: { made: "owner", direct: "nobody", ephemeral: "nobody" },
  rename: { made: "owner", direct: "nobody", ephemeral: "nobody" },
  archive: { made: "owner", direct: "admin", ephemeral: "nobody" },
  delete: { made: "owner", direct: "admin", ephemeral: "nobody" },
};

export const rank = (role) => RANK[role] ?? 1;

/** The least role that says something in the room. */
export function leastToSay({ kind, options }) {
  const ofKind = LEAST.say[kind] ?? LEAST.say.made;
  const ofOption = SAYERS[options?.who_may_say] ?? "guest";
  return RANK[ofOption] > RANK[ofKind] ? ofOption : ofKind;
}

export function may(room, action) {
  if (!room.joined) return false;
  if (room.isArchived && !IN_ARCHIVED.has(action)) return false;
  if (action === "say") return rank(room.role) >= rank(leastToSay(room));
  const row = LEAST[action];
  const least = row[room.kind] ?? (MADE.includes(room.kind) ? row.made : "nobody");
  return rank(room.role) >= RANK[least];
}
