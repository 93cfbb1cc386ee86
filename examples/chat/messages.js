// messages.js - what is told of messages, and what the reader does with one: the bar of
// buttons beside it, its menu, reactions, the keyboard.

import { button, element, iconButton } from "./elements.js";
import { closeMenu, openMenu } from "./menu.js";
import { confirmed, openForm } from "./dialogs.js";
import { ask, hears } from "./line.js";
import { noticeWith, notify } from "./notices.js";
import { $, copyText } from "./page.js";
import { may } from "./permissions.js";
import { join, looked, onShow, stopsTyping, write } from "./rooms.js";
import { keepingNewestInView, onNewest } from "./scroller.js";
import { onDraw, redraw, state } from "./state.js";
import { inWords } from "./words.js";

export const EMOJI = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀"];
const JUMP_MS = 1500;

let composer = { reply() {}, edit() {} }; // what a reply or an edit is written in

/** @param {{ reply(message): void, edit(message): void }} its */
export function composeWith(its) {
  composer = its;
}

// What the server tells.

/** Other clients may say any JSON value, not only what this page sends. */
function textOf(data) {
  const said = typeof data?.text === "string" ? data : { text: data };
  return {
    text: typeof said.text === "string" ? said.text : JSON.stringify(said.text),
    tag: typeof said.tag === "string" && said.tag.length <= 64 ? said.tag : "",
  };
}

const namesIn = (list) => Object.values(list ?? {}).filter((name) => typeof name === "string");

function heard(room, { id, at, from, data, reply_to: replyTo, mentions }) {
  const isOthers = from !== state.me.name;
  const isUnseen = isOthers && (room !== state.current || document.hidden);
  const said = { id, at, from, ...textOf(data), replyTo, mentions: namesIn(mentions), isUnseen };
  let isNew = false;
  write(
    room,
    () => {
      isNew = room.transcript.said(said);
      room.transcript.seenBy(room.readBy);
    },
    !isOthers && room === state.current,
  );
  stopsTyping(room, from);
  if (isNew && isUnseen) {
    room.unread += 1;
    if (said.mentions.includes(state.me.name)) room.mentions += 1;
  }
  looked(room);
}

function ofRoom(type, hear) {
  hears(type, (push) => {
    const room = state.rooms.get(push.room);
    if (!room) return;
    hear(room, push);
    redraw();
  });
}

ofRoom("said", heard);
ofRoom("edited", (room, { id, data }) =>
  write(room, () => room.transcript.edited(id, textOf(data).text)),
);
ofRoom("deleted", (room, { id, by }) => {
  write(room, () => room.transcript.deleted(id, by));
  if (!held?.isDeleted) return;
  if (hasMenu()) closeMenu();
  holdBar(null);
});
ofRoom("reacted", (room, { id, user, emoji, on, count }) =>
  write(room, () => room.transcript.message(id)?.reacted(emoji, user, on, count)),
);

// What the reader does.

async function trying(action) {
  try {
    await action();
  } catch (refusal) {
    notify(inWords(refusal));
  }
}

const to = (message) => ({ room: state.current.name, message_id: message.id });

function react(message, emoji) {
  const isMine = message.reactions.get(emoji)?.users.has(state.me.name) ?? false;
  trying(() => ask("react", { ...to(message), emoji, on: !isMine }));
}

function pickEmoji(anchor, message) {
  openMenu(
    anchor,
    "Reactions",
    EMOJI.map((emoji) => ({
      label: emoji,
      title: `React with ${emoji}`,
      act: () => react(message, emoji),
    })),
    { isRow: true },
  );
}

function askToDelete(message) {
  const fields = to(message);
  const whose = message.isOwn ? "your message" : `the message of ${message.from}`;
  confirmed(
    "Delete message",
    `Delete ${whose} for everybody? This cannot be taken back.`,
    "Delete",
    () => ask("delete", fields),
  );
}

function askWhyToReport(message) {
  const fields = to(message);
  openForm({
    title: "Report message",
    text: `The moderators of this room will see what you report of ${message.from}, and why.`,
    fields: [
      {
        name: "why",
        label: "What is wrong with it?",
        attributes: { required: "", maxlength: "200" },
      },
    ],
    submit: "Report",
    act: async ({ why }) => {
      await ask("report", { room: fields.room, data: { message_id: message.id, why } });
      notify("Thank you. The moderators of this room have been told.");
    },
  });
}

function itemsFor(message) {
  const room = state.current;
  const items = [];
  if (may(room, "say")) items.push({ label: "Reply", act: () => composer.reply(message) });
  if (message.isOwn && may(room, "edit_own"))
    items.push({ label: "Edit", act: () => composer.edit(message) });
  items.push({
    label: "Copy text",
    act: () => trying(() => copyText(message.text)),
  });
  if (!message.isOwn && room.kind !== "direct")
    items.push({ label: "Report…", act: () => askWhyToReport(message) });
  if (may(room, message.isOwn ? "delete_own" : "delete_any")) {
    items.push(null, { label: "Delete…", isDanger: true, act: () => askToDelete(message) });
  }
  return items;
}

// One bar for all messages: it is put into the one that has the pointer or the focus.

let held = null; // the message that has the bar
const bar = element("div", {
  class: "bar",
  role: "toolbar",
  "aria-label": "This message",
  "aria-live": "off", // it comes and goes within the log, and is not said
  "data-testid": "bar",
});
const reactButton = iconButton("smile", "React", () => pickEmoji(reactButton, held), {
  "aria-haspopup": "menu",
});
const replyButton = iconButton("quote", "Reply", () => composer.reply(held));
const moreButton = iconButton(
  "more",
  "More",
  () => openMenu(moreButton, "Message", itemsFor(held)),
  { "aria-haspopup": "menu" },
);
bar.append(reactButton, replyButton, moreButton);

const messageOf = (node) => {
  const item = node.closest?.(".message");
  return item && state.current?.transcript.message(Number(item.dataset.id));
};

function holdBar(message) {
  const isShown = message && !message.isDeleted && state.current.joined;
  if (!isShown) {
    bar.remove();
    held = null;
    return;
  }
  if (held === message && bar.isConnected) return;
  held = message;
  reactButton.hidden = !may(state.current, "react");
  replyButton.hidden = !may(state.current, "say");
  message.item.append(bar);
}

const hasMenu = () => bar.querySelector('[aria-expanded="true"]');

// Moved, and not scrolled below the pointer: then it stays with who has the keyboard.
$("scroller").addEventListener("pointermove", (event) => {
  if (event.pointerType !== "mouse" || hasMenu()) return;
  const message = messageOf(event.target);
  if (message === held) return;
  if (bar.contains(document.activeElement)) document.activeElement.blur();
  holdBar(message);
});
$("scroller").addEventListener("pointerleave", () => {
  if (!hasMenu() && !held?.item.contains(document.activeElement)) holdBar(null);
});

let current = null; // the message that has the keyboard

function makeCurrent(message) {
  if (current) current.isCurrent = false;
  current = message;
  if (current) current.isCurrent = true;
}

$("scroller").addEventListener("focusin", (event) => {
  const message = messageOf(event.target);
  if (message !== current) makeCurrent(message);
  holdBar(message);
});
$("scroller").addEventListener("focusout", ({ relatedTarget: next }) => {
  if (!$("scroller").contains(next)) makeCurrent(null);
});

function jump(id) {
  const quoted = state.current.transcript.message(id);
  if (!quoted) {
    notify("That message is not on this page any more.");
    return;
  }
  quoted.item.scrollIntoView({ block: "center" });
  quoted.item.focus({ preventScroll: true });
  quoted.item.classList.add("jumped");
  setTimeout(() => quoted.item.classList.remove("jumped"), JUMP_MS);
}

$("scroller").addEventListener("click", (event) => {
  const chip = event.target.closest(".reaction");
  const quote = event.target.closest(".quote");
  if (chip && may(state.current, "react")) react(messageOf(chip), chip.dataset.emoji);
  if (quote) jump(Number(quote.dataset.jump));
});

// The list of messages is one stop of the Tab key; the arrows go from message to message.

function step(event) {
  const items = [...$("scroller").querySelectorAll(".log .message")];
  const at = items.indexOf(document.activeElement.closest(".message"));
  const steps = {
    ArrowUp: at < 0 ? items.length - 1 : at - 1,
    ArrowDown: at < 0 ? items.length - 1 : at + 1,
    Home: 0,
    End: items.length - 1,
  };
  const next = items[steps[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

$("scroller").addEventListener("keydown", (event) => {
  if (event.target.closest("button, a")) {
    if (event.key === "Escape") event.target.closest(".message")?.focus();
    return;
  }
  if (event.key === "Escape") $("message").focus();
  else if (event.key === "Enter" && held && document.activeElement === held.item) {
    event.preventDefault(); // or it presses the first entry of the menu, too
    moreButton.click();
  } else step(event);
});

onShow((room) => {
  holdBar(null);
  const { log, outbox } = room?.transcript ?? {};
  const empty = element(
    "div",
    { class: "empty" },
    element("p", {}, "Choose a room, or find another one."),
    button("Find a room", () => $("browse-rooms").click(), { class: "primary" }),
  );
  keepingNewestInView(() => {
    $("scroller").replaceChildren(...(room ? [log, outbox] : [empty]));
    room?.transcript.seenBy(room.readBy);
  }, true);
});

onNewest(() => {
  if (state.current) looked(state.current);
});
onDraw(() => state.current?.transcript.named(state.current.label));

hears("mentioned", ({ room: name, from }) => {
  if (state.rooms.has(name)) return;
  noticeWith(`${from} mentioned you in ${name}.`, "Go there", () => join(name));
});
