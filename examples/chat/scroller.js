// scroller.js - the part that scrolls: the newest line stays in view while it is being read.

import { $ } from "./page.js";

const NEAR_PX = 80; // this close to the newest line counts as reading it

let following = true; // the newest line is in view and is to stay there
let reached = () => {};

/** Whether who looks at the room on screen sees its newest line. */
export const seesNewest = () => following;

/** What to do when the newest line comes into view again. */
export function onNewest(act) {
  reached = act;
}

function follow(isFollowing) {
  const isBack = isFollowing && !following;
  following = isFollowing;
  if (isBack) reached();
}

/** Runs `change` and keeps the newest line in view if it was, or if `force` says so. */
export function keepingNewestInView(change, force = false) {
  if (force) follow(true);
  change();
  if (following) toNewest();
  else $("to-newest").hidden = false;
}

function toNewest() {
  $("scroller").scrollTop = $("scroller").scrollHeight;
  $("to-newest").hidden = true;
}

$("to-newest").addEventListener("click", () => {
  keepingNewestInView(() => {}, true);
  $("scroller").focus({ preventScroll: true }); // the button, which had the focus, is gone
});
$("scroller").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("scroller");
  follow(scrollHeight - scrollTop - clientHeight < NEAR_PX);
  $("to-newest").hidden = following;
});
// A phone's keyboard, a turned phone, a longer draft: the newest line stays in view.
new ResizeObserver(() => {
  if (following) toNewest();
}).observe($("scroller"));
