// sending.js - saying something: what is on its way, what was refused, and trying again.

import { ask } from "./line.js";
import { $ } from "./page.js";
import { ARRIVAL_MS, note, write } from "./rooms.js";
import { rank } from "./permissions.js";
import { randomHex, redraw, state } from "./state.js";
import { inWords } from "./words.js";

const MAX_MENTIONS = 20;
const HASTE_MS = 250; // on top of what the server says
const TOO_LONG_MS = 60_000; // for a message to wait
const AT_WORD = /(?:^|\s)@([\p{L}\p{N}_-]{1,32})/gu;

/** Whom the text mentions: members by their whole name, others by one word. */
export function mentionsIn(text, members) {
  const found = new Set();
  for (const name of members) {
    const at = text.indexOf(`@${name}`);
    if (at >= 0 && !/[\p{L}\p{N}]/u.test(text.charAt(at + 1 + name.length))) found.add(name);
  }
  const isPart = (word) => [...found].some((name) => name.startsWith(word));
  for (const [, word] of text.matchAll(AT_WORD)) if (!isPart(word)) found.add(word);
  return [...found].slice(0, MAX_MENTIONS);
}

const isCommand = (text) => /^\/(?!\/)/u.test(text);

/** What a slash command has answered, in words. */
function answerInWords(text, data) {
  if (Array.isArray(data?.commands)) {
    return data.commands.map(({ name, about }) => about ?? `/${name}`).join("\n");
  }
  if (Array.isArray(data?.list)) {
    const lines = data.list.map((entry) =>
      Object.values(entry)
        .filter((value) => typeof value === "string")
        .join(" "),
    );
    return `${text}\n${lines.join("\n") || "Nothing."}`;
  }
  if (typeof data === "string") return data;
  if (typeof data?.text === "string") return data.text;
  return `Done: ${text}`;
}

function granted(room, entry, data) {
  const { tag, text, mentions } = entry;
  if (isCommand(text)) {
    write(room, () => room.transcript.discard(tag));
    note(room, answerInWords(text, data), true);
    return;
  }
  // The said push comes before this or right behind it; of a request sent again it was missed.
  const { id, at } = data;
  const shown = text.startsWith("//") ? text.slice(1) : text;
  write(room, () =>
    room.transcript.said({
      id,
      at,
      from: state.me.name,
      text: shown,
      tag,
      mentions,
      replyTo: entry.replyTo,
    }),
  );
  room.readBy.delete(state.me.name);
  slowed(room);
}

/** After what slow mode counts: what I have said, and what I have changed. */
export function slowed(room) {
  const waitMs = room.options.slow_mode_ms ?? 0;
  if (waitMs > 0 && rank(room.role) < rank("moderator")) room.slowUntilMs = Date.now() + waitMs;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** For another try, unless something else is being written there. */
function putBack(room, text) {
  if (room !== state.current) room.draft ||= text;
  else if ($("message").value === "") $("message").value = text;
}

function refused(room, entry, refusal) {
  const isUnsure = ["lost", "offline", "internal", "timeout"].includes(refusal.code);
  if (refusal.code === "slow_mode") room.slowUntilMs = Date.now() + refusal.retryAfterMs;
  if (refusal.code === "muted") {
    room.mutedUntilMs = refusal.retryAfterMs ? Date.now() + refusal.retryAfterMs : Infinity;
  }
  if (isCommand(entry.text) && !isUnsure) {
    write(room, () => room.transcript.discard(entry.tag));
    note(room, `${entry.text}\n${inWords(refusal)}`, true);
    putBack(room, entry.text);
    return;
  }
  write(room, () =>
    room.transcript.failed(entry.tag, inWords(refusal), () => send(room, entry), !isUnsure),
  );
}

function send(room, entry) {
  write(room, () => room.transcript.sending(entry), true);
  room.sending = room.sending.then(() => deliver(room, entry));
}

/** Of a conversation that was opened just now the other one is on the way in. */
async function otherToCome(room) {
  const giveUpMs = room.enteredAtMs + ARRIVAL_MS;
  while (room.other && !room.members.has(room.other) && Date.now() < giveUpMs) {
    await pause(50);
  }
}

/** Those behind it wait, too: what was said first arrives first, however hastily. */
async function askInTurn(fields) {
  for (;;) {
    try {
      return await ask("say", fields);
    } catch (refusal) {
      const { code, retryAfterMs } = refusal;
      if (code !== "rate_limited" || retryAfterMs > TOO_LONG_MS) throw refusal;
      await pause(retryAfterMs + HASTE_MS);
    }
  }
}

async function deliver(room, entry) {
  const { tag, text, replyTo, mentions } = entry;
  const fields = { id: tag, room: room.name, data: { text, tag } };
  if (replyTo) fields.reply_to = replyTo;
  if (mentions.length > 0) fields.mentions = mentions;
  await otherToCome(room);
  try {
    granted(room, entry, await askInTurn(fields));
  } catch (refusal) {
    refused(room, entry, refusal);
  }
  redraw();
}

/** Says it in the room. The same id and tag each time it is tried: it arrives once. */
export function say(room, text, replyTo) {
  const mentions = isCommand(text) ? [] : mentionsIn(text, room.members);
  send(room, { tag: randomHex(16), text, replyTo, mentions });
}
