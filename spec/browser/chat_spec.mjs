// chat_spec.mjs - an evening in a room: what is said arrives once and in one order, whatever
// becomes of the connection.
//
//   cmake --build build && cd spec/browser && npm ci && npm test
//
// Each scene goes on where the one before it ended, and after a failure the rest is skipped.

import assert from "node:assert/strict";

import {
  choose,
  create,
  endServer,
  enter,
  expectDown,
  heard,
  hears,
  join,
  member,
  members,
  myRoom,
  online,
  open,
  says,
  scene,
  sees,
  server,
  setUp,
  startServer,
  title,
} from "./support.mjs";

setUp();

let ann, bob, cleo;

/** Says it and waits until both Ann and Bob have it confirmed. */
async function tells(page, text) {
  await says(page, text);
  for (const listener of [ann, bob]) await hears(listener, text);
}

const TALK = [
  ["bob", "Good evening! Anybody else still up?"],
  ["cleo", "Always. With a moon like that, who could sleep?"],
  ["ann", "Just got here. I restarted the server on the way in, did you notice?"],
  ["bob", "A blink. It said offline, then everybody was back."],
  ["ann", "Good. That is how it should feel."],
];

scene("carries a conversation, once and in one order", async () => {
  cleo = await enter("cleo");
  bob = await enter("bob");
  for (const room of ["haiku", "scripts"]) await join(cleo, room);
  for (const room of ["haiku", "tea house"]) await join(bob, room);
  ann = await enter("ann");
  for (const room of ["tea house", "scripts"]) await join(ann, room);
  await members(ann, "ann", "cleo");

  const pages = { ann, bob, cleo };
  for (const page of [ann, bob]) await choose(page, "lobby");
  await choose(cleo, "scripts");
  await says(cleo, "Rooms: who may open one, and who may close it?");
  await says(cleo, "Three lines would do. Have a look at my draft.");
  await choose(cleo, "lobby");
  for (const page of [ann, bob, cleo]) await members(page, "ann", "bob", "cleo");

  for (const [name, text] of TALK) {
    await says(pages[name], text);
    for (const page of [ann, bob, cleo]) await hears(page, text);
  }
  const expected = TALK.map(([name, text]) => `${name}: ${text}`);
  for (const page of [ann, bob, cleo]) assert.deepEqual(await heard(page), expected);
  await myRoom(ann, "scripts").getByText("2", { exact: true }).waitFor(); // unread
});

scene("keeps one order when two speak at the same time, and faster than they may", async () => {
  const rounds = 20;
  const speak = async (page, name) => {
    for (let i = 0; i < rounds; i += 1) await says(page, `${name} ${i}`);
  };
  await Promise.all([speak(ann, "ann"), speak(bob, "bob")]);
  for (const page of [ann, bob]) {
    for (const name of ["ann", "bob"]) await hears(page, `${name} ${rounds - 1}`);
  }
  const atAnns = await heard(ann);
  assert.deepEqual(atAnns, await heard(bob));
  assert.equal(atAnns.length, TALK.length + 2 * rounds);
  const anns = atAnns.filter((line) => /^ann: ann \d/.test(line));
  assert.deepEqual(
    anns,
    Array.from({ length: rounds }, (_, i) => `ann: ann ${i}`),
  );
});

scene("keeps the order of many that are said at once, and says them all", async () => {
  const lines = Array.from({ length: 60 }, (_, i) => `r${i}`);
  await ann.evaluate((texts) => {
    const field = document.querySelector('[data-testid="message-input"]');
    for (const text of texts) {
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.form.requestSubmit();
    }
  }, lines);
  await hears(bob, "r59");
  await ann.getByTestId("outbox").getByTestId("message").last().waitFor({ state: "detached" });
  assert.deepEqual(
    (await heard(bob)).slice(-lines.length),
    lines.map((line) => `ann: ${line}`),
  );
});

scene("shows markup as text", async () => {
  const markup = `<img src=x onerror="document.title='broken in'"><b>bold</b>`;
  await tells(ann, markup);
  assert.equal((await heard(bob)).at(-1), `ann: ${markup}`);
  assert.equal(await bob.locator(".text img, .text b").count(), 0);
  assert.doesNotMatch(await bob.title(), /broken in/);
});

scene("refuses a taken name in words, and shows who has lost the connection as away", async () => {
  const stranger = await open();
  await stranger.getByTestId("name").fill("ann");
  await stranger.getByTestId("enter").click();
  await stranger.getByTestId("name-error").filter({ hasText: "That name is in use" }).waitFor();
  await stranger.getByTestId("name").fill("dora");
  await stranger.getByTestId("enter").click();
  await online(stranger);
  await members(ann, "dora");
  await ann.locator('[data-testid="member"][data-key="dora"][data-state="online"]').waitFor();
  await stranger.close(); // as when a tab is closed
  await ann.locator('[data-testid="member"][data-key="dora"][data-state="away"]').waitFor();
  await member(ann, "dora").getByText("away", { exact: true }).waitFor();
});

scene("tells the others who came and who left", async () => {
  await choose(ann, "tea house");
  await choose(bob, "tea house");
  await members(ann, "bob");
  await bob.getByTestId("room-menu").click();
  await bob.getByRole("menuitem", { name: "Leave room" }).click();
  await sees(ann, "bob left");
  await title(bob, "tea house").waitFor({ state: "hidden" });
  await member(ann, "bob").waitFor({ state: "detached" });
  await join(bob, "tea house");
  await sees(ann, "bob joined");
});

scene("comes back by itself after a restart", async () => {
  expectDown(true);
  await tells(ann, "Back in a moment.");
  const before = await heard(ann);
  assert.deepEqual(await endServer("SIGTERM"), { code: 0, signal: null });
  for (const page of [ann, bob]) {
    await page.getByTestId("outage").waitFor();
    await page.getByTestId("try-now").waitFor();
  }
  await startServer();
  for (const page of [ann, bob]) await online(page);
  for (const page of [ann, bob]) await members(page, "ann", "bob");
  expectDown(false);

  await tells(bob, "Still here?");
  await tells(ann, "Never left.");
  assert.deepEqual(await heard(ann), [...before, "bob: Still here?", "ann: Never left."]);
  await choose(ann, "lobby"); // every room was joined again, not only the one on screen
  await members(ann, "ann", "bob", "cleo");
});

scene("does not make an open room of a private one that is gone", async () => {
  await create(ann, { name: "secret crew", kind: "private", Password: "moonlight" });
  await bob.getByTestId("browse-rooms").click();
  await bob.getByTestId("room-name").fill("secret crew");
  await bob.getByTestId("room-name").press("Enter");
  await bob.getByLabel("Password or code").fill("moonlight");
  await bob.getByRole("button", { name: "Join", exact: true }).click();
  await title(bob, "secret crew").waitFor();
  await tells(ann, "Nobody else hears this.");
  expectDown(true);
  await endServer("SIGTERM"); // without --store: nothing is left of the room
  await startServer();
  for (const page of [ann, bob]) await online(page);
  expectDown(false);
  for (const page of [ann, bob]) {
    await page.getByTestId("notice").getByText("secret crew: This room is no more").waitFor();
    await myRoom(page, "secret crew").waitFor({ state: "detached" });
    await choose(page, "lobby");
  }
  await ann.reload();
  await online(ann);
  await members(ann, "ann", "bob");
  await bob.getByTestId("browse-rooms").click();
  await bob.getByTestId("room-name").fill("secret");
  await bob.getByText("No room is called so.").waitFor();
  await bob.keyboard.press("Escape");
  await bob.getByTestId("notice").getByRole("button", { name: "Dismiss" }).click();
  await bob.getByTestId("notice").waitFor({ state: "detached" });
  await choose(bob, "tea house");
  await choose(ann, "tea house");
});

scene("neither loses nor doubles what was on its way when the line broke", async () => {
  for (const page of [ann, bob]) await choose(page, "lobby");
  expectDown(true);
  server.child.kill("SIGSTOP"); // takes the bytes and never answers
  await says(ann, "Did this arrive?");
  await ann.getByTestId("send-state").filter({ hasText: "Sending" }).waitFor();
  await endServer("SIGKILL");
  await ann.getByTestId("failure").filter({ hasText: "may or may not" }).waitFor();
  await startServer();
  for (const page of [ann, bob]) await online(page);
  for (const page of [ann, bob]) await members(page, "ann", "bob");
  expectDown(false);

  const before = await heard(bob);
  await ann.getByTestId("send-again").click();
  for (const page of [ann, bob]) await hears(page, "Did this arrive?");
  await ann.getByTestId("outbox").getByTestId("message").waitFor({ state: "hidden" });
  await tells(bob, "Once.");
  assert.deepEqual((await heard(ann)).slice(-2), ["ann: Did this arrive?", "bob: Once."]);
  assert.deepEqual(await heard(bob), [...before, "ann: Did this arrive?", "bob: Once."]);
});

scene("remembers the name and the rooms when the page is loaded again", async () => {
  await ann.reload();
  await online(ann);
  assert.equal(await ann.getByTestId("my-name").textContent(), "ann");
  await myRoom(ann, "tea house").waitFor();
  await members(ann, "ann", "bob", "cleo");
});
