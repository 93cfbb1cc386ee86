// state.js - what the page knows, in one place, and who draws it.
//
// Whoever changes something here calls redraw(); all drawers run once, a moment later.

const utf8 = new TextEncoder();

export function randomHex(bytes) {
  const numbers = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(numbers, (n) => n.toString(16).padStart(2, "0")).join("");
}

export function recall(key, otherwise) {
  return JSON.parse(sessionStorage.getItem(`moongate.${key}`)) ?? otherwise;
}

export function keep(key, value) {
  sessionStorage.setItem(`moongate.${key}`, JSON.stringify(value));
}

export const state = {
  me: recall("me", { name: "", key: randomHex(16), device: randomHex(16) }),
  isAdmin: false,
  phase: "offline", // of the connection
  rooms: new Map(), // name -> Room of rooms.js: those that I want to be in
  current: null, // the one on screen
  pane: "room", // on a phone: "rooms", "room" or "members"
  presence: new Map(), // user -> { state, status }
  status: { state: "online" }, // my own
};

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
