// chat.js - the chat page: who I am, which rooms I am in, and what happens in them.
//
// What the reader wants (the name, the rooms) lives here and in sessionStorage; the
// connection may come and go, and greet() tells the server all of it again each time.

import { Connection } from "./connection.js";
import { avatar, element } from "./elements.js";
import { $, keepingNewestInView, notify, openPanel, showConnection } from "./page.js";
import { drawPanels } from "./panels.js";
import { Transcript } from "./transcript.js";
import { inWords } from "./words.js";

const DEFAULT_ROOM = "lobby";
const ROOMS_REFRESH_MS = 15_000;
const NAME_RETRIES = 5; // our own broken connection may hold our name a little longer

const rooms = new Map(); // name -> { name, transcript, members, joined, unread, draft }
let me = recall("me", { name: "", key: randomHex(16) });
let current = null; // the room on screen
let admitted = Boolean(me.name); // this name has been ours before
let namesTaken = 0; // refusals in a row
let openRooms = {}; // name -> number of members, as last heard

const connection = new Connection(
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
  { changed: connectionChanged, pushed, greet },
);

function randomHex(bytes) {
  const numbers = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(numbers, (n) => n.toString(16).padStart(2, "0")).join("");
}

function recall(key, otherwise) {
  return JSON.parse(sessionStorage.getItem(`moongate.${key}`)) ?? otherwise;
}

function remember() {
  sessionStorage.setItem("moongate.me", JSON.stringify(me));
  sessionStorage.setItem("moongate.rooms", JSON.stringify([...rooms.keys()]));
}

// The name.

function askForName(error = "") {
  $("chat").hidden = true;
  $("sign-in").hidden = false;
  $("name-error").textContent = error;
  $("name").value = me.name;
  $("name").select();
}

async function greet() {
  try {
    await connection.request("auth", { data: { name: me.name, key: me.key } });
  } catch (refusal) {
    const patient = refusal.code !== "name_taken" || (admitted && namesTaken++ < NAME_RETRIES);
    if (!patient || !refusal.temporary) {
      connection.stop();
      admitted = false;
      askForName(inWords(refusal));
    }
    throw refusal;
  }
  admitted = true;
  namesTaken = 0;
  notify("");
  showChat();
  for (const room of rooms.values()) await enter(room); // also those added meanwhile
}

function showChat() {
  if (rooms.size === 0) for (const name of recall("rooms", [DEFAULT_ROOM])) add(name);
  remember();
  $("sign-in").hidden = true;
  $("my-name").textContent = me.name;
  $("my-avatar").replaceChildren(avatar(me.name));
  if (!$("chat").hidden) return;
  $("chat").hidden = false;
  show(current ?? rooms.values().next().value);
}

// Rooms.

function add(name) {
  const room = {
    name,
    transcript: new Transcript(name, () => me.name),
    members: new Set(),
    joined: false,
    unread: 0,
    draft: "",
  };
  rooms.set(name, room);
  return room;
}

function remove(room) {
  rooms.delete(room.name);
  remember();
  if (room === current) show(rooms.values().next().value);
  else showRooms();
}

function join(name) {
  const room = rooms.get(name) ?? add(name);
  remember();
  show(room);
  openPanel(null);
  // Offline it stays in the list, and greet() joins it with the others.
  if (!room.joined && connection.phase === "online") enter(room).then(refreshOpenRooms);
}

async function enter(room) {
  try {
    const { members } = await connection.request("join", { room: room.name });
    room.members = new Set(members); // none are listed when they are many
    room.joined = true;
    write(room, () => room.transcript.noted("You joined", Date.now()));
  } catch (refusal) {
    if (refusal.code === "lost") return; // still wanted: greet() asks again
    if (!refusal.temporary) remove(room);
    notify(`${room.name}: ${inWords(refusal)}`);
  }
  showRooms();
}

async function leave(room) {
  if (room.transcript.unsentCount > 0) {
    notify("Some of your messages here are not confirmed. Send them again or discard them first.");
    return;
  }
  try {
    await connection.request("leave", { room: room.name });
  } catch (refusal) {
    // A broken connection has left every room, so being lost is as good as granted.
    if (refusal.temporary && refusal.code !== "lost") {
      notify(inWords(refusal));
      return;
    }
  }
  remove(room);
  refreshOpenRooms();
}

async function refreshOpenRooms() {
  if (connection.phase !== "online") return;
  try {
    openRooms = (await connection.request("rooms")).rooms;
  } catch {
    return; // an old list is good enough until the next refresh
  }
  showRooms();
}

function show(room) {
  if (current) current.draft = $("message").value;
  if (room !== current) notify("");
  current = room ?? null;
  $("message-form").hidden = $("leave-room").hidden = !room;
  $("room-title").textContent = room?.name ?? "No room";
  $("message").value = room?.draft ?? "";
  $("message-label").textContent = `Message to ${room?.name}`;
  $("message").placeholder = $("message-label").textContent;
  const { log, outbox } = room?.transcript ?? {};
  const lists = room ? [log, outbox] : [element("p", { class: "hint" }, "Join a room to talk.")];
  keepingNewestInView(() => $("scroller").replaceChildren(...lists), true);
  if (room) room.unread = 0;
  showRooms();
  if (room && matchMedia("(hover: hover)").matches) $("message").focus();
}

/** The panels are drawn from this state and hold none of their own. */
function showRooms() {
  drawPanels({ rooms, openRooms, current, me, join });
}

/** Changes a room's transcript; a room out of sight needs no scrolling. */
function write(room, change, force = false) {
  if (room === current) keepingNewestInView(change, force);
  else change();
}

// What the server tells.

function pushed({ type, room: name, user, from, data, at, joined = [], left = [] }) {
  const room = rooms.get(name);
  if (!room) return; // left in the meantime
  if (type === "joined" || type === "left") {
    if (type === "joined") room.members.add(user);
    else room.members.delete(user);
    write(room, () => room.transcript.noted(`${user} ${type}`, at));
  } else if (type === "members_changed") {
    for (const member of joined) room.members.add(member);
    for (const member of left) room.members.delete(member);
  } else if (type === "said") {
    write(room, () => hear(room, from, data, at), from === me.name);
  }
  showRooms();
}

function hear(room, from, data, at) {
  // Other clients may say any JSON value, not only what this page sends.
  const said = typeof data?.text === "string" ? data : { text: data };
  const text = typeof said.text === "string" ? said.text : JSON.stringify(said.text);
  const tag = typeof said.tag === "string" && said.tag.length <= 64 ? said.tag : "";
  const isNew = room.transcript.said(from, text, at, tag);
  if (isNew && from !== me.name && (room !== current || document.hidden)) room.unread += 1;
}

function connectionChanged() {
  const { phase } = connection;
  showConnection(connection);
  $("enter").disabled = phase === "connecting";
  if (phase === "online") refreshOpenRooms();
  for (const room of rooms.values()) {
    if (!room.joined || phase === "online") continue;
    room.joined = false;
    const gap = "You are offline. What is said until you are back is not shown here";
    write(room, () => room.transcript.noted(gap, Date.now()));
  }
  if (rooms.size > 0) showRooms();
}

// What the reader does.

async function say(room, text, tag) {
  write(room, () => room.transcript.sending(tag, text), true);
  try {
    const { at } = await connection.request("say", { room: room.name, data: { text, tag } });
    write(room, () => room.transcript.granted(tag, at));
  } catch (refusal) {
    // The same tag again: whoever has this message already shows it only once.
    const again = () => say(room, text, tag);
    write(room, () => room.transcript.failed(tag, inWords(refusal), again));
  }
}

function submitted(id, action) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
}

submitted("name-form", () => {
  const name = $("name").value.trim();
  if (!name) return;
  me = { ...me, name };
  admitted = false;
  $("name-error").textContent = "";
  connection.start();
});

submitted("room-form", () => {
  const name = $("room-name").value.trim();
  if (!name) return;
  $("room-name").value = "";
  join(name);
});

submitted("message-form", () => {
  const text = $("message").value.trim();
  if (!text || !current) return;
  if (connection.phase !== "online" || !current.joined) {
    notify("Not connected to this room right now. Your text stays here until you are.");
    return;
  }
  notify("");
  $("message").value = "";
  say(current, text, randomHex(8));
});

$("message").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("message-form").requestSubmit();
});

$("leave-room").addEventListener("click", () => leave(current));
$("try-now").addEventListener("click", () => connection.start());

$("change-name").addEventListener("click", () => {
  connection.stop();
  askForName();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden || !current) return;
  current.unread = 0;
  showRooms();
  if (connection.phase === "waiting") connection.start();
});
window.addEventListener("online", () => {
  if (connection.phase === "waiting") connection.start();
});
window.addEventListener("beforeunload", (event) => {
  if ([...rooms.values()].some((room) => room.transcript.unsentCount > 0)) event.preventDefault();
});

setInterval(() => {
  if (!document.hidden) refreshOpenRooms();
}, ROOMS_REFRESH_MS);

if (me.name) {
  showChat();
  connection.start();
} else {
  askForName();
}
