// elements.js - small builders of elements, and lists that keep their items.

const TINTS = 8; // as many as base.css has colours
const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  add: "M10 4v12M4 10h12",
  back: "M12 4.5 6.5 10l5.5 5.5",
  close: "M5 5l10 10M15 5 5 15",
  find: "M13 13l4 4M14.5 8.75a5.75 5.75 0 1 1-11.5 0 5.75 5.75 0 0 1 11.5 0Z",
  hash: "M8 3.5 6 16.5M14 3.5l-2 13M4 7.5h13M3 12.5h13",
  horn: "M4 8v4h2.5l7.5 4V4L6.5 8H4ZM7 12.5l1 4M16.5 8.5a2.5 2.5 0 0 1 0 3",
  hidden: "M3 10c2-3.7 4.3-5 7-5s5 1.3 7 5c-2 3.7-4.3 5-7 5s-5-1.3-7-5ZM4 16.5 16 3.5",
  lock: "M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  people:
    "M10.5 7a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM2 16.5c.3-3.3 2.5-5 5.5-5s5.2 1.7 5.5 5M13 4.3a3 3 0 0 1 0 5.4M15 12c1.8.7 2.8 2.2 3 4.5",
  quote: "M8 5 3.5 9.5 8 14M4 9.5h7.5c3.5 0 5 2 5 5.5",
  send: "M10 16V4.5M5 9.5l5-5 5 5",
  shield: "M10 2.8 16 5v4.5c0 4-2.5 6.5-6 7.7-3.5-1.2-6-3.7-6-7.7V5l6-2.2Z",
  smile:
    "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0ZM7 12c.8 1.2 1.8 1.7 3 1.7s2.2-.5 3-1.7M7.6 8h.01M12.4 8h.01",
};

export function element(tag, attributes = {}, ...content) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...content);
  return node;
}

export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  picture.setAttribute("viewBox", "0 0 20 20");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  picture.append(path);
  return picture;
}

export function button(label, pressed, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, label);
  node.addEventListener("click", pressed);
  return node;
}

/** A button that is a picture for the eye and words for the ear and for who hovers. */
export function iconButton(name, label, pressed, attributes = {}) {
  const node = button("", pressed, {
    class: "icon-button",
    "aria-label": label,
    title: label,
    ...attributes,
  });
  node.append(icon(name));
  return node;
}

/** One of the eight colours; a name has the same one on every screen. */
export function tint(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 65_521;
  return sum % TINTS;
}

export function avatar(name) {
  const initial = [...name][0]?.toUpperCase() ?? "";
  return element("span", { class: `avatar tint-${tint(name)}`, "aria-hidden": "true" }, initial);
}

export function counted(number, noun) {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

/** "ann", "ann and bob", "ann, bob and 3 others". */
export function listed(names, most = 3) {
  if (names.length <= 1) return names.join("");
  if (names.length > most) {
    return `${names.slice(0, most - 1).join(", ")} and ${names.length - most + 1} others`;
  }
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/**
 * Makes `list` show one item a key, in this order. Items that stay are not touched
 * unless they must move, so whoever has the keyboard's focus keeps it.
 * @param {HTMLElement} list
 * @param {string[]} keys
 * @param {(key: string) => HTMLElement} make
 * @param {(item: HTMLElement, key: string) => void} update
 */
export function reconcile(list, keys, make, update = () => {}) {
  const wanted = new Set(keys);
  const present = new Map();
  for (const item of [...list.children]) {
    if (wanted.has(item.dataset.key)) present.set(item.dataset.key, item);
    else item.remove();
  }
  let place = list.firstElementChild;
  for (const key of keys) {
    const item = present.get(key) ?? make(key);
    item.dataset.key = key;
    update(item, key);
    if (item === place) place = place.nextElementSibling;
    else list.insertBefore(item, place);
  }
}

/** Sets the text only when it is another one: a live region says each change aloud. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Arrow keys, Home and End go through the buttons of a list. */
export function walkable(list, selector = "button") {
  list.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll(selector)].filter((item) => !item.hidden);
    const at = items.indexOf(document.activeElement);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    const to = steps[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    items[(to + items.length) % items.length].focus();
  });
}
