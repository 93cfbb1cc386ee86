// notices.js - one sentence above the message field, until it is dismissed.

import { $ } from "./page.js";
import { inWords } from "./words.js";

let act = null;

/** "" takes it back. */
export function notify(text) {
  act = null;
  $("notice-text").textContent = text;
  $("notice-action").hidden = true;
  $("notice").hidden = !text;
}

/** With a button: when what it does is refused, that is the next notice. */
export function noticeWith(text, label, does) {
  notify(text);
  act = does;
  $("notice-action").textContent = label;
  $("notice-action").hidden = false;
}

$("notice-action").addEventListener("click", async () => {
  const does = act;
  notify("");
  try {
    await does?.();
  } catch (refusal) {
    noticeWith(inWords(refusal), "Try again", does);
  }
});
$("dismiss").addEventListener("click", () => notify(""));
