// absent.js - above the message field: that the other one of a conversation is not there to see
// what is said. The server keeps nothing for who comes later.

import { write } from "./elements.js";
import { $ } from "./page.js";
import { stateOf } from "./presence.js";
import { ARRIVAL_MS } from "./rooms.js";
import { onDraw, state } from "./state.js";

function inWords(room) {
  if (!room?.other || !room.joined || Date.now() - room.enteredAtMs < ARRIVAL_MS) return "";
  if (room.members.has(room.other) && stateOf(room.other) !== "away") return "";
  return room.hasMet
    ? `${room.other} is not here, and may not see this.`
    : `Nobody called ${room.other} has been here since you came. They may not see this.`;
}

onDraw(() => {
  const text = inWords(state.current);
  write($("absent"), text);
  $("absent").hidden = !text;
});
