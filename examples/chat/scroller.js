// scroller.js - the part that scrolls: the newest line stays in view while it is being read.

import { $ } from "./page.js";

const NEAR_PX = 80; // this close to the newest line counts as reading it

let following = true; // the newest line is in view and is to stay there

/** Runs `change` and keeps the newest line in view if it was, or if `force` says so. */
export function keepingNewestInView(change, force = false) {
  following ||= force;
  change();
  if (following) toNewest();
  else $("to-newest").hidden = false;
}

function toNewest() {
  $("scroller").scrollTop = $("scroller").scrollHeight;
  $("to-newest").hidden = true;
}

$("to-newest").addEventListener("click", () => keepingNewestInView(() => {}, true));
$("scroller").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("scroller");
  following = scrollHeight - scrollTop - clientHeight < NEAR_PX;
  if (following) $("to-newest").hidden = true;
});
// A phone's keyboard, a turned phone, a longer draft: the newest line stays in view.
new ResizeObserver(() => {
  if (following) toNewest();
}).observe($("scroller"));
