// rooms.js - the rooms that I am in or want to be in: coming, going, and what is told of them.

import { ask, hears } from "./line.js";
import { notify, noticeWith } from "./notices.js";
import { keepingNewestInView, seesNewest } from "./scroller.js";
import { keep, recall, redraw, state } from "./state.js";
import { Transcript } from "./transcript.js";
import { inWords, leftInWords } from "./words.js";

const DEFAULT_ROOM = "lobby";

export class Room {
  kind = "ephemeral";
  title = "";
  topic = "";
  options = {};
  role = "guest";
  isArchived = false;
  owner = "";
  roles = new Map(); // user -> role, as far as I may know
  members = new Set();
  count = 0;
  joined = false;
  isDescribed = false;
  unread = 0;
  mentions = 0;
  hasMissed = false; // something was said that this page cannot show
  lastRead = 0;
  readBy = new Map(); // user -> id
  typing = new Map(); // user -> timer
  mutedUntilMs = 0;
  slowUntilMs = 0;
  enteredAtMs = 0;
  draft = "";
  replyTo = null;
  editing = null; // as composer.js has it
  sending = Promise.resolve(); // one after the other, so that they keep their order

  constructor(name) {
    this.name = name;
    this.transcript = new Transcript(this.label, () => state.me.name);
  }

  /** Of a direct room the other one. */
  get other() {
    if (!this.name.startsWith("@")) return "";
    const pair = this.name
      .slice(1)
      .split(",")
      .map((part) => part.replaceAll("%2C", ",").replaceAll("%25", "%"));
    return pair.find((user) => user !== state.me.name) ?? pair[0];
  }

  get label() {
    return this.other || this.title || this.name;
  }

  roleOf(user) {
    if (user === state.me.name) return this.role;
    if (user === this.owner) return "owner";
    return this.roles.get(user) ?? "";
  }

  /** What the replies of join, describe and others show. */
  learn(view) {
    this.kind = view.kind ?? this.kind;
    this.title = view.title ?? "";
    this.topic = view.topic ?? "";
    this.options = view.options ?? this.options;
    this.role = state.isAdmin ? "admin" : (view.role ?? this.role);
    this.isArchived = view.archived === true;
    this.count = view.count ?? this.count;
    if (view.members) this.members = new Set(Object.values(view.members));
    if (view.owner) this.owner = view.owner;
    if (view.roles) this.roles = new Map(Object.entries(view.roles));
  }
}

function remember() {
  keep("rooms", [...state.rooms.keys()]);
}

export function add(name) {
  const room = state.rooms.get(name) ?? new Room(name);
  state.rooms.set(name, room);
  remember();
  return room;
}

export function remove(room) {
  state.rooms.delete(room.name);
  remember();
  if (room === state.current) show(state.rooms.values().next().value ?? null);
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
  for (const view of viewers) view(room ?? null, before);
  if (room) looked(room);
  if (room?.joined && !room.isDescribed) describe(room);
  redraw();
}

let reading = 0;

/** The reader sees the newest messages of this room. */
export function looked(room) {
  if (room !== state.current || document.hidden || !seesNewest()) return;
  room.unread = 0;
  room.mentions = 0;
  room.hasMissed = false;
  redraw();
  const id = room.transcript.lastId;
  clearTimeout(reading);
  if (!room.joined || id <= room.lastRead) return;
  reading = setTimeout(() => {
    room.lastRead = id;
    ask("read", { room: room.name, message_id: id }).catch(() => {});
  }, 400);
}

// Coming and going.

/** Comes into the room, or back into it; rejects with what the server says. */
async function admit(room, data) {
  const isDirect = room.name.startsWith("@");
  const view = isDirect
    ? await ask("direct", { data: { user: room.other } })
    : await ask("join", { room: room.name, ...(data && { data }) });
  if (!state.rooms.has(room.name)) return;
  room.learn(view);
  room.joined = true;
  room.enteredAtMs = Date.now();
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
    if (refusal.code === "lost") return; // still wanted: greet() asks again
    if (!refusal.temporary || refusal.code === "banned") remove(room);
    notify(`${room.label}: ${inWords(refusal)}`);
  }
  redraw();
}

/** Goes there; `data` is an invite or a password. Rejects when the server says no. */
export async function join(name, data) {
  const known = state.rooms.get(name);
  if (known?.joined || state.phase !== "online") {
    show(known ?? add(name));
    return;
  }
  const room = known ?? add(name);
  try {
    await admit(room, data);
  } catch (refusal) {
    if (refusal.code !== "lost" && !known) remove(room);
    throw refusal;
  }
  show(room);
}

export async function talkTo(user) {
  const { room: name } = await ask("direct", { data: { user } });
  await join(name);
}

export async function leave(room) {
  if (room.transcript.unsentCount > 0) {
    notify("Some of your messages here are not confirmed. Send them again or discard them first.");
    return;
  }
  try {
    await ask("leave", { room: room.name });
  } catch (refusal) {
    // A broken connection has left every room, so being lost is as good as granted.
    if (refusal.temporary && refusal.code !== "lost") {
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
  if (state.rooms.size === 0) for (const name of recall("rooms", [DEFAULT_ROOM])) add(name);
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

ofRoom("joined", (room, { user, at }) => {
  room.members.add(user);
  room.count = Math.max(room.count, room.members.size);
  if (!room.other) write(room, () => room.transcript.moved(user, "joined", at));
});

ofRoom("left", (room, { user, at, reason }) => {
  room.members.delete(user);
  room.count = room.members.size;
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
  notify(`${by} deleted the room ${room.label}.`);
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

hears("invited", ({ room: name, kind, by, code }) => {
  if (kind === "direct") {
    if (!state.rooms.has(name)) enter(add(name));
    return;
  }
  noticeWith(`${by} invites you to ${name}.`, "Join", () => join(name, { invite: code }));
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
