// invitations.js - those that I have not answered yet; they stay when the page is loaded again.

import { hears } from "./line.js";
import { noticeWith } from "./notices.js";
import { add, enter, join } from "./rooms.js";
import { keep, recall, state } from "./state.js";

const pending = () => recall("invitations", []);
const without = (code) => pending().filter((one) => one.code !== code);

function show({ name, by, code }) {
  noticeWith(
    `${by} invites you to ${name}.`,
    "Join",
    () => join(name, { invite: code }),
    () => keep("invitations", without(code)),
  );
}

hears("invited", ({ room: name, kind, by, code }) => {
  if (kind === "direct") {
    if (!state.rooms.has(name)) enter(add(name));
    return;
  }
  const invitation = { name, by, code };
  keep("invitations", [...without(code), invitation]);
  show(invitation);
});

for (const invitation of pending()) show(invitation);
