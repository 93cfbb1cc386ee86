// page.js - the frame around the conversation: the state of the line, and on a phone which of
// its three parts is on screen.
//
// Knows the elements of index.html and what to show in them; asks the server nothing.

import { closeDialog } from "./dialogs.js";
import { closeInWords, endInWords, inWords } from "./words.js";

export const $ = (id) => document.getElementById(id);

const STATES = {
  connecting: "Connecting…",
  online: "Online",
  waiting: "Reconnecting",
  offline: "Offline",
};

let countdown = 0; // interval

/** Shows what the line is doing; ticks by itself while it waits for the next try. */
export function showConnection({ phase, retryAtMs, closeCode, refusal }) {
  clearInterval(countdown);
  $("connection").dataset.phase = phase;
  $("connection-state").textContent = STATES[phase];
  $("sign-in-status").textContent =
    { connecting: STATES.connecting, waiting: "No connection yet; trying again." }[phase] ?? "";
  // A first dial needs no explanation, one after a failure keeps the one it has.
  if (phase === "connecting") {
    $("countdown").textContent = STATES.connecting;
    $("try-now").disabled = true;
    return;
  }
  $("try-now").disabled = false;
  $("outage").hidden = phase === "online";
  $("outage-reason").textContent = refusal ? inWords(refusal) : closeInWords(closeCode);
  $("countdown").textContent = "";
  if (phase === "waiting") {
    const tick = () => {
      const secondsLeft = Math.max(0, Math.ceil((retryAtMs - Date.now()) / 1000));
      $("countdown").textContent = `Reconnecting in ${secondsLeft} s.`;
    };
    tick();
    countdown = setInterval(tick, 1000);
  }
}

/** Pages that came without TLS have no clipboard but the one of old. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return;
  } catch {
    // The other way, then.
  }
  const box = document.createElement("textarea");
  box.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  const isCopied = document.execCommand("copy");
  box.remove();
  if (!isCopied) throw Object.assign(new Error("copy"), { code: "no_clipboard" });
}

/**
 * The server has asked the page not to come back by itself: says why, over everything else.
 * Returns false when this code asks no such thing.
 */
export function showEnd(code, reason) {
  const end = endInWords(code, reason);
  $("ended").hidden = !end;
  if (!end) return false;
  $("outage").hidden = true;
  $("ended-title").textContent = end.title;
  $("ended-text").textContent = end.text;
  $("come-back").textContent = end.action;
  $("chat").inert = true;
  for (const dialog of document.querySelectorAll("dialog[open]")) closeDialog(dialog); // above it
  $("come-back").focus();
  return true;
}

export function hideEnd() {
  $("ended").hidden = true;
  $("chat").inert = false;
}
