// members.js - right: who is in the room, how they are, and what may be done about each.

import { avatar, button, counted, element, reconcile, walkable, write } from "./elements.js";
import { ask } from "./line.js";
import { openMenu } from "./menu.js";
import { ban, kick, mute, setRole, unmute } from "./moderation.js";
import { notify } from "./notices.js";
import { $ } from "./page.js";
import { may, rank } from "./permissions.js";
import {
  drawPresence,
  presenceDot,
  presenceWord,
  stateOf,
  statusOf,
  statusText,
  watchListed,
} from "./presence.js";
import { talkTo } from "./rooms.js";
import { onDraw, redraw, state } from "./state.js";
import { inWords } from "./words.js";

const ROLE_WORDS = { owner: "owner", moderator: "mod", admin: "admin" };
const ORDER = { owner: 0, admin: 0, moderator: 1 };

const PAGE = 100;
const pages = new WeakMap(); // room -> where its next page begins

const trying = (action) => action.catch((refusal) => notify(inWords(refusal)));

function mention(user) {
  const input = $("message");
  input.value = `${input.value}${input.value && !input.value.endsWith(" ") ? " " : ""}@${user} `;
  state.pane = "room";
  input.focus();
}

function itemsFor(room, user) {
  const items = [];
  if (user === state.me.name) return items;
  if (!room.other) items.push({ label: "Message directly", act: () => trying(talkTo(user)) });
  if (may(room, "say")) items.push({ label: "Mention", act: () => mention(user) });
  const theirs = room.roleOf(user) || "guest";
  if (rank(theirs) >= rank(room.role)) return items;
  if (may(room, "set_role")) {
    items.push(null);
    const roles = ["moderator", "member", "guest"].filter(
      (role) => rank(role) < rank(room.role) && role !== theirs,
    );
    for (const role of roles)
      items.push({ label: `Make ${role}`, act: () => trying(setRole(room, user, role)) });
  }
  if (may(room, "kick")) {
    items.push(
      null,
      { label: "Mute…", act: () => mute(room, user) },
      { label: "Unmute", act: () => trying(unmute(room, user)) },
      { label: "Kick…", isDanger: true, act: () => kick(room, user) },
      { label: "Ban…", isDanger: true, act: () => ban(room, user) },
    );
  }
  return items;
}

function memberItem(user) {
  const entry = button("", () => openMenu(entry, user, itemsFor(state.current, user)), {
    class: "member-link",
    "aria-haspopup": "menu",
  });
  const face = element("span", { class: "face" }, avatar(user), presenceDot());
  entry.append(
    face,
    element(
      "span",
      { class: "who" },
      element("bdi", { class: "name" }, user),
      element("span", { class: "status hint" }),
    ),
    presenceWord(),
    element("span", { class: "role" }),
  );
  return element("li", { "data-testid": "member" }, entry);
}

function drawMember(item, user) {
  const room = state.current;
  const isMe = user === state.me.name;
  drawPresence(item, user);
  item.classList.toggle("is-away", ["away", "offline"].includes(stateOf(user)));
  item.dataset.state = stateOf(user);
  const status = statusText(statusOf(user)) || (stateOf(user) === "away" ? "away" : "");
  write(item.querySelector(".status"), status);
  item.querySelector(".status").hidden = !status;
  const role = ROLE_WORDS[room.roleOf(user)] ?? "";
  write(item.querySelector(".role"), isMe ? ["you", role].filter(Boolean).join(", ") : role);
  item.firstElementChild.disabled = isMe;
}

function draw() {
  const room = state.current;
  const order = (user) => ORDER[room.roleOf(user)] ?? 2;
  const users = [...(room?.members ?? [])].sort(
    (a, b) => order(a) - order(b) || a.localeCompare(b),
  );
  reconcile($("members"), users, memberItem, drawMember);
  const more = (room?.count ?? 0) - users.length;
  if (more <= 0 && document.activeElement === $("more-members"))
    $("members").lastElementChild?.firstElementChild.focus();
  $("more-members").hidden = more <= 0;
  write($("more-members"), `Show more of the ${counted(more, "other")}`);
  watchListed(users);
}

/** Of a room with very many people the server names none but in pages. */
async function showMore() {
  const room = state.current;
  const after = pages.get(room);
  try {
    const page = await ask("members", {
      room: room.name,
      data: { limit: PAGE, ...(after && { after }) },
    });
    for (const user of Object.values(page.members)) room.members.add(user);
    room.count = page.count;
    pages.set(room, page.next); // after the last one from the first again: others have come since
    redraw();
  } catch (refusal) {
    notify(inWords(refusal));
  }
}

$("more-members").addEventListener("click", showMore);

walkable($("members"));
onDraw(draw);
