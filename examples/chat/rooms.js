// rooms.js - the rooms that I am in or want to be in: coming, going, and what is told of them.

import { Refusal } from "./connection.js";
import { ask, hears } from "./line.js";
import { notify, noticeWith } from "./notices.js";
import { Room } from "./room.js";
import { keepingNewestInView, seesNewest } from "./scroller.js";
import { keep, recall, redraw, state } from "./state.js";
import { inWords, leftInWords } from "./words.js";

export const ARRIVAL_MS = 2_000; // of the other one, in a conversation that was opened just now
const DEFAULT_ROOM = "lobby";

function remember() {
  const rooms = [...state.rooms.values()];
  keep(
    "rooms",
    rooms.map(({ name, kind, hasMet }) => ({ name, kind, hasMet })),
  );
}

function newRoom(name) {
  const room = new Room(name);
  room.isHidden = recall("closed", [], localStorage).includes(name);
  return room;
}

export function add(name) {
  const room = state.rooms.get(name) ?? newRoom(name);
  state.rooms.set(name, room);
  remember();
  return room;
}

/** Another one in place of what is on screen. */
export const firstShown = () => [...state.rooms.values()].find((room) => !room.isHidden) ?? null;

export function remove(room) {
  state.rooms.delete(room.name);
  remember();
  if (room === state.current) show(firstShown());
  redraw();
}

/** Changes a room's transcript; a room out of sight needs no scrolling. */
export function write(room, change, force = false) {
  if (room === state.current) keepingNewestInView(change, force);
  else change();
}

export const note = (room, text, isPrivate = false) =>
  write(room, () => room.transcript.noted(text, Date.now(), isPrivate), isPrivate);

// The screen.

const viewers = new Set();
export const onShow = (view) => viewers.add(view);

export function show(room) {
  const before = state.current;
  if (before && before !== room) before.transcript.clearNew();
  state.current = room ?? null;
  state.pane = room ? "room" : "rooms";
  if (room) hide(room, false);
  for (const view of viewers) view(room ?? null, before);
  if (room) looked(room);
  if (room?.joined && !room.isDescribed) describe(room);
  redraw();
}

function hide(room, isHidden) {
  if (room.isHidden === isHidden) return;
  room.isHidden = isHidden;
  const others = recall("closed", [], localStorage).filter((name) => name !== room.name);
  keep("closed", isHidden ? [...others, room.name] : others, localStorage);
}

/** The reader sees the newest messages of this room. */
export function looked(room) {
  if (room !== state.current || document.hidden || !seesNewest()) return;
  room.unread = 0;
  room.mentions = 0;
  room.hasMissed = false;
  redraw();
  const id = room.transcript.lastId;
  clearTimeout(room.reading);
  if (!room.joined || id <= room.lastRead) return;
  room.reading = setTimeout(() => {
    room.lastRead = id;
    ask("read", { room: room.name, message_id: id }).catch(() => {});
  }, 400);
}

// Coming and going.

/** That a room is gone; of a private one nobody is told whether it is. */
function noMore(room) {
  const code = room.kind === "private" ? "no_more_of_mine" : "no_more";
  return new Refusal({ code, message: "the room is gone", temporary: false });
}

/** Joins. A room that was made is not the passing one that a join makes once it is gone. */
async function joinOf(room, data) {
  const { name, wasMade } = room;
  if (!wasMade || data) return ask("join", { room: name, ...(data && { data }) });
  const seen = await ask("describe", { room: name }).catch((refusal) => {
    throw refusal.code === "no_such_room" ? noMore(room) : refusal;
  });
  if (seen.kind === "ephemeral") throw noMore(room);
  const view = await ask("join", { room: name });
  if (view.kind !== "ephemeral") return view;
  ask("leave", { room: name }).catch(() => {}); // it went in between
  throw noMore(room);
}

/** Comes into the room, or back into it; rejects with what the server says. */
async function admit(room, data) {
  const isDirect = room.name.startsWith("@");
  const view = isDirect
    ? await ask("direct", { data: { user: room.other } })
    : await joinOf(room, data);
  if (!state.rooms.has(room.name)) return;
  room.learn(view);
  remember();
  room.joined = true;
  room.enteredAtMs = Date.now();
  if (isDirect) setTimeout(redraw, ARRIVAL_MS); // see absent.js
  room.isDescribed = false;
  room.lastRead = view.read ?? room.lastRead;
  room.hasMissed =
    room !== state.current && (view.last ?? 0) > Math.max(view.read ?? 0, room.transcript.lastId);
  if (!isDirect) note(room, "You joined");
  if (room === state.current) {
    describe(room);
    looked(room);
  }
  redraw();
}

/** After a reconnect: what the server refuses now is told, and is no room of mine any more. */
export async function enter(room) {
  try {
    await admit(room);
  } catch (refusal) {
    if (["lost", "offline"].includes(refusal.code)) return; // still wanted: greet() asks again
    if (!refusal.temporary || refusal.code === "banned") remove(room);
    noticeWith(`${room.label}: ${inWords(refusal)}`);
  }
  redraw();
}

/** Goes there; `data` is an invite or a password. Rejects when the server says no. */
export async function join(name, data) {
  const known = state.rooms.get(name);
  if (known?.joined || (known && state.phase !== "online")) {
    show(known);
    return;
  }
  const room = known ?? add(name);
  try {
    await admit(room, data);
  } catch (refusal) {
    if (!known) remove(room);
    throw refusal;
  }
  show(room);
}

export async function talkTo(user) {
  const { room: name } = await ask("direct", { data: { user } });
  await join(name);
}

/** A conversation goes on where nobody sees it: something that is said brings it back. */
function close(room) {
  hide(room, true);
  if (room === state.current) show(firstShown());
  redraw();
}

export async function leave(room) {
  if (room.other) {
    close(room);
    return;
  }
  if (room.transcript.unsureCount > 0) {
    notify("Some of your messages here are not confirmed. Send them again or discard them first.");
    return;
  }
  try {
    await ask("leave", { room: room.name });
  } catch (refusal) {
    // A broken connection has left every room, so being lost is as good as granted.
    if (refusal.temporary && !["lost", "offline"].includes(refusal.code)) {
      notify(inWords(refusal));
      return;
    }
  }
  remove(room);
}

/** The owner, and for those who may change them the roles. */
export async function describe(room) {
  if (room.isDescribed) return;
  room.isDescribed = true;
  try {
    room.learn(await ask("describe", { room: room.name }));
    redraw();
  } catch {
    // Rooms of plugins are not described.
  }
}

/** The rooms of before, or where everybody begins. */
export function addRemembered() {
  if (state.rooms.size > 0) return;
  for (const known of recall("rooms", [{ name: DEFAULT_ROOM }])) {
    const name = known.name ?? known; // an earlier page kept the names alone
    state.rooms.set(name, Object.assign(newRoom(name), known.name && known));
  }
  remember();
}

/** After auth: those rooms, and the direct rooms of the user on any device. */
export async function enterAll() {
  addRemembered();
  for (const room of state.rooms.values()) await enter(room);
  const found = await ask("rooms", { data: { kind: "direct", limit: 20 } }).catch(() => ({
    list: [],
  }));
  for (const { room: name } of Object.values(found.list ?? [])) {
    if (!state.rooms.has(name)) await enter(add(name));
  }
}

export function allLost() {
  for (const room of state.rooms.values()) {
    if (!room.joined) continue;
    room.joined = false;
    for (const timer of room.typing.values()) clearTimeout(timer);
    room.typing.clear();
    note(room, "You are offline. What is said until you are back is not shown here");
  }
}

// What the server tells. A room that is not in the list was left in the meantime.

function ofRoom(type, hear) {
  hears(type, (push) => {
    const room = state.rooms.get(push.room);
    if (!room) return;
    hear(room, push);
    redraw();
  });
}

// A conversation that another device of mine has opened: what is said there comes here, too.
hears("said", ({ room: name }) => {
  if (name.startsWith("@") && !state.rooms.has(name)) enter(add(name));
});
ofRoom("said", (room) => hide(room, false));

ofRoom("joined", (room, { user, at }) => {
  room.members.add(user);
  if (user === room.other && !room.hasMet) {
    room.hasMet = true;
    remember();
  }
  room.count = Math.max(room.count, room.members.size);
  if (!room.other) write(room, () => room.transcript.moved(user, "joined", at));
});

ofRoom("left", (room, { user, at, reason }) => {
  room.members.delete(user);
  room.count = Math.max(room.count - 1, room.members.size); // of a large one not all are known
  stopsTyping(room, user);
  if (user === state.me.name) {
    remove(room);
    if (reason === "role") notify(`You are not a member of ${room.label} any more.`);
    return;
  }
  const how = leftInWords(reason);
  if (room.other) return;
  write(room, () =>
    how === "left" // and was not sent out: that has a line of its own
      ? room.transcript.moved(user, how, at)
      : room.transcript.noted(`${user} ${how}`, at),
  );
});

ofRoom("members_changed", (room, { joined = [], left = [], count }) => {
  for (const member of Object.values(joined)) room.members.add(member);
  for (const member of Object.values(left)) room.members.delete(member);
  room.count = count;
});

ofRoom("room_changed", (room, push) => {
  const hadTopic = room.topic;
  room.title = push.title ?? "";
  room.topic = push.topic ?? "";
  room.options = push.options ?? room.options;
  const text =
    room.topic !== hadTopic && room.topic
      ? `${push.by} set the topic: ${room.topic}`
      : `${push.by} changed the room's settings`;
  write(room, () => room.transcript.noted(text, push.at));
});

ofRoom("room_archived", (room, { archived, by, at }) => {
  room.isArchived = archived;
  write(room, () =>
    room.transcript.noted(
      `${by} ${archived ? "archived this room" : "opened this room again"}`,
      at,
    ),
  );
});

ofRoom("room_renamed", (room, { name, by, at }) => {
  state.rooms.delete(room.name);
  room.name = name;
  state.rooms.set(name, room);
  remember();
  write(room, () => room.transcript.noted(`${by} renamed this room to ${name}`, at));
  if (room === state.current) show(room);
});

ofRoom("room_deleted", (room, { by }) => {
  remove(room);
  noticeWith(`${by} deleted the room ${room.label}.`);
});

ofRoom("role_changed", (room, { user, role, by, at }) => {
  if (user === state.me.name) {
    room.role = state.isAdmin ? "admin" : role;
    room.isDescribed = false;
    if (room === state.current) describe(room);
  } else {
    room.roles.set(user, role);
  }
  const who = user === state.me.name ? "you" : user;
  write(room, () => room.transcript.noted(`${by} made ${who} a ${role}`, at));
});

ofRoom("typing", (room, { user, on }) => {
  stopsTyping(room, user);
  // The server says when it ends; should that get lost, it ends all the same.
  if (on)
    room.typing.set(
      user,
      setTimeout(() => {
        room.typing.delete(user);
        redraw();
      }, 10_000),
    );
});

export function stopsTyping(room, user) {
  clearTimeout(room.typing.get(user));
  room.typing.delete(user);
}

ofRoom("read", (room, { user, id }) => {
  if (user === state.me.name) {
    room.lastRead = id;
    if (id < room.transcript.lastId) return;
    room.unread = 0;
    room.mentions = 0;
    return;
  }
  room.readBy.set(user, id);
  write(room, () => room.transcript.seenBy(room.readBy));
});
