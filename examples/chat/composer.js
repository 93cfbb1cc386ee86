// composer.js - the message field: writing, replying, editing, who is typing, and why it is shut.

import { completeIn } from "./completion.js";
import { listed, write as put } from "./elements.js";
import { ask } from "./line.js";
import { quotable } from "./message.js";
import { composeWith } from "./messages.js";
import { noticeWith, notify } from "./notices.js";
import { $ } from "./page.js";
import { leastToSay, may } from "./permissions.js";
import { onShow } from "./rooms.js";
import { say, slowed } from "./sending.js";
import { onDraw, redraw, state } from "./state.js";
import { duration, inWords } from "./words.js";

const TYPING_AGAIN_MS = 3_000;
const GONE = "The message that you were changing was deleted.";
const input = $("message");

let editing = null; // in the room on screen: the message, and what was written before
let saidTypingMs = 0;
let ticking = 0; // while somebody waits in slow mode or is muted

// Replying and editing.

function drawContext() {
  const reply = state.current?.replyTo;
  $("context").hidden = !editing && !reply;
  if (editing) put($("context-text"), "Editing your message");
  else if (reply) put($("context-text"), `Replying to ${reply.from}: ${quotable(reply)}`);
  put($("send-label"), editing ? "Save" : "Send");
}

function reply(message) {
  stopEditing();
  state.current.replyTo = message;
  redraw();
  input.focus();
}

function edit(message) {
  state.current.replyTo = null;
  editing = { message, room: state.current, draft: editing?.draft ?? input.value };
  input.value = message.text;
  redraw();
  input.focus();
  input.setSelectionRange(input.value.length, input.value.length);
}

function stopEditing() {
  if (!editing) return;
  input.value = editing.draft;
  editing = null;
  redraw();
}

function cancel() {
  stopEditing();
  if (state.current) state.current.replyTo = null;
  redraw();
  input.focus();
}

composeWith({ reply, edit });
$("cancel-context").addEventListener("click", cancel);

// Sending.

async function save({ message, room }, text) {
  if (message.isDeleted) {
    notify(GONE);
    return;
  }
  try {
    await ask("edit", { room: room.name, message_id: message.id, data: { text } });
    slowed(room);
  } catch (refusal) {
    if (refusal.code === "slow_mode") room.slowUntilMs = Date.now() + refusal.retryAfterMs;
    if (message.isDeleted) notify(GONE);
    else if (refusal.code === "too_old") notify(`Your change was not saved. ${inWords(refusal)}`);
    else
      noticeWith(`Your change was not saved. ${inWords(refusal)}`, "Try again", () =>
        save({ message, room }, text),
      );
  }
}

function submit() {
  const room = state.current;
  const text = input.value.trim();
  if (!text || !room) return;
  if (state.phase !== "online" || !room.joined) {
    notify("Not connected to this room right now. Your text stays here until you are.");
    return;
  }
  if (waitMs(room) > 0 && editing) {
    notify(`Slow mode is for changes, too. ${duration(waitMs(room))} to go; your text stays here.`);
    return;
  }
  if (waitMs(room) > 0 && !text.startsWith("/")) return; // the line below says how long
  notify("");
  if (editing) {
    const { message } = editing;
    const was = editing;
    stopEditing();
    if (text !== message.text) save(was, text);
    return;
  }
  input.value = "";
  saidTypingMs = 0;
  say(room, text, room.replyTo?.id);
  room.replyTo = null;
  redraw();
}

$("message-form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});

const completion = completeIn(input, () => state.current);

input.addEventListener("keydown", (event) => {
  if (event.isComposing || completion.takes(event)) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submit();
  } else if (event.key === "Escape" && (editing || state.current?.replyTo)) {
    event.stopPropagation();
    cancel();
  } else if (event.key === "ArrowUp" && input.value === "") {
    const own = state.current?.transcript.lastOwn;
    if (!own || !may(state.current, "edit_own")) return;
    event.preventDefault();
    edit(own);
  }
});

// Typing.

function tellTyping(isOn) {
  const room = state.current;
  if (!room?.joined || !may(room, "say") || state.phase !== "online") return;
  const now = Date.now();
  if (isOn && now - saidTypingMs < TYPING_AGAIN_MS) return;
  if (!isOn && saidTypingMs === 0) return;
  saidTypingMs = isOn ? now : 0;
  ask("typing", { room: room.name, on: isOn }).catch(() => {});
}

input.addEventListener("paste", ({ clipboardData }) => {
  const { length } = clipboardData.getData("text").replaceAll("\r\n", "\n");
  const place = input.maxLength - input.value.length + input.selectionEnd - input.selectionStart;
  if (input.maxLength < 0 || length <= place) return;
  const [fit, of] = [place, length].map((number) => number.toLocaleString("en"));
  notify(`A message has room for the first ${fit} of ${of} characters; the rest was left out.`);
});

input.addEventListener("input", () => {
  completion.look();
  if (!editing && !input.value.startsWith("/")) tellTyping(input.value !== "");
});

// Drawing.

const waitMs = (room) => Math.max(0, room.slowUntilMs - Date.now());

const LEAST = { moderator: "moderators", owner: "its owner", member: "members" };

/** Why nothing can be said here; "" when it can. */
function whyShut(room) {
  if (!room.joined) return "";
  if (room.isArchived)
    return "This room is archived. It can be read, and nothing is said here any more.";
  const mutedMs = room.mutedUntilMs - Date.now();
  if (mutedMs > 0)
    return `You are muted here${mutedMs < Infinity ? ` for another ${duration(mutedMs)}` : ""}.`;
  if (!may(room, "say"))
    return `Only ${LEAST[leastToSay(room)] ?? "others"} can write in this room.`;
  return "";
}

function tick(isNeeded) {
  if (isNeeded && !ticking) ticking = setInterval(redraw, 1000);
  if (!isNeeded) {
    clearInterval(ticking);
    ticking = 0;
  }
}

function draw() {
  const room = state.current;
  const why = room ? whyShut(room) : "";
  $("message-form").hidden = !room || Boolean(why);
  $("shut").hidden = !why;
  put($("shut-text"), why);
  $("appeal").hidden = !room || room.mutedUntilMs <= Date.now();
  put($("typing"), typingLine(room));
  if (!room) return;
  const wait = waitMs(room);
  $("slow").hidden = wait === 0 && !(room.options.slow_mode_ms > 0);
  put(
    $("slow"),
    wait > 0
      ? `Slow mode: ${duration(wait)}`
      : `Slow mode: one message every ${duration(room.options.slow_mode_ms ?? 0)}`,
  );
  $("send").disabled = wait > 0;
  tick(wait > 0 || room.mutedUntilMs > Date.now());
  if (editing?.message.isDeleted) {
    stopEditing();
    notify(GONE);
  }
  drawContext();
}

function typingLine(room) {
  const names = [...(room?.typing.keys() ?? [])];
  if (names.length === 0) return "";
  return `${listed(names)} ${names.length === 1 ? "is" : "are"} typing…`;
}

onShow((room, before) => {
  if (before) Object.assign(before, { draft: input.value, editing });
  if (before !== room) notify("");
  editing = room?.editing ?? null;
  saidTypingMs = 0;
  completion.close();
  input.value = room?.draft ?? "";
  const label = `Message ${room?.other ? `to ${room.label}` : `in ${room?.label}`}`;
  put($("message-label"), label);
  input.placeholder = label;
  if (room && matchMedia("(hover: hover)").matches) input.focus();
});

onDraw(draw);
