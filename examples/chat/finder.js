// finder.js - finding a room: all that are listed, in pages, with a filter; and going to one of
// mine by a few letters (Ctrl+K).

import { avatar, button, counted, element, reconcile, walkable, write } from "./elements.js";
import { closeDialog, openDialog, openForm } from "./dialogs.js";
import { ask } from "./line.js";
import { $ } from "./page.js";
import { appeal, createRoom, joinOrAsk } from "./roomforms.js";
import { show, talkTo } from "./rooms.js";
import { kindIcon } from "./sidebar.js";
import { state } from "./state.js";
import { inWords } from "./words.js";

const PAGE = 50;
const PAUSE_MS = 150; // between the last letter and the question

const KIND_WORDS = {
  public: "public",
  announcement: "announcements",
  ephemeral: "passing",
  private: "private",
  unlisted: "unlisted",
  direct: "direct",
};

function foundItem(found, go) {
  const { room: name, kind, title, topic, count } = found;
  const entry = button("", () => go(name), { class: "found", "data-testid": "found" });
  entry.append(
    kindIcon(kind),
    element(
      "span",
      { class: "who" },
      element("bdi", { class: "name" }, title || name),
      element(
        "span",
        { class: "hint" },
        [KIND_WORDS[kind] ?? kind, counted(count ?? 0, "member"), topic]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    element("span", { class: "hint" }, state.rooms.has(name) ? "joined" : ""),
  );
  return element("li", {}, entry);
}

export function browse() {
  const search = element("input", {
    type: "text",
    enterkeyhint: "go",
    placeholder: "Find a room, or name a new one",
    "aria-label": "Find a room, or name a new one",
    maxlength: "64",
    autocapitalize: "off",
    spellcheck: "false",
    "data-testid": "room-name",
  });
  const list = element("ul", {
    class: "founds",
    "data-testid": "open-rooms",
    "aria-label": "Rooms",
  });
  const problem = element("p", { class: "error", role: "alert", "data-testid": "form-error" });
  const more = button("More rooms", () => load(more.dataset.after));
  const open = button("", () => go(search.value.trim()), {
    class: "found",
    "data-testid": "join-room",
  });
  const create = button(
    "Create a room…",
    () => {
      closeDialog(dialog);
      createRoom(search.value.trim());
    },
    { class: "primary", "data-testid": "create-room" },
  );
  const openRow = element("div", { class: "founds" }, open);
  const dialog = openDialog(
    "Rooms",
    element("div", { class: "fields" }, search, problem),
    list,
    more,
    openRow,
    element("footer", {}, create),
  );
  dialog.classList.add("wide");
  let pause = 0;
  let round = 0;
  let names = new Set();
  let listed = null; // what the list shows the rooms for

  async function go(name) {
    problem.textContent = "";
    try {
      await joinOrAsk(name);
      closeDialog(dialog);
    } catch (refusal) {
      problem.textContent = inWords(refusal);
      if (refusal.code === "banned") problem.append(" ", appealOf(name));
    }
  }

  const appealOf = (name) =>
    button("Appeal…", () => {
      closeDialog(dialog);
      appeal(name);
    });

  /** The room of this name, else the first that is listed; a new one only where there is none. */
  async function goToFirst() {
    const text = search.value.trim();
    clearTimeout(pause);
    if (listed !== text) await load();
    if (listed !== text || search.value.trim() !== text) return; // refused, or more was written
    go(names.has(text) ? text : (names.values().next().value ?? text));
  }

  function offer() {
    const name = search.value.trim();
    openRow.hidden = !name || names.has(name);
    open.replaceChildren(
      kindIcon("ephemeral"),
      element(
        "span",
        { class: "who" },
        element("bdi", { class: "name" }, `Go to “${name}”`),
        element("span", { class: "hint" }, "opens a passing room, if there is none of this name"),
      ),
    );
  }

  async function load(after) {
    const mine = (round += 1);
    const text = search.value.trim();
    try {
      const data = { limit: PAGE, ...(text && { text }), ...(after && { after }) };
      const page = await ask("rooms", { data });
      if (mine !== round) return;
      const found = Object.values(page.list ?? {}).filter(({ kind }) => kind !== "direct");
      if (!after) {
        list.replaceChildren();
        names = new Set();
        listed = text;
      }
      for (const each of found) names.add(each.room);
      list.append(...found.map((each) => foundItem(each, go)));
      if (names.size === 0) list.append(element("li", { class: "hint" }, "No room is called so."));
      more.hidden = page.next === undefined;
      more.dataset.after = page.next ?? "";
    } catch (refusal) {
      problem.textContent = inWords(refusal);
      more.hidden = true;
    }
    offer();
  }

  search.addEventListener("input", () => {
    clearTimeout(pause);
    more.hidden = true; // it belongs to what was looked for before
    pause = setTimeout(load, PAUSE_MS);
    offer();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && search.value.trim()) {
      event.preventDefault();
      goToFirst();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      dialog.querySelector(".founds:not([hidden]) button")?.focus();
    }
  });
  walkable(list);
  more.hidden = true;
  offer();
  load();
  search.focus();
}

// Going to one of mine.

export function switchRoom() {
  const search = element("input", {
    type: "text",
    placeholder: "Go to a room or a person",
    "aria-label": "Go to a room or a person",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "switch-list",
    "data-testid": "switch",
  });
  const list = element("ul", {
    class: "founds",
    id: "switch-list",
    role: "listbox",
    "aria-label": "Rooms and people",
  });
  const none = element("p", { class: "nothing hint", role: "status" });
  const dialog = openDialog("Go to", element("div", { class: "fields" }, search), list, none);
  let at = 0;

  function choices() {
    const text = search.value.trim().toLowerCase();
    return [...state.rooms.values()]
      .filter((room) => `${room.label} ${room.name}`.toLowerCase().includes(text))
      .sort((a, b) => b.unread - a.unread)
      .map((room) => room.name)
      .slice(0, 12);
  }

  function go(name) {
    closeDialog(dialog);
    show(state.rooms.get(name));
    $("message").focus();
  }

  function draw() {
    const names = choices();
    at = Math.max(0, Math.min(at, names.length - 1));
    write(none, names.length ? "" : "Nothing found.");
    reconcile(
      list,
      names,
      (name) => {
        const item = element("li", {
          role: "option",
          id: `switch-${names.indexOf(name)}`,
          class: "found",
        });
        item.addEventListener("click", () => go(name));
        return item;
      },
      (item, name) => {
        const room = state.rooms.get(name);
        const n = names.indexOf(name);
        item.id = `switch-${n}`;
        item.setAttribute("aria-selected", String(n === at));
        item.replaceChildren(
          room.other ? avatar(room.other) : kindIcon(room.kind),
          element("bdi", { class: "who name" }, room.label),
          element("span", { class: "hint" }, room.unread ? `${room.unread} unread` : ""),
        );
        if (n === at) item.scrollIntoView({ block: "nearest" });
      },
    );
    search.setAttribute("aria-activedescendant", names.length ? `switch-${at}` : "");
  }

  search.addEventListener("input", () => {
    at = 0;
    draw();
  });
  search.addEventListener("keydown", (event) => {
    const names = choices();
    if (event.key === "Enter") {
      event.preventDefault();
      if (names[at]) go(names[at]);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : names.length - 1)) % Math.max(1, names.length);
      draw();
    }
  });
  draw();
  search.focus();
}

function askWhom() {
  openForm({
    title: "New conversation",
    fields: [
      {
        name: "user",
        label: "With whom?",
        attributes: { required: "", maxlength: "32", autocapitalize: "off" },
        hint: "The name they are here under.",
      },
    ],
    submit: "Open",
    act: ({ user }) => talkTo(user),
  });
}

$("browse-rooms").addEventListener("click", browse);
$("switch-room").addEventListener("click", switchRoom);
$("new-direct").addEventListener("click", askWhom);
const isMac = /Mac|iPhone|iPad/u.test(navigator.platform);
write($("switch-keys"), isMac ? "⌘K" : "Ctrl K");
document.addEventListener("keydown", (event) => {
  if (
    event.key.toLowerCase() !== "k" ||
    !(event.ctrlKey || event.metaKey) ||
    event.shiftKey ||
    $("chat").hidden
  )
    return;
  event.preventDefault();
  if (!document.querySelector("dialog[open]")) switchRoom();
});
