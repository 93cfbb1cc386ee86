// me.js - my own menu: how I am shown, light or dark, another name, the way out.

import { openForm } from "./dialogs.js";
import { openMenu } from "./menu.js";
import { notify } from "./notices.js";
import { $ } from "./page.js";
import { setStatus } from "./presence.js";
import { state } from "./state.js";
import { inWords } from "./words.js";

const STATES = [
  ["online", "Online"],
  ["busy", "Busy"],
  ["invisible", "Invisible"],
];
const THEMES = { system: "Colours of the system", light: "Light", dark: "Dark" };

const without = (status) => Object.fromEntries(Object.entries(status).filter(([, value]) => value));

function writeStatus() {
  openForm({
    title: "Your status",
    text: "It is shown beside your name until you have gone.",
    fields: [
      {
        name: "emoji",
        label: "Emoji",
        value: state.status.emoji,
        attributes: { maxlength: "8", placeholder: "🍲" },
      },
      {
        name: "text",
        label: "What are you up to?",
        value: state.status.text,
        attributes: { maxlength: "60" },
      },
    ],
    submit: "Save",
    act: ({ emoji, text }) => setStatus(without({ state: state.status.state, emoji, text })),
  });
}

async function choose(name) {
  try {
    await setStatus(without({ ...state.status, state: name }));
  } catch (refusal) {
    notify(inWords(refusal));
  }
}

/** @param {{ changeName(): void, signOut(): void }} ways */
export function openMeWith({ changeName, signOut }) {
  $("me").addEventListener("click", () =>
    openMenu($("me"), "You", [
      { label: "Set a status…", act: writeStatus },
      ...STATES.map(([name, label]) => ({
        label,
        isChosen: state.status.state === name,
        act: () => choose(name),
      })),
      null,
      ...window.theme.choices.map((name) => ({
        label: THEMES[name],
        isChosen: window.theme.chosen() === name,
        act: () => window.theme.choose(name),
      })),
      null,
      { label: "Change name", act: changeName },
      { label: "Sign out", isDanger: true, act: signOut },
    ]),
  );
}
