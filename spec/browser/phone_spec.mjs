// phone_spec.mjs - the page on a phone: one part at a time, room for thumbs and for long names.

import assert from "node:assert/strict";

import {
  choose,
  create,
  DESK,
  enter,
  hears,
  join,
  members,
  message,
  PHONE,
  says,
  scene,
  setUp,
} from "./support.mjs";

setUp();

let ann, bob;

/** What is narrower or lower than a thumb. */
const smallTargets = () =>
  [...document.querySelectorAll("button, input:not([type='checkbox']), select, textarea")]
    .filter((node) => node.checkVisibility())
    .map((node) => [node.getBoundingClientRect(), node])
    .filter(([{ height, width: wide }]) => height < 44 || wide < 44)
    .map(
      ([{ height, width: wide }, node]) =>
        `${Math.round(wide)}x${Math.round(height)} ${node.className} ${node.textContent}`,
    );

scene("shows one part at a time on a phone, with a way back", async () => {
  ann = await enter("ann");
  bob = await enter("bob");
  await create(ann, { name: "gallery", Topic: "Colours" });
  await join(bob, "gallery");
  await ann.setViewportSize(PHONE);
  await ann.getByRole("main").waitFor();
  await ann.getByRole("navigation").waitFor({ state: "hidden" });
  await ann.getByRole("button", { name: "Back to the rooms" }).click();
  await ann.getByRole("navigation").waitFor();
  await ann.getByRole("main").waitFor({ state: "hidden" });
  await choose(ann, "gallery");
  await ann.getByRole("button", { name: /^Members, 2/ }).click();
  await members(ann, "ann", "bob");
  await ann.getByRole("button", { name: "Back to the room" }).click();
  await ann.getByRole("main").waitFor();
});

scene("is as wide as a phone, and has room for thumbs", async () => {
  await says(bob, "Hello thumbs");
  await hears(ann, "Hello thumbs");
  for (const width of [320, 360, 430]) {
    await ann.setViewportSize({ width, height: 780 });
    const page = await ann.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(page, width);
    for (const part of ["room", "rooms", "members"]) {
      if (part === "rooms") await ann.getByTestId("show-rooms").click();
      if (part === "members") {
        await choose(ann, "gallery");
        await ann.getByTestId("show-members").click();
      }
      assert.deepEqual(await ann.evaluate(smallTargets), [], `${part} at ${width}`);
    }
    await ann.getByTestId("back-to-room").click();
    await message(ann, "Hello").click();
    for (const name of ["React", "More"]) {
      await ann.getByTestId("bar").getByRole("button", { name }).click();
      assert.deepEqual(await ann.evaluate(smallTargets), [], `${name} at ${width}`);
      const menu = await ann.getByTestId("menu").boundingBox();
      assert.ok(menu.x >= 0 && menu.x + menu.width <= width, `${name} at ${width}`);
      await ann.keyboard.press("Escape");
    }
    await ann.getByTestId("room-menu").click();
    await ann.getByRole("menuitem", { name: "Settings…" }).click();
    assert.deepEqual(await ann.evaluate(smallTargets), [], `settings at ${width}`);
    await ann.keyboard.press("Escape");
    await ann.getByTestId("dialog").waitFor({ state: "detached" });
  }
});

scene("has room for the longest names", async () => {
  const wide = "W".repeat(32);
  await ann.evaluate(async (name) => {
    const { state, redraw } = await import("/state.js");
    const { transcript } = state.current;
    const said = { at: Date.now(), text: "Hello?", tag: "" };
    transcript.said({ ...said, id: 1e6, from: name });
    transcript.said({ ...said, id: 1e6 + 1, from: state.me.name });
    transcript.seenBy(new Map([[name, 1e6 + 1]]));
    state.current.members.add(name).add("שלום");
    redraw();
  }, wide);
  for (const width of [320, 390]) {
    await ann.setViewportSize({ width, height: 780 });
    for (const part of [
      ann.locator(`[data-author="${wide}"] time`),
      ann.locator(`[data-author="${wide}"] .author`),
      ann.getByTestId("seen-by"),
    ]) {
      const box = await part.boundingBox();
      assert.ok(box.x + box.width <= width, `${box.x + box.width} at ${width}`);
    }
    assert.equal(
      await ann.getByTestId("seen-by").evaluate((node) => node.scrollWidth <= node.clientWidth),
      true,
    );
    await ann.getByTestId("show-members").click();
    const [left, mine] = await ann.evaluate(
      (names) =>
        names.map((name) => {
          const text = document.createRange();
          text.selectNodeContents(document.querySelector(`[data-key="${name}"] .name`));
          return text.getBoundingClientRect().left;
        }),
      ["שלום", "ann"],
    );
    assert.equal(left, mine, "names begin on the same side, whatever their direction");
    await ann.getByTestId("back-to-room").click();
  }
});

scene("keeps the field above the keyboard of a phone", async () => {
  await ann.setViewportSize({ width: 390, height: 420 }); // what a keyboard leaves
  const field = await ann.getByTestId("message-input").boundingBox();
  assert.ok(field.y + field.height <= 420, `the field ends at ${field.y + field.height}`);
  await says(bob, "Can you see this?");
  await hears(ann, "Can you see this?");
  const newest = await message(ann, "Can you see this?").boundingBox();
  assert.ok(newest.y + newest.height <= field.y, "the newest line is above the field");
  await ann.setViewportSize(DESK);
});
