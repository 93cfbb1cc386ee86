// header.js - above the conversation: which room this is, and what may be done with it.

import { counted, write } from "./elements.js";
import { openMenu } from "./menu.js";
import { openModeration } from "./moderation.js";
import { $ } from "./page.js";
import { may } from "./permissions.js";
import { stateOf, statusOf, statusText } from "./presence.js";
import { archive, askToDeleteRoom, invite, rename, settings, unarchive } from "./roomforms.js";
import { leave } from "./rooms.js";
import { kindIcon } from "./sidebar.js";
import { onDraw, redraw, state } from "./state.js";

const KINDS = {
  private: "private room",
  unlisted: "unlisted room",
  announcement: "announcements",
  ephemeral: "passing room",
  public: "public room",
};
const MINE = {
  moderator: "you are a moderator",
  owner: "you are the owner",
  admin: "you are an admin",
};

function about(room) {
  if (room.other)
    return [stateOf(room.other), statusText(statusOf(room.other))].filter(Boolean).join(" · ");
  const facts = [KINDS[room.kind] ?? room.kind, MINE[room.role]];
  if (room.isArchived) facts.unshift("archived");
  return room.topic || facts.filter(Boolean).join(" · ");
}

function drawFace(room) {
  const face = $("room-face");
  const kind = room && !room.other ? room.kind : "";
  if (face.dataset.kind === kind) return;
  face.dataset.kind = kind;
  face.replaceChildren(...(kind ? [kindIcon(kind)] : []));
}

function draw() {
  const room = state.current;
  drawFace(room);
  write($("room-title"), room?.label ?? "No room");
  write($("room-topic"), room ? about(room) : "");
  $("room-topic").title = room ? about(room) : "";
  $("room-menu").hidden = $("show-members").hidden = !room;
  const count = Math.max(room?.count ?? 0, room?.members.size ?? 0);
  write($("member-count"), String(count));
  $("show-members").setAttribute("aria-label", `Members, ${count}`);
  write($("room-size"), room ? counted(count, "member") : "");
}

function items(room) {
  const list = [];
  if (may(room, "invite") && room.kind === "private")
    list.push({ label: "Invite…", act: () => invite(room) });
  if (may(room, "set_topic")) list.push({ label: "Settings…", act: () => settings(room) });
  if (may(room, "kick")) list.push({ label: "Moderation…", act: () => openModeration(room) });
  if (may(room, "rename")) list.push({ label: "Rename…", act: () => rename(room) });
  if (may(room, "archive")) {
    list.push(
      room.isArchived
        ? { label: "Open again", act: () => unarchive(room) }
        : { label: "Archive…", act: () => archive(room) },
    );
  }
  if (room.isArchived && may(room, "delete"))
    list.push({ label: "Delete room…", isDanger: true, act: () => askToDeleteRoom(room) });
  if (list.length > 0) list.push(null);
  list.push({
    label: room.other ? "Close conversation" : "Leave room",
    isDanger: !room.other,
    act: () => leave(room),
  });
  return list;
}

function pane(name) {
  state.pane = name;
  redraw();
  queueMicrotask(() => document.querySelector(`[data-goes-to="${name}"]`)?.focus());
}

$("room-menu").addEventListener("click", () =>
  openMenu($("room-menu"), "Room", items(state.current)),
);
$("show-rooms").addEventListener("click", () => pane("rooms"));
$("show-members").addEventListener("click", () => {
  if (matchMedia("(max-width: 860px)").matches) pane(state.pane === "members" ? "room" : "members");
  else {
    const isHidden = document.body.classList.toggle("no-members");
    $("show-members").setAttribute("aria-expanded", String(!isHidden));
  }
});
$("back-to-room").addEventListener("click", () => pane("room"));

onDraw(draw);
