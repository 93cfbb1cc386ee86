// notices.js - sentences above the message field: one that passes, and those that stay.

import { button, element, iconButton } from "./elements.js";
import { $ } from "./page.js";
import { inWords } from "./words.js";

function shown(text, dismiss) {
  const notice = element(
    "div",
    { class: "notice", "data-testid": "notice" },
    element("p", { role: "alert" }, text),
    iconButton("close", "Dismiss", dismiss),
  );
  $("notices").append(notice);
  notice.scrollIntoView({ block: "nearest" });
  return notice;
}

let passing = null;

/** Until it is dismissed, or something is said or another room is on screen. "" takes it back. */
export function notify(text) {
  passing?.remove();
  passing = text ? shown(text, () => notify("")) : null;
}

const staying = new Map(); // text -> its element

function takeBack(text) {
  staying.get(text)?.remove();
  staying.delete(text);
}

/**
 * Stays until it is dismissed or its button, if there is one, has done what it does (and does not
 * answer false). When that is refused, that is the next notice. `gone` is called at its end.
 */
export function noticeWith(text, label, does, gone = () => {}) {
  takeBack(text);
  const dismiss = () => {
    takeBack(text);
    gone();
  };
  const notice = shown(text, dismiss);
  staying.set(text, notice);
  if (!label) return;
  const act = button(
    label,
    async () => {
      act.disabled = true;
      try {
        if ((await does()) !== false) dismiss();
        act.disabled = false;
      } catch (refusal) {
        takeBack(text);
        noticeWith(inWords(refusal), "Try again", does, gone);
      }
    },
    { "data-testid": "notice-action" },
  );
  notice.lastElementChild.before(act);
}

/** Nobody is here any more who could act on them. */
export function clearNotices() {
  notify("");
  for (const text of staying.keys()) takeBack(text);
}
