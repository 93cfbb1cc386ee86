// page.js - the frame around the conversation: the state of the line, notices, panels.
//
// Knows the elements of index.html and what to show in them; asks the server nothing.

import { closeInWords, inWords } from "./words.js";

export const $ = (id) => document.getElementById(id);

const STATES = {
  connecting: "Connecting…",
  online: "Online",
  waiting: "Reconnecting",
  offline: "Offline",
};

const NEAR_PX = 80; // this close to the newest line counts as reading it

let countdown = 0; // interval
let following = true; // the newest line is in view and is to stay there

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

/** Says one sentence above the message field until it is dismissed; "" takes it back. */
export function notify(text) {
  $("notice-text").textContent = text;
  $("notice").hidden = !text;
}

/** On a phone the panels lie over the conversation, one at a time; null closes both. */
export function openPanel(name) {
  const chat = $("chat");
  chat.dataset.panel = name ?? "";
  $("show-rooms").setAttribute("aria-expanded", String(name === "rooms"));
  $("show-members").setAttribute("aria-expanded", String(name === "members"));
  if (name) $(`${name}-panel`).querySelector("button, input")?.focus();
}

/** Runs `change` and keeps the newest line in view if it was, or if `force` says so. */
export function keepingNewestInView(change, force = false) {
  following ||= force;
  change();
  if (following) toNewest();
  else $("to-newest").hidden = false;
}

function toNewest() {
  $("scroller").scrollTop = $("scroller").scrollHeight;
}

function toggle(name) {
  openPanel($("chat").dataset.panel === name ? null : name);
}

$("show-rooms").addEventListener("click", () => toggle("rooms"));
$("show-members").addEventListener("click", () => toggle("members"));
$("curtain").addEventListener("click", () => openPanel(null));
$("dismiss").addEventListener("click", () => notify(""));
$("to-newest").addEventListener("click", () => keepingNewestInView(() => {}, true));
$("scroller").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("scroller");
  following = scrollHeight - scrollTop - clientHeight < NEAR_PX;
  if (following) $("to-newest").hidden = true;
});
// A phone's keyboard, a turned phone, a longer draft: the newest line stays in view.
new ResizeObserver(() => {
  if (following) toNewest();
}).observe($("scroller"));
document.addEventListener("keydown", (event) => {
  const panel = $("chat").dataset.panel;
  if (event.key !== "Escape" || !panel) return;
  openPanel(null);
  $(`show-${panel}`).focus();
});
