// state.js - what the page knows, in one place, and who draws it.
//
// Whoever changes something here calls redraw(); all drawers run once, a moment later.

const utf8 = new TextEncoder();

export function randomHex(bytes) {
  const numbers = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(numbers, (n) => n.toString(16).padStart(2, "0")).join("");
}

/** What this tab has kept, or with localStorage any tab of this browser. */
export function recall(key, otherwise, storage = sessionStorage) {
  return JSON.parse(storage.getItem(`moongate.${key}`)) ?? otherwise;
}

export function keep(key, value, storage = sessionStorage) {
  storage.setItem(`moongate.${key}`, JSON.stringify(value));
}

/** Who I am in any tab of this browser; each tab is a device of its own. */
function meOfBrowser() {
  const kept = recall("me", {}, localStorage);
  return { name: "", key: randomHex(16), ...kept, device: randomHex(16) };
}

export const state = {
  me: recall("me", null) ?? meOfBrowser(),
  isAdmin: false,
  phase: "offline", // of the connection
  rooms: new Map(), // name -> Room of rooms.js: those that I want to be in
  current: null, // the one on screen
  pane: "room", // on a phone: "rooms", "room" or "members"
  presence: new Map(), // user -> { state, status }
  status: { state: "online" }, // my own
};

export function keepMe() {
  const { name, key } = state.me;
  keep("me", state.me);
  keep("me", { name, key }, localStorage);
}

/** Nothing of who I was is left in this tab, nor for the next one. */
export function forgetMe() {
  for (const key of ["me", "rooms", "invitations", "closed"]) {
    sessionStorage.removeItem(`moongate.${key}`);
    localStorage.removeItem(`moongate.${key}`);
  }
  state.me = meOfBrowser();
  state.isAdmin = false;
  state.rooms.clear();
  state.presence.clear();
  state.status = { state: "online" };
}

const drawers = new Set();
let isDue = false;

/** Calls `draw` whenever something has changed. */
export function onDraw(draw) {
  drawers.add(draw);
}

export function redraw() {
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    for (const draw of drawers) draw();
  });
}

export const bytesOf = (text) => utf8.encode(text).length;
