// room.js - one room that I am in or want to be in: what this page knows of it.

import { MADE } from "./permissions.js";
import { state } from "./state.js";
import { Transcript } from "./transcript.js";

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
  reading = 0; // timer: what is on screen is read a moment later
  isHidden = false; // a conversation that was closed, until something is said in it
  hasMet = false; // of a conversation: the other one has been in it

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

  /** Made on purpose, so that a join of the same name is not the same room once it is gone. */
  get wasMade() {
    return MADE.includes(this.kind);
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
    this.hasMet ||= this.members.has(this.other);
    if (view.owner) this.owner = view.owner;
    if (view.roles) this.roles = new Map(Object.entries(view.roles));
  }
}
