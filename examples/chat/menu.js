// menu.js - one small menu at a time, beside the button that opened it.

import { button, element } from "./elements.js";

const EDGE_PX = 8; // from the window's edge

let open = null; // { menu, anchor }

export function closeMenu(returnFocus = false) {
  if (!open) return;
  const { menu, anchor } = open;
  open = null;
  menu.remove();
  anchor.setAttribute("aria-expanded", "false");
  if (returnFocus && anchor.isConnected) anchor.focus();
}

function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.min(at.left, innerWidth - width - EDGE_PX);
  const isBelow = at.bottom + height + EDGE_PX <= innerHeight;
  menu.style.left = `${Math.max(EDGE_PX, left)}px`;
  menu.style.top = `${Math.max(EDGE_PX, isBelow ? at.bottom + 4 : at.top - height - 4)}px`;
}

function steer(event) {
  const { menu } = open;
  const items = [...menu.querySelectorAll("button")];
  const at = items.indexOf(document.activeElement);
  const steps = {
    ArrowDown: at + 1,
    ArrowRight: at + 1,
    ArrowUp: at - 1,
    ArrowLeft: at - 1,
    Home: 0,
    End: -1,
  };
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    closeMenu(true);
  } else if (event.key in steps) {
    event.preventDefault();
    event.stopPropagation();
    items.at(steps[event.key] % items.length).focus();
  }
}

/**
 * @param {HTMLElement} anchor the button that is pressed
 * @param {string} label what the menu is about
 * @param {({ label: string, act(): void, isDanger?: boolean, isChosen?: boolean } | null)[]} items
 *   null draws a line
 * @param {{ isRow?: boolean }} looks a row is for emoji
 */
export function openMenu(anchor, label, items, { isRow = false } = {}) {
  const wasHere = open?.anchor === anchor;
  closeMenu();
  if (wasHere || !items.some(Boolean)) return;
  const menu = element("div", {
    class: isRow ? "menu row" : "menu",
    role: "menu",
    "aria-label": label,
    "data-testid": "menu",
  });
  for (const item of items) {
    if (!item) {
      menu.append(element("hr"));
      continue;
    }
    const role = item.isChosen === undefined ? "menuitem" : "menuitemradio";
    const entry = button(
      item.label,
      () => {
        closeMenu(true);
        item.act();
      },
      { role, class: item.isDanger ? "danger" : "", tabindex: "-1" },
    );
    if (item.title) entry.setAttribute("aria-label", item.title);
    if (item.isChosen !== undefined) entry.setAttribute("aria-checked", String(item.isChosen));
    menu.append(entry);
  }
  menu.addEventListener("keydown", steer);
  document.body.append(menu);
  anchor.setAttribute("aria-expanded", "true");
  open = { menu, anchor };
  place(menu, anchor);
  menu.querySelector("button").focus();
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.menu.contains(event.target) && !open.anchor.contains(event.target)) closeMenu();
});
addEventListener("resize", () => closeMenu());
