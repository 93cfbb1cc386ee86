// crowd_spec.mjs - rooms in which very many people come and go.

import assert from "node:assert/strict";

import {
  enter,
  hears,
  join,
  member,
  says,
  scene,
  sees,
  setUp,
} from "./support.mjs";

setUp();

let ann, bob;

/** So many people without a page, who are in the room until they are told to go. */
const crowd = (page, count, room, isIn) =>
  page.evaluate(
    async ([most, name, comes]) => {
      const { Connection } = await import("/connection.js");
      const { state } = await import("/state.js");
      window.crowd ??= [];
      for (let n = window.crowd.length; n < most; n += 1) {
        const user = `user ${String(n).padStart(3, "0")}`;
        await new Promise((resolve) => {
          const line = new Connection(`ws://${location.host}/ws`, {
            changed() {},
            greet: async () => {
              await line.request("auth", { data: { name: user, key: state.me.key, device: user } });
              resolve();
            },
            pushed() {},
          });
          window.crowd.push(line);
          line.start();
        });
      }
      for (const line of window.crowd.slice(0, most))
        await line.request(comes ? "join" : "leave", { room: name });
    },
    [count, room, isIn],
  );

scene("tells in one line of many who come and go", async () => {
  ann = await enter("ann");
  bob = await enter("bob");
  await join(ann, "station");
  await says(ann, "Mind the gap.");
  await hears(ann, "Mind the gap.");
  for (const isIn of [true, false, true]) await crowd(bob, 40, "station", isIn);
  await sees(ann, "user 000, user 001 and 38 others joined");
  assert.equal(await ann.getByTestId("log").getByText(/^user/).count(), 1);
  await crowd(bob, 1, "station", false);
  await sees(ann, "user 001, user 002 and 37 others joined; user 000 left");
  await says(ann, "Off they go.");
  await crowd(bob, 1, "station", true);
  await ann.getByText("user 000 joined", { exact: true }).waitFor();
  await ann.evaluate(async () => {
    const { state } = await import("/state.js");
    const { transcript } = state.current;
    for (let n = 0; n < 260; n += 1) {
      transcript.said({ id: 1e6 + n, at: Date.now(), from: "rain", text: "drop", tag: "" });
      transcript.moved("rain", n % 2 ? "joined" : "left", Date.now());
    }
  });
  await hears(ann, "Mind the gap.");
});

scene("lists a room with very many people a part at a time", async () => {
  await crowd(bob, 205, "stadium", true);
  await ann.waitForTimeout(1500); // who comes is told once a second, and ann is not to hear it
  await join(ann, "stadium");
  const more = ann.getByRole("button", { name: /^Show more of the \d+ others$/ });
  await more.click();
  await member(ann, "user 098").waitFor({ state: "attached" });
  await ann.locator('[data-key="user 050"][data-state="online"]').waitFor({ state: "attached" });
  await more.click();
  await member(ann, "user 198").waitFor({ state: "attached" });
  if (await more.isVisible()) await more.click(); // unless the last ones have just come in
  await member(ann, "user 204").waitFor({ state: "attached" });
  await ann.getByTestId("more-members").waitFor({ state: "hidden" });
  await bob.evaluate(() => window.crowd.splice(0).forEach((line) => line.stop()));
});
