// panels.js - the lists left and right of the conversation, drawn from chat.js's state.

import { avatar, button, element, reconcile } from "./elements.js";
import { $ } from "./page.js";

function counted(number, noun) {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

function roomItem(name, chosen) {
  const link = button("", () => chosen(name), { class: "room-link", "data-testid": "room" });
  link.append(
    element("span", { class: "moon", "aria-hidden": "true" }),
    element("bdi", {}, name),
    element("span", { class: "badge", "aria-hidden": "true" }),
    element("span", { class: "unseen" }),
  );
  const item = element("li");
  item.append(link);
  return item;
}

/** The number for the eye, the phrase for the ear. */
function drawBadge(item, number, phrase) {
  const badge = item.querySelector(".badge");
  badge.hidden = number === 0;
  badge.textContent = number > 99 ? "99+" : number;
  item.querySelector(".unseen").textContent = number === 0 ? "" : `, ${phrase}`;
}

function drawMyRoom(item, room, isCurrent) {
  item.firstElementChild.setAttribute("aria-current", String(isCurrent));
  item.classList.toggle("away", !room.joined);
  item.classList.toggle("has-unread", room.unread > 0);
  drawBadge(item, room.unread, `${room.unread} unread`);
}

function memberItem(name, isMe) {
  const item = element("li", { "data-testid": "member" });
  item.append(avatar(name), element("bdi", {}, name));
  if (isMe) item.append(element("span", { class: "hint" }, "you"));
  return item;
}

export function drawPanels({ rooms, openRooms, current, me, join }) {
  reconcile(
    $("my-rooms"),
    [...rooms.keys()],
    (name) => roomItem(name, join),
    (item, name) => drawMyRoom(item, rooms.get(name), rooms.get(name) === current),
  );

  const others = Object.keys(openRooms).filter((name) => !rooms.has(name));
  others.sort((a, b) => openRooms[b] - openRooms[a] || a.localeCompare(b));
  reconcile(
    $("open-rooms"),
    others,
    (name) => roomItem(name, join),
    (item, name) => drawBadge(item, openRooms[name], counted(openRooms[name], "member")),
  );
  $("no-open-rooms").hidden = others.length > 0;

  const members = [...(current?.members ?? [])].sort((a, b) => a.localeCompare(b));
  reconcile($("members"), members, (name) => memberItem(name, name === me.name));
  $("room-size").textContent = current ? counted(members.length, "member") : "";

  let unread = 0;
  for (const room of rooms.values()) unread += room.unread;
  $("unread-elsewhere").hidden = unread === 0;
  $("unread-elsewhere").textContent = unread;
  document.title = unread > 0 ? `(${unread}) moongate` : "moongate";
}
