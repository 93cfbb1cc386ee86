// roomforms.js - forms about a room: making one, its settings, invitations, its end.

import { confirmed, openDialog, openForm } from "./dialogs.js";
import { button, element } from "./elements.js";
import { ask } from "./line.js";
import { notify } from "./notices.js";
import { copyText } from "./page.js";
import { may } from "./permissions.js";
import { join } from "./rooms.js";
import { inWords } from "./words.js";

const KINDS = [
  ["public", "Public: everybody may come in"],
  ["private", "Private: invitation or password"],
  ["announcement", "Announcements: moderators write"],
  ["unlisted", "Unlisted: for who knows its name"],
];
const TITLE = {
  name: "title",
  label: "Title",
  attributes: { maxlength: "64" },
  hint: "Shown in place of the name.",
};
const TOPIC = { name: "topic", label: "Topic", attributes: { maxlength: "200" } };
const SAYERS = [
  ["everyone", "Everyone"],
  ["members", "Members"],
  ["moderators", "Moderators"],
  ["owner", "The owner only"],
];
const SLOW = [
  ["0", "Off"],
  ["5000", "5 seconds"],
  ["10000", "10 seconds"],
  ["30000", "30 seconds"],
  ["60000", "a minute"],
  ["300000", "5 minutes"],
  ["900000", "15 minutes"],
  ["3600000", "an hour"],
];

const field = (form, name) => form.querySelector(`[data-field="${name}"]`);

export function createRoom(name = "") {
  openForm({
    title: "Create a room",
    fields: [
      {
        name: "room",
        label: "Name",
        value: name,
        attributes: { required: "", maxlength: "64", autocapitalize: "off", spellcheck: "false" },
      },
      { name: "kind", label: "Who is it for?", options: KINDS },
      { ...TITLE, hint: "Optional, shown in place of the name." },
      TOPIC,
      {
        name: "password",
        label: "Password",
        type: "password",
        attributes: { minlength: "1", maxlength: "256", autocomplete: "new-password" },
        hint: "Optional: who knows it may come in.",
      },
    ],
    submit: "Create",
    changed: (form) => {
      field(form, "password").hidden = form.elements.kind.value !== "private";
    },
    act: async ({ room, kind, title, topic, password }) => {
      const data = { kind, ...(title && { title }), ...(topic && { topic }) };
      if (kind === "private" && password) data.password = password;
      await ask("create", { room, data });
      await join(room);
    },
  });
}

/** For a private room: an invitation's code, or the password. */
export function joinWith(name) {
  openForm({
    title: `Join ${name}`,
    text: "This room is private. You need an invitation or its password.",
    fields: [
      {
        name: "how",
        label: "I have",
        options: [
          ["password", "the password"],
          ["invite", "an invitation code"],
        ],
      },
      {
        name: "secret",
        label: "Password or code",
        type: "password",
        attributes: { required: "", maxlength: "256" },
      },
    ],
    submit: "Join",
    changed: (form) => {
      form.elements.secret.type = form.elements.how.value === "password" ? "password" : "text";
    },
    act: ({ how, secret }) => join(name, { [how]: secret }),
  });
}

/** Joins; asks for what a private room wants to see. Rejects for other reasons. */
export async function joinOrAsk(name) {
  try {
    await join(name);
  } catch (refusal) {
    if (refusal.code !== "not_allowed") throw refusal;
    joinWith(name);
  }
}

/** False: whether it is sent is not known yet. */
export function appeal(name) {
  openForm({
    title: "Appeal",
    text: "Tell the moderators why you should be heard again. You can do this once.",
    fields: [
      {
        name: "text",
        label: "Your words",
        type: "textarea",
        attributes: { required: "", maxlength: "200", rows: "3" },
      },
    ],
    submit: "Send",
    act: async ({ text }) => {
      await ask("appeal", { room: name, data: { text } });
      notify("Your appeal is with the moderators.");
    },
  });
  return false;
}

export function settings(room) {
  const isOwner = may(room, "set_options");
  const { who_may_say: sayers, slow_mode_ms: slow = 0 } = room.options;
  const paces = SLOW.some(([ms]) => Number(ms) === slow)
    ? SLOW
    : [...SLOW, [String(slow), `${slow / 1000} seconds`]];
  const fields = [
    { ...TITLE, value: room.title },
    { ...TOPIC, value: room.topic },
  ];
  fields.push({
    name: "slow",
    label: "Slow mode",
    options: paces,
    value: String(slow),
    hint: "How long everybody waits between two messages; moderators need not.",
  });
  if (isOwner)
    fields.push({ name: "sayers", label: "Who may write", options: SAYERS, value: sayers });
  if (isOwner && room.kind === "private") {
    fields.push({
      name: "password",
      label: "New password",
      type: "password",
      attributes: { maxlength: "256", autocomplete: "new-password" },
      hint: "Left empty, it stays as it is.",
    });
  }
  openForm({
    title: `Settings of ${room.label}`,
    fields,
    submit: "Save",
    act: async ({ title, topic, slow: pace, sayers: who, password }) => {
      const data = {};
      if (title !== room.title) data.title = title;
      if (topic !== room.topic) data.topic = topic;
      if (isOwner && who !== sayers) data.options = { who_may_say: who };
      if (password) data.password = password;
      if (Object.keys(data).length > 0) await ask("set", { room: room.name, data });
      if (Number(pace) !== slow)
        await ask("slow_mode", { room: room.name, data: { slow_mode_ms: Number(pace) } });
    },
  });
}

export function invite(room) {
  openForm({
    title: `Invite to ${room.label}`,
    fields: [
      {
        name: "user",
        label: "Whom",
        attributes: { maxlength: "32" },
        hint: "They are told. Left empty, you get a code to pass on yourself.",
      },
    ],
    submit: "Invite",
    act: async ({ user }) => {
      const { code } = await ask("invite", { room: room.name, data: user ? { user } : {} });
      if (user) notify(`${user} is invited.`);
      else showCode(room, code);
    },
  });
}

function showCode(room, code) {
  const box = element("input", {
    readonly: "",
    value: code,
    "aria-label": "Invitation code",
    "data-testid": "code",
  });
  const problem = element("p", { class: "error", role: "alert" });
  const copy = button(
    "Copy",
    async () => {
      try {
        await copyText(code);
        copy.textContent = "Copied";
      } catch (refusal) {
        problem.textContent = inWords(refusal);
      }
      box.select();
    },
    { class: "primary" },
  );
  openDialog(
    `Invitation to ${room.label}`,
    element(
      "div",
      { class: "fields" },
      element("p", {}, "Whoever brings this code first comes in, within 7 days."),
      element("div", { class: "inline" }, box, copy),
      problem,
    ),
  );
  box.select();
}

export function rename(room) {
  openForm({
    title: `Rename ${room.label}`,
    fields: [
      {
        name: "name",
        label: "New name",
        value: room.name,
        attributes: { required: "", maxlength: "64" },
      },
    ],
    submit: "Rename",
    act: ({ name }) => ask("rename", { room: room.name, data: { name } }),
  });
}

export const archive = (room) =>
  confirmed(
    "Archive room",
    `Nothing more can be said in ${room.label} until you open it again.`,
    "Archive",
    () => ask("archive", { room: room.name }),
  );

export async function unarchive(room) {
  try {
    await ask("unarchive", { room: room.name });
  } catch (refusal) {
    notify(inWords(refusal));
  }
}

export const askToDeleteRoom = (room) =>
  confirmed(
    "Delete room",
    `${room.label} will be gone for everybody. This cannot be taken back.`,
    "Delete room",
    () => ask("delete_room", { room: room.name }),
  );
