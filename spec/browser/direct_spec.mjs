// direct_spec.mjs - conversations of two, and who is there: online, busy, away, with a status.

import assert from "node:assert/strict";

import {
  choose,
  enter,
  hears,
  members,
  myRoom,
  online,
  open,
  pick,
  says,
  scene,
  setUp,
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
  await second.close();
});

scene("gives way to a newer window of the same device, and says so", async () => {
  const kept = await ann.evaluate(() => ({ ...sessionStorage }));
  const newer = await open();
  await newer.evaluate((items) => {
    for (const [key, value] of Object.entries(items)) sessionStorage.setItem(key, value);
  }, kept);
  await newer.reload();
  await online(newer);
  const ended = ann.getByTestId("ended");
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

scene("signs out, and comes in again when asked to", async () => {
  await pick(bob, bob.getByTestId("me"), "Sign out");
  await bob.getByTestId("ended").getByText("You are signed out").waitFor();
  await ann.locator('[data-testid="my-directs"] .presence[data-state="offline"]').waitFor();
  await bob.getByTestId("come-back").click();
  await bob.getByTestId("enter").click();
  await online(bob);
  await ann.locator('[data-testid="my-directs"] .presence[data-state="online"]').waitFor();
});
