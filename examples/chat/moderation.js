// moderation.js - kicks, mutes, bans and roles; what moderators read: reports, bans, the journal.

import { button, element } from "./elements.js";
import { openDialog, openForm } from "./dialogs.js";
import { ask, hears } from "./line.js";
import { time } from "./message.js";
import { notify, noticeWith } from "./notices.js";
import { $ } from "./page.js";
import { appeal } from "./roomforms.js";
import { note, remove } from "./rooms.js";
import { redraw, state } from "./state.js";
import { duration, inWords } from "./words.js";

const DURATIONS = [
  ["600000", "10 minutes"],
  ["3600000", "an hour"],
  ["86400000", "a day"],
  ["604800000", "a week"],
  ["", "for good"],
];
const REASON = {
  name: "reason",
  label: "Reason (they see it)",
  attributes: { maxlength: "120", placeholder: "optional" },
};

const given = (reason) => (reason ? { reason } : {});

function sanction(room, user, { type, title, text, submit }) {
  openForm({
    title,
    text,
    fields: [{ name: "duration", label: "How long", options: DURATIONS }, REASON],
    submit,
    isDanger: true,
    act: ({ duration: ms, reason }) =>
      ask(type, {
        room: room.name,
        data: { user, ...given(reason), ...(ms && { duration_ms: Number(ms) }) },
      }),
  });
}

export function kick(room, user) {
  openForm({
    title: `Kick ${user}`,
    text: `${user} is taken out of ${room.label}, and may come in again.`,
    fields: [REASON],
    submit: "Kick",
    isDanger: true,
    act: ({ reason }) => ask("kick", { room: room.name, data: { user, ...given(reason) } }),
  });
}

export const ban = (room, user) =>
  sanction(room, user, {
    type: "ban",
    title: `Ban ${user}`,
    submit: "Ban",
    text: `${user} is taken out of ${room.label}, and cannot come in again until the ban ends.`,
  });

export const mute = (room, user) =>
  sanction(room, user, {
    type: "mute",
    title: `Mute ${user}`,
    submit: "Mute",
    text: `${user} can read in ${room.label}, and write nothing.`,
  });

export const unmute = (room, user) => ask("unmute", { room: room.name, data: { user } });
export const setRole = (room, user, role) => ask("role", { room: room.name, data: { user, role } });

// What moderators read.

async function act(row, action) {
  try {
    await action();
    row.classList.add("done");
    const done = row.querySelector("button");
    const hadFocus = done === document.activeElement;
    done?.remove();
    if (hadFocus) row.parentElement.focus(); // and not on what a second Enter would press
  } catch (refusal) {
    row.querySelector(".error").textContent = inWords(refusal);
  }
}

function entry(text, at, ...choices) {
  const row = element(
    "li",
    { "data-testid": "entry" },
    element("p", {}, ...text, " ", time(at)),
    element("p", { class: "error", role: "alert" }),
  );
  for (const [label, action] of choices) row.append(button(label, () => act(row, action)));
  return row;
}

const strong = (text) => element("bdi", { class: "strong" }, text);

function reportRow(room, { message_id: id, why, by, at }) {
  const message = room.transcript.message(id);
  const what = message
    ? [strong(message.from), `: “${message.isDeleted ? "deleted" : message.text}”`]
    : ["A message that this page does not have"];
  const choices = message?.isDeleted
    ? []
    : [["Delete message", () => ask("delete", { room: room.name, message_id: id })]];
  return entry([...what, " – ", strong(by), ` says: ${why}`], at, ...choices);
}

const PAST = { ban: "banned", mute: "muted", shadow_mute: "shadow-muted" };

function banRow(room, { what, user, address, by, reason, expires_at: end, at, appeal }) {
  const until = end ? `, ${duration(Math.max(0, end - Date.now()))} to go` : ", for good";
  const text = [
    strong(user ?? address),
    ` ${PAST[what] ?? what} by `,
    strong(by),
    reason ? `: ${reason}` : "",
    until,
  ];
  if (appeal) text.push(` – appeal: “${appeal.text}”`);
  const type = what === "ban" ? "unban" : "unmute";
  return entry(text, at, [
    what === "ban" ? "Unban" : "Unmute",
    () => ask(type, { room: room.name, data: user ? { user } : { address } }),
  ]);
}

function auditRow(room, { action, user, address, by, reason, at }) {
  const whom = user ?? address;
  return entry(
    [
      strong(by),
      `: ${action.replaceAll("_", " ")} `,
      ...(whom ? [strong(whom)] : []),
      reason ? ` (${reason})` : "",
    ],
    at,
  );
}

const TABS = [
  ["reports", "Reports", reportRow, "Nothing has been reported."],
  ["bans", "Bans and mutes", banRow, "Nobody is banned or muted."],
  ["audit", "Journal", auditRow, "Nothing has been done yet."],
];

async function load(room, list, more, [type, , row, none], after) {
  more.hidden = true;
  try {
    const page = await ask(type, { room: room.name, data: { limit: 50, ...(after && { after }) } });
    const entries = Object.values(page.list ?? {});
    if (!after) list.replaceChildren();
    list.append(...entries.map((its) => row(room, its)));
    if (!list.childElementCount) list.append(element("li", { class: "hint" }, none));
    more.hidden = page.next === undefined;
    more.onclick = () =>
      load(
        room,
        list,
        more,
        TABS.find(([name]) => name === type),
        page.next,
      );
  } catch (refusal) {
    list.replaceChildren(element("li", { class: "error", role: "alert" }, inWords(refusal)));
  }
}

export function openModeration(room) {
  const list = element("ul", {
    class: "entries",
    id: "moderation-list",
    role: "tabpanel",
    tabindex: "0",
    "aria-label": "Entries",
  });
  const more = button("More", () => {});
  const tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "Moderation" });
  const choose = (tab) => {
    for (const each of tabs.children) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
    }
    list.replaceChildren(element("li", { class: "hint" }, "Loading…"));
    load(
      room,
      list,
      more,
      TABS.find(([type]) => type === tab.dataset.tab),
    );
  };
  for (const [type, label] of TABS) {
    const tab = button(label, () => choose(tab), {
      role: "tab",
      "data-tab": type,
      "aria-controls": "moderation-list",
    });
    tabs.append(tab);
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...tabs.children];
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    choose(next);
  });
  more.hidden = true;
  openDialog(`Moderation of ${room.label}`, tabs, list, more).classList.add("wide");
  choose(tabs.firstElementChild);
  tabs.firstElementChild.focus();
}

// What a moderator has done to me.

const DONE_TO_ME = {
  kick: "You were taken out of",
  ban: "You are banned from",
  mute: "You are muted in",
  unmute: "You may write again in",
};

hears("moderated", ({ room: name, action, reason, expires_at: end }) => {
  const room = state.rooms.get(name);
  const until = end ? ` for ${duration(end - Date.now())}` : "";
  const text = `${DONE_TO_ME[action] ?? action} ${room?.label ?? name}${until}${reason ? `: ${reason}` : ""}.`;
  if (action === "mute" || action === "unmute") {
    if (!room) return;
    room.mutedUntilMs = action === "unmute" ? 0 : (end ?? Infinity);
    note(room, text, true);
    redraw();
    return;
  }
  if (room) remove(room);
  if (action === "ban") noticeWith(text, "Appeal…", () => appeal(name));
  else notify(text);
});

$("appeal").addEventListener("click", () => appeal(state.current.name));
