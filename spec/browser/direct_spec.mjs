// direct_spec.mjs - conversations of two, and who is there: online, busy, away, with a status.

import assert from "node:assert/strict";

import {
  address,
  choose,
  endServer,
  enter,
  expectDown,
  hears,
  members,
  myRoom,
  onMessage,
  online,
  open,
  pick,
  says,
  scene,
  setUp,
  startServer,
  title,
} from "./support.mjs";

setUp();

let ann, bob;

scene(
  "opens a conversation from the list of members, and it appears for the other one",
  async () => {
    ann = await enter("ann");
    bob = await enter("bob");
    await members(ann, "ann", "bob");
    await pick(
      ann,
      ann.locator('[data-testid="member"][data-key="bob"] button'),
      "Message directly",
    );
    await title(ann, "bob").waitFor();
    await members(ann, "ann", "bob"); // he has come in
    await says(ann, "Only for you.");
    await myRoom(bob, "ann").getByText("1", { exact: true }).waitFor();
    await choose(bob, "ann");
    await hears(bob, "Only for you.");
    await ann.getByTestId("seen-by").getByText("Seen by bob").waitFor();
  },
);

scene("shows how the other one is, and their status", async () => {
  await ann.locator('[data-testid="my-directs"] .presence[data-state="online"]').waitFor();
  await pick(bob, bob.getByTestId("me"), "Busy");
  await ann.locator('[data-testid="my-directs"] .presence[data-state="busy"]').waitFor();
  await pick(bob, bob.getByTestId("me"), "Set a status…");
  await bob.getByLabel("What are you up to?").fill("cooking");
  await bob.getByLabel("Emoji").fill("🍲");
  await bob.getByRole("button", { name: "Save" }).click();
  await ann.getByTestId("room-topic").getByText("busy · 🍲 cooking").waitFor();
  await bob.getByTestId("my-status").getByText("🍲 cooking").waitFor();
  await pick(bob, bob.getByTestId("me"), "Invisible");
  await ann.locator('[data-testid="my-directs"] .presence[data-state="offline"]').waitFor();
  await pick(bob, bob.getByTestId("me"), "Online");
  await ann.locator('[data-testid="my-directs"] .presence[data-state="online"]').waitFor();
  await ann
    .getByRole("navigation")
    .getByRole("button", { name: /^bob ?, online/ })
    .waitFor();
});

scene("says who is typing, and stops when they have said it", async () => {
  await bob.getByTestId("message-input").pressSequentially("hm");
  await ann.getByTestId("typing").getByText("bob is typing…").waitFor();
  await bob.getByTestId("message-input").press("Enter");
  await hears(ann, "hm");
  await ann.getByTestId("typing").getByText("bob is typing…").waitFor({ state: "hidden" });
});

scene("shows on one device what is said on another, and what was read there", async () => {
  // A second tab of the same person: the same name and key, and a device of its own.
  const me = await ann.evaluate(() => JSON.parse(sessionStorage.getItem("moongate.me")));
  const second = await open();
  await second.evaluate((it) => sessionStorage.setItem("moongate.me", JSON.stringify(it)), {
    ...me,
    device: "second",
  });
  await second.reload();
  await online(second);
  await myRoom(second, "bob").waitFor(); // the server knows the conversation
  await choose(second, "bob");
  await says(second, "From the other device.");
  await hears(ann, "From the other device.");
  await hears(bob, "From the other device.");
  await choose(ann, "lobby");
  await choose(second, "lobby");
  await says(bob, "Who reads this?");
  for (const page of [ann, second])
    await myRoom(page, "bob").getByText("1", { exact: true }).waitFor();
  await choose(second, "bob");
  await myRoom(ann, "bob").locator(".badge").waitFor({ state: "hidden" });
  await ann.evaluate(async () => (await import("/rooms.js")).talkTo("nora"));
  await title(ann, "nora").waitFor();
  await says(ann, "For when you come.");
  await choose(second, "nora"); // it has not opened that itself
  await hears(second, "For when you come.");
  await choose(ann, "bob");
  await second.close();
});

scene("gives way to a newer window of the same device, and says so", async () => {
  const kept = await ann.evaluate(() => ({ ...sessionStorage }));
  const newer = await open();
  await newer.evaluate((items) => {
    for (const [key, value] of Object.entries(items)) sessionStorage.setItem(key, value);
  }, kept);
  await ann.getByTestId("browse-rooms").click();
  await newer.reload();
  await online(newer);
  const ended = ann.getByTestId("ended");
  await ann.getByTestId("dialog").waitFor({ state: "detached" }); // it would lie above
  await ended.getByText("Moongate is open somewhere else").waitFor();
  await ann.getByTestId("come-back").click();
  await online(ann);
  await newer.getByTestId("ended").getByText("Moongate is open somewhere else").waitFor();
  await newer.close();
});

scene("has words for each close after which a page stays away, and none for others", async () => {
  const titles = await ann.evaluate(async () => {
    const { endInWords } = await import("/words.js");
    return [1001, 1006, 4008, 4010, 4401, 4501, 4502, 4503, 4504, 4599].map((code) => [
      code,
      endInWords(code, "")?.title,
    ]);
  });
  assert.deepEqual(
    titles.filter(([, title]) => !title).map(([code]) => code),
    [1001, 1006, 4008, 4010],
  );
  assert.equal(new Set(titles.map(([, title]) => title)).size, 7); // those, and six that differ
  const reason = await ann.evaluate(
    async () => (await import("/words.js")).endInWords(4502, "logged_out: new password").text,
  );
  assert.match(reason, /It said: new password$/);
});

scene("says when nobody is there to see what is said", async () => {
  await ann.getByTestId("new-direct").click();
  await ann.getByLabel("With whom?").fill("ghost");
  await ann.getByRole("button", { name: "Open", exact: true }).click();
  await ann.getByTestId("absent").getByText("Nobody called ghost has been here").waitFor();
  await pick(ann, ann.getByTestId("room-menu"), "Close conversation");
  await myRoom(ann, "ghost").waitFor({ state: "detached" });
  await choose(ann, "bob");
  await ann.getByTestId("absent").waitFor({ state: "hidden" });
});

scene("shows a closed conversation again when something is said in it", async () => {
  await pick(ann, ann.getByTestId("room-menu"), "Close conversation");
  await myRoom(ann, "bob").waitFor({ state: "detached" });
  await ann.reload();
  await online(ann);
  await choose(ann, "lobby");
  await myRoom(ann, "bob").waitFor({ state: "detached" });
  await choose(bob, "ann");
  await says(bob, "One more thing.");
  await myRoom(ann, "bob").getByText("1", { exact: true }).waitFor();
  await choose(ann, "bob");
  await hears(ann, "One more thing.");
});

scene("lets a new tab of the same browser in as the same user, at once", async () => {
  const context = ann.context();
  await ann.close();
  ann = await context.newPage();
  await ann.goto(address());
  await online(ann);
  assert.equal(await ann.getByTestId("my-name").textContent(), "ann");
  await choose(ann, "bob");
});

scene("changes the name, and not when one thinks better of it", async () => {
  await pick(ann, ann.getByTestId("me"), "Change name");
  await ann.getByTestId("name").fill("   ");
  await ann.getByTestId("enter").click();
  await ann.getByTestId("name-error").getByText("A name has 1 to 32 characters").waitFor();
  await ann.getByTestId("keep-name").click();
  await title(ann, "bob").waitFor();
  await pick(ann, ann.getByTestId("me"), "Change name");
  await ann.getByTestId("name").fill("bob");
  await ann.getByTestId("enter").click();
  await ann.getByTestId("name-error").getByText("That name is in use").waitFor();
  await ann.getByTestId("keep-name").click();
  await online(ann);
  assert.equal(await ann.getByTestId("my-name").textContent(), "ann");
  await choose(ann, "bob");
});

scene("copies without a clipboard, and says when that cannot be", async () => {
  await ann.evaluate(() =>
    Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true }),
  );
  await says(bob, "Copy me.");
  await hears(ann, "Copy me.");
  const copies = async () => {
    await onMessage(ann, "Copy me.", "More");
    await ann.getByTestId("menu").getByText("Copy text").click();
  };
  await copies();
  await ann.evaluate(() => {
    document.execCommand = () => false;
  });
  assert.equal(await ann.getByTestId("notice").count(), 0);
  await copies();
  await ann.getByTestId("notice").getByText("This browser does not let the page copy").waitFor();
});

scene("signs out for good", async () => {
  await pick(bob, bob.getByTestId("me"), "Sign out");
  await bob.getByTestId("sign-in").waitFor();
  await myRoom(ann, "bob").locator('.presence[data-state="offline"]').waitFor();
  await ann.getByTestId("absent").getByText("bob is not here, and may not see this.").waitFor();
  await bob.reload();
  await bob.getByTestId("sign-in").waitFor();
  assert.equal(await bob.getByTestId("name").inputValue(), "");
  await bob.getByTestId("name").fill("bob");
  await bob.getByTestId("enter").click();
  await online(bob);
  await myRoom(ann, "bob").locator('.presence[data-state="online"]').waitFor();
});

scene("says when offline that nothing was sent, and signs out there, too", async () => {
  expectDown(true);
  await endServer("SIGTERM");
  await ann.getByTestId("outage").waitFor();
  await ann.getByTestId("browse-rooms").click();
  await ann.getByTestId("form-error").getByText("You are offline at the moment.").waitFor();
  await ann.keyboard.press("Escape");
  await pick(ann, ann.getByTestId("me"), "Sign out");
  await ann.getByTestId("sign-in").waitFor();
  await startServer();
  await ann.reload();
  expectDown(false);
  await ann.getByTestId("sign-in").waitFor();
  await ann.getByTestId("name").fill("ann\u200b");
  await ann.getByTestId("enter").click();
  await ann.getByTestId("name-error").getByText("characters that are seen").waitFor();
});
