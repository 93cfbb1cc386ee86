// completion.js - names behind an @ and commands behind a slash, in a list above the field.

import { element } from "./elements.js";
import { ask } from "./line.js";
import { $ } from "./page.js";
import { state } from "./state.js";

const MOST = 50; // nobody looks through more names than that

let commands = null; // [{ name, about }], asked for once

async function learnCommands(room) {
  commands = [];
  try {
    const data = await ask("say", { room: room.name, data: "/help" });
    commands = Object.values(data.commands ?? {});
  } catch {
    commands = null; // asked again the next time
  }
}

/** What is being written at the caret: { mark: "@" or "/", word, from }. */
function wordAt(input) {
  const before = input.value.slice(0, input.selectionStart);
  const found = /(?:^|\s)@([^\s@]{0,32})$/u.exec(before);
  if (found) return { mark: "@", word: found[1], from: before.length - found[1].length - 1 };
  const command = /^\/([\w-]*)$/u.exec(before);
  return command && { mark: "/", word: command[1], from: 0 };
}

function choicesFor({ mark, word }, room) {
  const start = word.toLowerCase();
  if (mark === "/") {
    return (commands ?? [])
      .filter(({ name }) => name.startsWith(start))
      .map(({ name, about }) => ({
        text: `/${name} `,
        label: `/${name}`,
        about: about?.replace(/^\S+\s*/u, "") ?? "",
      }));
  }
  return [...room.members]
    .filter((name) => name !== state.me.name && name.toLowerCase().startsWith(start))
    .sort((a, b) => a.localeCompare(b))
    .map((name) => ({ text: `@${name} `, label: name, about: "" }));
}

export function completeIn(input, roomOf) {
  const list = $("completion");
  let choices = [];
  let at = 0;
  let place = null;

  function close() {
    choices = [];
    list.hidden = true;
    list.replaceChildren();
    input.removeAttribute("aria-activedescendant");
  }

  function draw() {
    list.replaceChildren(
      ...choices.map(({ label, about }, n) => {
        const entry = element(
          "li",
          { role: "option", id: `choice-${n}`, "aria-selected": String(n === at) },
          element("bdi", {}, label),
          element("span", { class: "hint" }, about),
        );
        entry.addEventListener("pointerdown", (event) => {
          event.preventDefault(); // the field keeps the focus
          take(n);
        });
        return entry;
      }),
    );
    list.hidden = choices.length === 0;
    list.children[at]?.scrollIntoView({ block: "nearest" });
    if (choices.length > 0) input.setAttribute("aria-activedescendant", `choice-${at}`);
  }

  function take(n) {
    const { text } = choices[n];
    const caret = place.from + text.length;
    input.value = input.value.slice(0, place.from) + text + input.value.slice(input.selectionStart);
    input.setSelectionRange(caret, caret);
    close();
  }

  async function look() {
    const room = roomOf();
    place = room?.joined ? wordAt(input) : null;
    if (!place) {
      close();
      return;
    }
    if (place.mark === "/" && !commands) {
      await learnCommands(room);
      place = wordAt(input);
      if (!place) return;
    }
    choices = choicesFor(place, room).slice(0, MOST);
    at = 0;
    if (choices.length > 0) draw();
    else close();
  }

  /** Whether this key was for the list. */
  function takes(event) {
    if (choices.length === 0) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = (at + (event.key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length;
      draw();
    } else if (event.key === "Enter" && choices[at].text.trim() === input.value.trim()) {
      close(); // it is all there: Enter says it
      return false;
    } else if (event.key === "Enter" || event.key === "Tab") {
      take(at);
    } else if (event.key === "Escape") {
      close();
      event.stopPropagation();
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  }

  input.addEventListener("blur", close);
  return { look, takes, close };
}
