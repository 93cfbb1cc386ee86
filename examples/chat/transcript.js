// transcript.js - what has been said in one room, as elements.
//
// Two parts: `log` holds what the server has confirmed, in its order and at most
// MAX_LINES long; `outbox` below it holds what we said and have no answer for yet.
// A message carries a tag its author's page made up. A tag is shown once however often
// it arrives, so "Send again" cannot double a message that had got through after all.
// Everything from the network enters through textContent.

import { avatar, button, element, tint } from "./elements.js";

const MAX_LINES = 500;
const GROUP_MS = 5 * 60_000;

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "medium" });

function time(atMs) {
  const at = new Date(atMs);
  const node = element("time", { title: calendar.format(at) }, clock.format(at));
  node.dateTime = at.toISOString();
  return node;
}

function message(author, own, text, when) {
  const heading = element("p", { class: "byline" });
  heading.append(element("bdi", { class: `author tint-${tint(author)}` }, author), when);
  const body = element("div", { class: "body" });
  body.append(heading, element("p", { class: "text", dir: "auto", "data-testid": "text" }, text));
  const item = element("div", {
    class: own ? "message own" : "message",
    "data-testid": "message",
    "data-author": author,
  });
  item.append(avatar(author), body);
  return item;
}

export class Transcript {
  #me;
  #seen = new Map(); // author and tag -> its line
  #unsent = new Map(); // tag -> { item, text }
  #last = null; // { author, atMs } of the newest line when it was a message

  constructor(roomName, me) {
    this.#me = me;
    this.log = element("div", {
      class: "log",
      role: "log",
      "aria-label": `Messages in ${roomName}`,
      "data-testid": "log",
    });
    this.outbox = element("div", {
      class: "outbox",
      role: "group",
      "aria-label": `Your unconfirmed messages in ${roomName}`,
      "data-testid": "outbox",
    });
  }

  get unsentCount() {
    return this.#unsent.size;
  }

  /** Shows a confirmed message. False when this very message was here already. */
  said(author, text, atMs, tag) {
    const mark = tag && `${author}\n${tag}`;
    if (mark && this.#seen.has(mark)) return false;
    const own = author === this.#me();
    if (own) this.discard(tag);
    const item = message(author, own, text, time(atMs));
    const last = this.#last;
    if (last?.author === author && atMs - last.atMs < GROUP_MS) item.classList.add("follows");
    if (mark) {
      this.#seen.set(mark, item);
      item.mark = mark;
    }
    this.#append(item);
    this.#last = { author, atMs };
    return true;
  }

  /** Shows a line about the room itself: somebody came, went, or we were away. */
  noted(text, atMs) {
    const item = element("div", { class: "event", "data-testid": "event" });
    item.append(element("bdi", {}, text), " ", time(atMs));
    this.#append(item);
    this.#last = null;
  }

  /** Shows our own words while their request is under way. */
  sending(tag, text) {
    this.discard(tag);
    const state = element("span", { class: "state", "data-testid": "send-state" }, "Sending…");
    const item = message(this.#me(), true, text, state);
    item.classList.add("unsent");
    this.#unsent.set(tag, { item, text });
    this.outbox.append(item);
  }

  /** The request was granted. The said push comes before this or right behind it. */
  granted(tag, atMs) {
    const unsent = this.#unsent.get(tag);
    if (unsent) this.said(this.#me(), unsent.text, atMs, tag);
  }

  /** The request was refused or never answered; the reader decides what becomes of it. */
  failed(tag, reason, sendAgain) {
    const unsent = this.#unsent.get(tag);
    if (!unsent) return; // heard before its reply was lost: it did arrive
    unsent.item.classList.add("failed");
    const state = unsent.item.querySelector(".state");
    state.textContent = "Not confirmed";
    const choices = element("p", { class: "choices" });
    choices.append(
      element("span", { role: "alert", "data-testid": "failure" }, reason),
      button("Send again", () => sendAgain(unsent.text), { "data-testid": "send-again" }),
      button("Discard", () => this.discard(tag), { "data-testid": "discard" }),
    );
    unsent.item.querySelector(".body").append(choices);
  }

  discard(tag) {
    this.#unsent.get(tag)?.item.remove();
    this.#unsent.delete(tag);
  }

  #append(item) {
    this.log.append(item);
    while (this.log.childElementCount > MAX_LINES) {
      const oldest = this.log.firstElementChild;
      this.#seen.delete(oldest.mark);
      oldest.remove();
    }
    // The new first line may have lost the one that carried its author's name.
    this.log.firstElementChild.classList.remove("follows");
  }
}
