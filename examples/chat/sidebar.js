// sidebar.js - left: my rooms, my direct conversations, and me.

import { avatar, button, counted, element, icon, reconcile, walkable, write } from "./elements.js";
import { $ } from "./page.js";
import { drawPresence, presenceDot, presenceWord, statusText } from "./presence.js";
import { show } from "./rooms.js";
import { onDraw, state } from "./state.js";

const KIND_ICONS = { private: "lock", announcement: "horn", unlisted: "hidden" };

export const kindIcon = (kind) => icon(KIND_ICONS[kind] ?? "hash");

function roomItem(name) {
  const link = button("", () => show(state.rooms.get(name)), {
    class: "room-link",
    "data-testid": "room",
  });
  const room = state.rooms.get(name);
  const face = element("span", { class: "face" });
  if (room.other) face.append(avatar(room.other), presenceDot());
  link.append(
    face,
    element("bdi"),
    presenceWord(),
    element("span", { class: "badge", "aria-hidden": "true" }),
    element("span", { class: "unseen news" }),
  );
  const item = element("li");
  item.append(link);
  return item;
}

/** The number for the eye, the phrase for the ear. */
function drawBadge(item, { unread, mentions }) {
  const badge = item.querySelector(".badge");
  badge.hidden = unread === 0;
  badge.classList.toggle("mentions", mentions > 0);
  const number = unread > 99 ? "99+" : String(unread);
  write(badge, mentions > 0 ? `@ ${number}` : number);
  const phrase = unread
    ? `, ${unread} unread${mentions ? `, ${counted(mentions, "mention")} of you` : ""}`
    : "";
  write(item.querySelector(".news"), phrase);
}

function drawRoom(item, room) {
  const link = item.firstElementChild;
  link.setAttribute("aria-current", String(room === state.current));
  item.classList.toggle("is-lost", !room.joined);
  item.classList.toggle("has-unread", room.unread > 0 || room.hasMissed);
  write(link.querySelector("bdi"), room.label);
  const face = link.querySelector(".face");
  if (room.other) drawPresence(item, room.other);
  else if (face.dataset.kind !== room.kind) {
    face.dataset.kind = room.kind;
    face.replaceChildren(kindIcon(room.kind));
  }
  drawBadge(item, room);
}

function drawList(id, rooms) {
  reconcile(
    $(id),
    rooms.map((room) => room.name),
    roomItem,
    (item, name) => drawRoom(item, state.rooms.get(name)),
  );
}

function draw() {
  const all = [...state.rooms.values()];
  drawList(
    "my-rooms",
    all.filter((room) => !room.other),
  );
  drawList(
    "my-directs",
    all.filter((room) => room.other && !room.isHidden),
  );
  $("no-directs").hidden = all.some((room) => room.other && !room.isHidden);
  write($("my-name"), state.me.name);
  write($("my-status"), statusText(state.status));
  $("my-status").hidden = !statusText(state.status);
  $("my-presence").dataset.state = state.phase === "online" ? state.status.state : "offline";
  if ($("my-avatar").dataset.name !== state.me.name) {
    $("my-avatar").dataset.name = state.me.name;
    $("my-avatar").replaceChildren(avatar(state.me.name));
  }
  const unread = all.reduce((sum, room) => sum + room.unread, 0);
  $("unread-elsewhere").hidden = unread === 0;
  write($("unread-elsewhere"), unread > 99 ? "99+" : String(unread));
  const place = state.current ? `${state.current.label} – moongate` : "moongate";
  document.title = unread > 0 ? `(${unread}) ${place}` : place;
  $("chat").dataset.pane = state.pane;
}

walkable($("rooms-list"), ".room-link");
onDraw(draw);
