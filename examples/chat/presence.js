// presence.js - who is online, away or offline, of those on screen; and what I show of myself.

import { element, write } from "./elements.js";
import { ask, hears } from "./line.js";
import { redraw, state } from "./state.js";

const MAX_WATCHED = 90; // the server lets a connection watch 100
const WORDS = { online: "online", busy: "busy", away: "away", offline: "offline" };

let watched = new Set();
let isAsking = false;

/** How a user is, as far as is known: "" is not known. */
export const stateOf = (user) => state.presence.get(user)?.state ?? "";

export const statusOf = (user) => state.presence.get(user)?.status;

/** "🍲 cooking", or "". */
export function statusText(status) {
  return [status?.emoji, status?.text].filter(Boolean).join(" ");
}

/** A dot for the eye; the word for the ear comes behind the name. */
export const presenceDot = () => element("span", { class: "presence", "aria-hidden": "true" });
export const presenceWord = () => element("span", { class: "unseen presence-word" });

/** Draws both, wherever they are in `item`. */
export function drawPresence(item, user) {
  const is = stateOf(user);
  const dot = item.querySelector(".presence");
  dot.dataset.state = is;
  dot.title = WORDS[is] ?? "";
  write(item.querySelector(".presence-word"), is ? `, ${WORDS[is]}` : "");
}

function learn(changes) {
  for (const { user, state: is, status } of Object.values(changes ?? {})) {
    state.presence.set(user, { state: is, status });
  }
  redraw();
}

hears("presence", ({ changes }) => learn(changes));

/** The other ends of direct rooms, and the first of the list of members. */
function wanted(listed) {
  const others = [...state.rooms.values()].map((room) => room.other).filter(Boolean);
  return new Set([...new Set([...others, ...listed])].slice(0, MAX_WATCHED));
}

/** Watches those who have come on screen, and no longer those who have gone from it. */
export async function watchListed(listed) {
  if (isAsking || state.phase !== "online") return;
  const users = wanted(listed);
  const gone = [...watched].filter((user) => !users.has(user));
  const fresh = [...users].filter((user) => !watched.has(user));
  if (gone.length === 0 && fresh.length === 0) return;
  isAsking = true;
  watched = users;
  try {
    if (gone.length > 0) await ask("unwatch", { users: gone });
    if (fresh.length > 0) learn((await ask("watch", { users: fresh })).users);
    for (const user of gone) state.presence.delete(user);
  } catch (refusal) {
    if (refusal.code !== "unknown_type") watched = new Set(); // asked again at the next change
  }
  isAsking = false;
}

/** A new connection watches nobody yet, and shows me as online. */
export async function greetPresence() {
  watched = new Set();
  if (state.status.state !== "online" || state.status.text)
    await setStatus(state.status).catch(() => {});
}

export async function setStatus(status) {
  state.status = await ask("status", { data: status });
  redraw();
}
