// message.js - one message as an element, and the lines between messages.
//
// Everything from the network enters through textContent; only http and https are links.

import { avatar, button, element, reconcile, tint, write } from "./elements.js";

const LINK = /\bhttps?:\/\/[^\s<>"']+/giu;
const PUNCTUATION = /[.,;:!?]$/u;
const OPENING = { ")": "(", "]": "[", "}": "{" };
const FOLDED_LINES = 30; // a message that is longer than this is folded
const LINE_LETTERS = 60;
const DAY_MS = 86_400_000;

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "medium" });
const dayName = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });

export function time(atMs) {
  const at = new Date(atMs);
  const node = element("time", { title: calendar.format(at) }, clock.format(at));
  node.dateTime = at.toISOString();
  return node;
}

function inDays(atMs) {
  const today = new Date().toDateString();
  if (new Date(atMs).toDateString() === today) return "Today";
  if (new Date(atMs + DAY_MS).toDateString() === today) return "Yesterday";
  return dayName.format(new Date(atMs));
}

export const dayLine = (atMs) =>
  element("div", { class: "divider", "data-testid": "day" }, element("span", {}, inDays(atMs)));

export const newLine = () =>
  element("div", { class: "divider new", "data-testid": "new" }, element("span", {}, "New"));

export function eventLine(text, atMs, isPrivate) {
  const line = element("div", {
    class: isPrivate ? "event private" : "event",
    "data-testid": "event",
  });
  if (isPrivate) line.append(element("span", { class: "only-you" }, "Only you see this"));
  // An English sentence, whatever the direction of the name that it begins with.
  line.append(element("bdi", isPrivate ? {} : { dir: "ltr" }, text), " ", time(atMs));
  return line;
}

function link(address) {
  return element(
    "a",
    { href: address, target: "_blank", rel: "noopener noreferrer nofollow" },
    address,
  );
}

/** The text with each mention of these names in an element of its own. */
function withMentions(text, names, me) {
  if (names.length === 0) return [text];
  const escaped = [...names]
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&"));
  const parts = text.split(new RegExp(`(@(?:${escaped.join("|")}))(?![\\p{L}\\p{N}])`, "u"));
  return parts.map((part, n) => {
    if (n % 2 === 0) return part;
    return element("span", { class: part.slice(1) === me ? "mention me" : "mention" }, part);
  });
}

/** Without what ends the sentence around it; a bracket opened in the address is part of it. */
function withoutEnd(address) {
  for (let its = address; ; its = its.slice(0, -1)) {
    const open = OPENING[its.at(-1)];
    const isUnopened = open && its.split(open).length < its.split(its.at(-1)).length;
    if (!isUnopened && !PUNCTUATION.test(its)) return its;
  }
}

/** What to put into the element that shows this text. */
export function rich(text, names, me) {
  const content = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    const address = withoutEnd(found[0]);
    content.push(...withMentions(text.slice(from, found.index), names, me), link(address));
    from = found.index + address.length;
  }
  content.push(...withMentions(text.slice(from), names, me));
  return content;
}

/** About how many lines it takes; how many it does is known only when it is on screen. */
const linesOf = (text) =>
  text.split("\n").reduce((sum, line) => sum + Math.ceil((line.length || 1) / LINE_LETTERS), 0);

const short = (text) => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

let made = 0; // so that each has ids of its own

export class Message {
  reactions = new Map(); // emoji -> { count, users: Set }
  isDeleted = false;
  #me;
  #text;
  #quote;
  #isCurrent = false;

  /**
   * @param {object} said as Transcript.said takes it
   * @param {{ me(): string, quoted?: Message, state?: string }} around state: of one not confirmed
   */
  constructor(said, { me, quoted, state }) {
    Object.assign(this, { id: said.id, from: said.from, at: said.at, text: said.text });
    Object.assign(this, { mentions: said.mentions ?? [], replyTo: said.replyTo, quoted });
    this.#me = me;
    const id = `message-${++made}`;
    this.item = element("div", {
      class: this.mentions.includes(me()) ? "message for-me" : "message",
      role: "article",
      tabindex: "-1",
      "aria-labelledby": `${id}-by ${id}-text`,
      "data-testid": "message",
      "data-author": said.from,
      "data-id": String(said.id),
    });
    if (state) this.item.classList.add("unsent");
    this.body = element("div", { class: "body" });
    this.#text = element("p", {
      class: "text",
      id: `${id}-text`,
      dir: "auto",
      "data-testid": "text",
    });
    const when = state
      ? element("span", { class: "state", "data-testid": "send-state" }, state)
      : time(said.at);
    this.body.append(
      element(
        "p",
        { class: "byline", id: `${id}-by` },
        element("bdi", { class: `author tint-${tint(said.from)}` }, said.from),
        " ",
        when,
      ),
      this.#text,
    );
    if (said.replyTo) {
      this.#quote = quoteOf(said.replyTo);
      this.body.prepend(this.#quote);
      this.requoted();
    }
    this.item.append(avatar(said.from), this.body);
    this.#show();
  }

  /** My name may become another one while the page is open. */
  get isOwn() {
    return this.from === this.#me();
  }

  edited(text) {
    if (this.isDeleted) return;
    this.text = text;
    this.isEdited = true;
    this.#show();
  }

  deleted(by) {
    const hadFocus = this.item.contains(document.activeElement);
    this.isDeleted = true;
    this.text = "";
    this.item.classList.add("deleted");
    this.#text.textContent = by === this.from ? "This message was deleted." : `Deleted by ${by}.`;
    this.#fold(false);
    this.body.querySelector(".reactions")?.remove();
    this.#quote?.remove();
    if (hadFocus) this.item.focus({ preventScroll: true });
  }

  /** What was refused was not sent; of what got no answer nobody knows. */
  failed(isRefused) {
    this.item.classList.add("failed");
    this.item.querySelector(".state").textContent = isRefused ? "Not sent" : "Not confirmed";
  }

  /** Somebody has reacted, or taken it back. */
  reacted(emoji, user, isOn, count) {
    const its = this.reactions.get(emoji) ?? { count: 0, users: new Set() };
    if (isOn) its.users.add(user);
    else its.users.delete(user);
    its.count = count;
    if (count > 0) this.reactions.set(emoji, its);
    else this.reactions.delete(emoji);
    this.#showReactions();
  }

  /** Shows in the quote what the quoted message says now. */
  requoted() {
    const { quoted } = this;
    const words = quoted ? quotable(quoted) : "An earlier message";
    const line = element("span");
    if (quoted)
      line.append(element("bdi", { class: `author tint-${tint(quoted.from)}` }, quoted.from), " ");
    line.append(words);
    this.#quote.replaceChildren(line);
    this.#quote.setAttribute(
      "aria-label",
      `In reply to ${quoted ? `${quoted.from}: ${words}` : "an earlier message"}`,
    );
  }

  /** Tab goes to what is in the message that has the keyboard, and passes all others. */
  set isCurrent(is) {
    this.#isCurrent = is;
    for (const node of this.body.querySelectorAll("a, .quote, .reaction, .unfold"))
      node.tabIndex = is ? 0 : -1;
  }

  #show() {
    this.#text.replaceChildren(...rich(this.text, this.mentions, this.#me()));
    if (this.isEdited) this.#text.append(" ", element("span", { class: "edited" }, "(edited)"));
    this.#fold(linesOf(this.text) > FOLDED_LINES);
    this.isCurrent = this.#isCurrent;
  }

  #fold(isTall) {
    this.#text.classList.toggle("folded", isTall);
    const shown = this.body.querySelector(".unfold");
    if (!isTall) shown?.remove();
    if (!isTall || shown) return;
    const unfold = button(
      "Show all",
      () => {
        const isFolded = this.#text.classList.toggle("folded");
        unfold.textContent = isFolded ? "Show all" : "Show less";
      },
      { class: "unfold", "data-testid": "unfold" },
    );
    this.#text.after(unfold);
  }

  #showReactions() {
    let row = this.body.querySelector(".reactions");
    if (!row)
      this.body.append((row = element("div", { class: "reactions", "data-testid": "reactions" })));
    const hadFocus = row.contains(document.activeElement);
    reconcile(row, [...this.reactions.keys()], chipOf, (chip, emoji) => {
      const { count, users } = this.reactions.get(emoji);
      const isMine = users.has(this.#me());
      chip.setAttribute("aria-pressed", String(isMine));
      chip.setAttribute("aria-label", `${emoji}, ${count}${isMine ? ", with yours" : ""}`);
      chip.title = [...users].join(", ");
      write(chip.lastElementChild, String(count));
    });
    if (this.reactions.size === 0) row.remove();
    if (hadFocus && !row.contains(document.activeElement)) this.item.focus({ preventScroll: true });
    this.isCurrent = this.#isCurrent;
  }
}

/** What a quote shows of a message. */
export const quotable = (message) => (message.isDeleted ? "deleted message" : short(message.text));

const quoteOf = (id) =>
  element("button", {
    type: "button",
    class: "quote",
    "data-jump": String(id),
    "data-testid": "quote",
  });

function chipOf(emoji) {
  const chip = element("button", { type: "button", class: "reaction", "data-emoji": emoji });
  chip.append(
    element("span", { "aria-hidden": "true" }, emoji),
    element("span", { class: "count" }),
  );
  return chip;
}
