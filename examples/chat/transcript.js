// transcript.js - what has been said in one room, as elements.
//
// Two parts: `log` holds what the server has confirmed, in its order and at most
// MAX_LINES long, without those of who came and went; `outbox` below it holds what
// we said and have no answer for yet.
// A message carries a tag its author's page made up. A tag is shown once however often
// it arrives, so "Try again" cannot double a message that had got through after all.

import { button, element, listed } from "./elements.js";
import { dayLine, eventLine, Message, newLine, time } from "./message.js";
import { $ } from "./page.js";

const MAX_LINES = 500;
const GROUP_MS = 5 * 60_000;

/** "ann, bob and 3 others joined; carl left" */
function movesInWords(byUser) {
  const users = Map.groupBy([...byUser.keys()], (user) => byUser.get(user));
  return [...users]
    .map(([words, names]) => `${listed(names)} ${words}`)
    .join("; ");
}

const dayOf = (atMs) => new Date(atMs).toDateString();

export class Transcript {
  #me;
  #seen = new Map(); // author and tag -> its message
  #byId = new Map(); // id -> Message
  #unsent = new Map(); // tag -> { message, text }
  #last = null; // the newest Message, when the newest line is one
  #day = "";
  #moves = null; // { line, byUser: user -> what they did last }, when that is the newest line
  #divider = null; // "New": all below it was said while nobody looked
  #seenLine = element("p", { class: "seen-by", "data-testid": "seen-by" });

  constructor(roomTitle, me) {
    this.#me = me;
    this.log = element("div", {
      class: "log",
      role: "log",
      "aria-live": "polite",
      "aria-relevant": "additions",
      "data-testid": "log",
    });
    this.outbox = element("div", {
      class: "outbox",
      role: "group",
      "data-testid": "outbox",
    });
    this.named(roomTitle);
  }

  /** A room may be called otherwise after a while. */
  named(roomTitle) {
    this.log.setAttribute("aria-label", `Messages in ${roomTitle}`);
    this.outbox.setAttribute("aria-label", `Your unconfirmed messages in ${roomTitle}`);
  }

  get unsentCount() {
    return this.#unsent.size;
  }

  /** Of these, those that nobody knows to be refused. */
  get unsureCount() {
    return [...this.#unsent.values()].filter((message) => !message.isRefused).length;
  }

  /** The id of the newest message. */
  get lastId() {
    return Math.max(0, ...[...this.#byId.keys()].slice(-1));
  }

  message(id) {
    return this.#byId.get(id);
  }

  /** My newest message that is not deleted. */
  get lastOwn() {
    return [...this.#byId.values()].reverse().find((one) => one.isOwn && !one.isDeleted);
  }

  /**
   * Shows a confirmed message. False when this very message was here already.
   * @param {{ id: number, from: string, text: string, at: number, tag: string,
   *   replyTo?: number, mentions?: string[], isUnseen?: boolean }} said
   */
  said(said) {
    const mark = said.tag && `${said.from}\n${said.tag}`;
    if ((mark && this.#seen.has(mark)) || this.#byId.has(said.id)) return false;
    const isOwn = said.from === this.#me();
    if (isOwn) this.discard(said.tag);
    if (isOwn) this.clearNew();
    this.#openDay(said.at);
    if (said.isUnseen && !this.#divider) this.#append((this.#divider = newLine()));
    const message = new Message(said, { me: this.#me, quoted: this.#byId.get(said.replyTo) });
    const last = this.#last;
    const follows = last?.from === said.from && said.at - last.at < GROUP_MS && !said.replyTo;
    if (follows) message.item.classList.add("follows");
    if (mark) this.#seen.set(mark, message);
    message.mark = mark;
    this.#byId.set(said.id, message);
    this.#append(message.item);
    this.#last = message;
    return true;
  }

  edited(id, text) {
    this.#change(id, (message) => message.edited(text));
  }

  deleted(id, by) {
    this.#change(id, (message) => message.deleted(by));
  }

  /** A message that is not on the page any more may still be quoted on it. */
  #change(id, change) {
    const replies = [...this.#byId.values(), ...this.#unsent.values()].filter(
      (one) => one.replyTo === id,
    );
    const message = this.#byId.get(id) ?? replies.find((one) => one.quoted)?.quoted;
    if (message) change(message);
    for (const reply of replies) reply.requoted();
  }

  /** Shows a line about the room itself: somebody came, went, or we were away. */
  noted(text, atMs, isPrivate = false) {
    this.#openDay(atMs);
    this.#append(eventLine(text, atMs, isPrivate));
    this.#last = null;
  }

  /** Somebody came or went: one line for all who do so while nothing else happens. */
  moved(user, words, atMs) {
    this.#openDay(atMs);
    if (!this.#moves) {
      const line = eventLine("", atMs);
      line.classList.add("moves");
      this.#append(line);
      this.#last = null;
      this.#moves = { line, byUser: new Map() };
    }
    const { line, byUser } = this.#moves;
    byUser.delete(user); // what was done last comes last
    byUser.set(user, words);
    line.querySelector("bdi").textContent = movesInWords(byUser);
    line.querySelector("time").replaceWith(time(atMs));
  }

  /** What was new has been looked at. */
  clearNew() {
    this.#divider?.remove();
    this.#divider = null;
  }

  /** Who has read my last message, when that is the last one. */
  seenBy(readBy) {
    const last = this.#last;
    const names = last?.isOwn
      ? [...readBy]
          .filter(([user, id]) => user !== this.#me() && id >= last.id)
          .map(([user]) => user)
      : [];
    this.#seenLine.textContent = names.length ? `Seen by ${listed(names.sort())}` : "";
    if (names.length) this.outbox.before(this.#seenLine);
    else this.#seenLine.remove();
  }

  /** Shows our own words while their request is under way. */
  sending({ tag, text, replyTo }) {
    this.discard(tag);
    const said = { id: 0, from: this.#me(), text, at: Date.now(), tag, replyTo };
    const message = new Message(said, {
      me: this.#me,
      quoted: this.#byId.get(replyTo),
      state: "Sending…",
    });
    this.#unsent.set(tag, message);
    this.outbox.append(message.item);
  }

  /** The request was refused or never answered; the reader decides what becomes of it. */
  failed(tag, reason, again, isRefused) {
    const message = this.#unsent.get(tag);
    if (!message) return; // heard before its reply was lost: it did arrive
    message.failed(isRefused);
    message.isRefused = isRefused;
    const choices = element("p", { class: "choices" });
    choices.append(
      element("span", { role: "alert", "data-testid": "failure" }, reason),
      button("Try again", again, { "data-testid": "send-again" }),
      button("Discard", () => this.discard(tag), { "data-testid": "discard" }),
    );
    message.body.append(choices);
  }

  discard(tag) {
    const item = this.#unsent.get(tag)?.item;
    this.#unsent.delete(tag);
    const hadFocus = item?.contains(document.activeElement);
    item?.remove();
    if (hadFocus) $("scroller").focus({ preventScroll: true });
  }

  #openDay(atMs) {
    const day = dayOf(atMs);
    if (day === this.#day) return;
    this.#day = day;
    this.#last = null;
    this.#append(dayLine(atMs));
  }

  #append(line) {
    this.log.append(line);
    this.#moves = null;
    this.#seenLine.remove();
    // Who comes and goes must not push out what is said.
    while (this.log.childElementCount - this.log.querySelectorAll(".moves").length > MAX_LINES) {
      const oldest = this.log.firstElementChild;
      const message = this.#byId.get(Number(oldest.dataset.id));
      if (message) {
        this.#seen.delete(message.mark);
        this.#byId.delete(message.id);
      }
      oldest.remove();
    }
    // The new first line may have lost the one that carried its author's name.
    this.log.firstElementChild.classList.remove("follows");
  }
}
