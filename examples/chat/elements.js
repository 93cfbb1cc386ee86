// elements.js - small builders of elements, and lists that keep their items.

const TINTS = 8; // as many as chat.css has colours

export function element(tag, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

export function button(label, pressed, attributes = {}) {
  const node = element("button", { type: "button", ...attributes }, label);
  node.addEventListener("click", pressed);
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
