// chat.js - the chat page: who I am, and what happens when the line comes and goes.
//
// What the reader wants (the name, the rooms) lives in state.js and in the browser's storage; the
// connection may come and go, and greet() tells the server all of it again each time.

import { ask, connection, hears, setUp } from "./line.js";
import "./absent.js";
import "./composer.js";
import "./finder.js";
import "./header.js";
import "./invitations.js";
import "./members.js";
import { openMeWith } from "./me.js";
import { clearNotices, notify, noticeWith } from "./notices.js";
import { $, hideEnd, showConnection, showEnd } from "./page.js";
import { greetPresence } from "./presence.js";
import { addRemembered, allLost, enterAll, firstShown, looked, show } from "./rooms.js";
import { forgetMe, keepMe, redraw, state } from "./state.js";
import { inWords } from "./words.js";

const NAME_RETRIES = 5; // our own broken connection may hold our name a little longer

let isAdmitted = Boolean(state.me.name); // this name has been ours before
let namesTaken = 0; // refusals in a row
let former = null; // who I am until another name is granted
let endCode = 0; // the close after which this page stays away

function askForName(error = "") {
  $("chat").hidden = true;
  $("sign-in").hidden = false;
  $("name-error").textContent = error;
  $("name").value = state.me.name;
  $("keep-name").hidden = !former;
  $("name").select();
}

async function authenticate() {
  const { name, key, device } = state.me;
  try {
    const data = await ask("auth", { data: { name, key, device } });
    state.isAdmin = data.admin === true;
  } catch (refusal) {
    // A token that came with the handshake has said already who this is.
    if (refusal.code !== "already_authenticated") throw refusal;
  }
}

async function greet() {
  try {
    await authenticate();
  } catch (refusal) {
    const patient = refusal.code !== "name_taken" || (isAdmitted && namesTaken++ < NAME_RETRIES);
    if (!patient || !refusal.temporary) {
      connection.stop();
      isAdmitted = false;
      askForName(inWords(refusal));
    }
    throw refusal;
  }
  isAdmitted = true;
  namesTaken = 0;
  notify("");
  keepMe();
  const isChoosing = state.me === former; // the line broke meanwhile, and came back
  if (!isChoosing) former = null;
  state.phase = "online"; // rooms are entered before the connection says so itself
  await greetPresence();
  await enterAll();
  if (!isChoosing) showChat();
}

function showChat() {
  $("sign-in").hidden = true;
  hideEnd();
  if (!$("chat").hidden) return;
  $("chat").hidden = false;
  show(state.current ?? firstShown());
}

function connectionChanged() {
  const { phase, closeCode, closeReason } = connection;
  state.phase = phase;
  showConnection(connection);
  $("enter").disabled = phase === "connecting";
  if (phase !== "online") allLost();
  const hasEnded = phase === "offline" || (phase === "waiting" && closeCode === 4401);
  if (hasEnded && closeCode && showEnd(closeCode, closeReason)) {
    endCode = closeCode;
    if (phase !== "offline") connection.stop();
  }
  if (phase === "online") hideEnd();
  redraw();
}

setUp({ greet, changed: connectionChanged });

hears("authenticated", ({ user, admin }) => {
  state.me = { ...state.me, name: user };
  state.isAdmin = admin === true;
});

hears("token_expiring", ({ expires_at: end }) => {
  const minutes = Math.max(1, Math.round((end - Date.now()) / 60_000));
  noticeWith(`Your sign-in ends in ${minutes} min. Sign in again to stay.`, "Sign in again", () =>
    location.reload(),
  );
});

$("name-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (!name) {
    $("name-error").textContent = inWords({ code: "bad_name" });
    return;
  }
  if (former && name === former.name) {
    keepName();
    return;
  }
  connection.stop();
  // Another name may have other rooms of two; those that are public stay.
  if (name !== state.me.name)
    for (const room of state.rooms.keys()) if (room.startsWith("@")) state.rooms.delete(room);
  if (state.current && !state.rooms.has(state.current.name)) state.current = null;
  state.me = { ...state.me, name };
  isAdmitted = false;
  $("name-error").textContent = "";
  connection.start();
});

function keepName() {
  if (state.me !== former) {
    connection.stop();
    state.me = former;
    isAdmitted = true;
  }
  former = null;
  showChat();
  connection.start();
}

$("keep-name").addEventListener("click", keepName);

openMeWith({
  changeName: () => {
    former = state.me;
    askForName();
  },
  signOut: () => {
    ask("logout").catch(() => {});
    connection.stop(); // frees the name, too, also when nobody hears the other
    former = null;
    forgetMe();
    clearNotices();
    show(null);
    askForName();
  },
});

$("come-back").addEventListener("click", () => {
  hideEnd();
  if (endCode === 4401) location.reload();
  else if (endCode === 4501 || endCode === 4502) askForName();
  else connection.start();
});

$("try-now").addEventListener("click", () => connection.start());

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (state.current) looked(state.current);
  if (connection.phase === "waiting") connection.start();
});
addEventListener("online", () => {
  if (connection.phase === "waiting") connection.start();
});
addEventListener("beforeunload", (event) => {
  const isUnsent = [...state.rooms.values()].some((room) => room.transcript.unsentCount > 0);
  if (isUnsent) event.preventDefault();
});

if (state.me.name) {
  addRemembered();
  showChat();
  connection.start();
} else {
  askForName();
}
redraw();
