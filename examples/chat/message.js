// message.js - one message as an element, and the lines between messages.
//
// Everything from the network enters through textContent; only http and https are links.

import { avatar, element, tint } from "./elements.js";

const LINK = /\bhttps?:\/\/[^\s<>"']+/giu;
const TRAILING = /[.,;:!?)\]}]+$/u;
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
  line.append(element("bdi", {}, text), " ", time(atMs));
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

/** What to put into the element that shows this text. */
export function rich(text, names, me) {
  const content = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    const address = found[0].replace(TRAILING, "");
    content.push(...withMentions(text.slice(from, found.index), names, me), link(address));
    from = found.index + address.length;
  }
  content.push(...withMentions(text.slice(from), names, me));
  return content;
}

const short = (text) => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

export class Message {
  reactions = new Map(); // emoji -> { count, users: Set }
  isDeleted = false;
  #me;
  #text;

  /**
   * @param {object} said as Transcript.said takes it
   * @param {{ me: string, quoted?: Message, state?: string }} around state: of one not confirmed
   */
  constructor(said, { me, quoted, state }) {
    Object.assign(this, { id: said.id, from: said.from, at: said.at, text: said.text });
    this.mentions = said.mentions ?? [];
    this.isOwn = said.from === me;
    this.#me = me;
    this.item = element("div", {
      class: `message${this.isOwn ? " own" : ""}${this.mentions.includes(me) ? " for-me" : ""}`,
      role: "article",
      tabindex: "-1",
      "aria-label": `${said.from}, ${clock.format(new Date(said.at))}`,
      "data-testid": "message",
      "data-author": said.from,
      "data-id": String(said.id),
    });
    if (state) this.item.classList.add("unsent");
    this.body = element("div", { class: "body" });
    this.#text = element("p", { class: "text", dir: "auto", "data-testid": "text" });
    const when = state
      ? element("span", { class: "state", "data-testid": "send-state" }, state)
      : time(said.at);
    this.body.append(
      element(
        "p",
        { class: "byline" },
        element("bdi", { class: `author tint-${tint(said.from)}` }, said.from),
        when,
      ),
      this.#text,
    );
    if (said.replyTo) this.body.prepend(this.#quote(said.replyTo, quoted));
    this.item.append(avatar(said.from), this.body);
    this.#show();
  }

  edited(text) {
    if (this.isDeleted) return;
    this.text = text;
    this.isEdited = true;
    this.#show();
  }

  deleted(by) {
    this.isDeleted = true;
    this.item.classList.add("deleted");
    this.#text.textContent = by === this.from ? "This message was deleted." : `Deleted by ${by}.`;
    this.body.querySelector(".reactions")?.remove();
    this.body.querySelector(".quote")?.remove();
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

  #show() {
    this.#text.replaceChildren(...rich(this.text, this.mentions, this.#me));
    if (this.isEdited) this.#text.append(" ", element("span", { class: "edited" }, "(edited)"));
  }

  #showReactions() {
    let row = this.body.querySelector(".reactions");
    if (!row)
      this.body.append((row = element("div", { class: "reactions", "data-testid": "reactions" })));
    row.replaceChildren(
      ...[...this.reactions].map(([emoji, { count, users }]) => {
        const isMine = users.has(this.#me);
        const chip = element("button", {
          type: "button",
          class: "reaction",
          "data-emoji": emoji,
          "aria-pressed": String(isMine),
          "aria-label": `${emoji}, ${count}${isMine ? ", with yours" : ""}`,
          title: [...users].join(", "),
        });
        chip.append(
          element("span", { "aria-hidden": "true" }, emoji),
          element("span", { class: "count" }, String(count)),
        );
        return chip;
      }),
    );
    if (this.reactions.size === 0) row.remove();
  }

  #quote(id, quoted) {
    const quote = element("button", {
      type: "button",
      class: "quote",
      "data-jump": String(id),
      "data-testid": "quote",
    });
    const line = element("span");
    if (quoted)
      line.append(
        element("bdi", { class: `author tint-${tint(quoted.from)}` }, quoted.from),
        " ",
        short(quoted.text),
      );
    else line.append("An earlier message");
    quote.append(line);
    quote.setAttribute(
      "aria-label",
      `In reply to ${quoted ? `${quoted.from}: ${short(quoted.text)}` : "an earlier message"}`,
    );
    return quote;
  }
}
