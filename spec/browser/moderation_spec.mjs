// moderation_spec.mjs - what a moderator does, and what becomes of those it is done to.

import assert from "node:assert/strict";

import {
  choose,
  create,
  enter,
  hears,
  join,
  member,
  members,
  message,
  myRoom,
  pick,
  says,
  scene,
  sees,
  setUp,
} from "./support.mjs";

setUp();

let ann, bob, cleo;

const onMember = (page, name, entry) =>
  pick(page, page.locator(`[data-testid="member"][data-key="${name}"] button`), entry);
const dialogOf = (page) => page.getByTestId("dialog");

async function submit(page, label) {
  await dialogOf(page).getByRole("button", { name: label, exact: true }).click();
  await dialogOf(page).waitFor({ state: "detached" });
}

const moreOf = async (page, text, entry) => {
  await message(page, text).hover();
  await pick(
    page,
    message(page, text).getByTestId("bar").getByRole("button", { name: "More" }),
    entry,
  );
};

scene("offers moderation to the owner, and not to a guest", async () => {
  ann = await enter("ann");
  bob = await enter("bob");
  cleo = await enter("cleo");
  await create(ann, { name: "tea" });
  for (const page of [bob, cleo]) await join(page, "tea");
  await members(ann, "ann", "bob", "cleo");
  await member(bob, "cleo").getByRole("button").click();
  assert.deepEqual(await bob.getByRole("menuitem").allTextContents(), [
    "Message directly",
    "Mention",
  ]);
  await bob.keyboard.press("Escape");
  await bob.getByTestId("room-menu").click();
  assert.deepEqual(await bob.getByRole("menuitem").allTextContents(), ["Leave room"]);
  await bob.keyboard.press("Escape");
});

scene("mutes, which shuts the field and says for how long, and unmutes", async () => {
  await onMember(ann, "bob", "Mute…");
  await dialogOf(ann).getByLabel("How long").selectOption("600000");
  await dialogOf(ann).getByLabel("Reason").fill("too loud");
  await submit(ann, "Mute");
  await bob.getByTestId("shut").getByText("You are muted here for another 10 min.").waitFor();
  await sees(bob, "You are muted in tea for 10 min: too loud.");
  await bob.getByTestId("message-input").waitFor({ state: "hidden" });
  await bob.getByTestId("appeal").click();
  await dialogOf(bob).getByLabel("Your words").fill("I will whisper");
  await submit(bob, "Send");
  await onMember(ann, "bob", "Unmute");
  await bob.getByTestId("message-input").waitFor();
  await says(bob, "I whisper.");
  await hears(ann, "I whisper.");
});

scene("reports a message, which the moderators read and delete", async () => {
  await says(cleo, "Buy my cups!");
  await hears(bob, "Buy my cups!");
  await moreOf(bob, "Buy my cups!", "Report…");
  await dialogOf(bob).getByLabel("What is wrong with it?").fill("advertising");
  await submit(bob, "Report");
  await bob.getByTestId("notice").getByText("have been told").waitFor();
  await pick(ann, ann.getByTestId("room-menu"), "Moderation…");
  const entry = dialogOf(ann).getByTestId("entry").filter({ hasText: "Buy my cups!" });
  await entry.getByText("bob").waitFor();
  assert.match(await entry.textContent(), /cleo: “Buy my cups!” – bob says: advertising/);
  await entry.getByRole("button", { name: "Delete message" }).click();
  await hears(cleo, "Deleted by ann.");
  await ann.keyboard.press("Escape");
});

scene("kicks, after which one may come again", async () => {
  await onMember(ann, "cleo", "Kick…");
  await dialogOf(ann).getByLabel("Reason").fill("no cups, please");
  await submit(ann, "Kick");
  await cleo
    .getByTestId("notice")
    .getByText("You were taken out of tea: no cups, please.")
    .waitFor();
  await myRoom(cleo, "tea").waitFor({ state: "detached" });
  await sees(ann, "cleo was taken out");
  await join(cleo, "tea");
  await members(ann, "cleo");
});

scene("bans, with words for who tries to come in, and lifts the ban", async () => {
  await onMember(ann, "cleo", "Ban…");
  await dialogOf(ann).getByLabel("How long").selectOption("86400000");
  await submit(ann, "Ban");
  const notice = cleo
    .getByTestId("notice")
    .filter({ hasText: "You are banned from tea for 24 h." });
  await notice.waitFor();
  await says(cleo, "What have I done?"); // in another room; it does not take the notice away
  await hears(cleo, "What have I done?");
  await notice.getByRole("button", { name: "Appeal…" }).click();
  await cleo.keyboard.press("Escape");
  await notice.getByRole("button", { name: "Dismiss" }).click();
  await cleo.getByTestId("browse-rooms").click();
  await cleo.getByTestId("room-name").fill("tea");
  await cleo.getByTestId("room-name").press("Enter");
  await cleo
    .getByTestId("form-error")
    .getByText("You are banned from this room. 24 h to go.")
    .waitFor();
  await cleo.getByTestId("form-error").getByRole("button", { name: "Appeal…" }).click();
  await dialogOf(cleo).getByLabel("Your words").fill("It was a good cup");
  await submit(cleo, "Send");

  await pick(ann, ann.getByTestId("room-menu"), "Moderation…");
  await ann.getByRole("tab", { name: "Bans and mutes" }).click();
  await dialogOf(ann).getByTestId("entry").getByRole("button", { name: "Unban" }).click();
  await dialogOf(ann).locator(".done").waitFor();
  await ann.getByRole("tab", { name: "Journal" }).click();
  for (const done of [
    "ann: unban cleo",
    "ann: kick cleo (no cups, please)",
    "ann: mute bob (too loud)",
  ]) {
    await dialogOf(ann).getByTestId("entry").filter({ hasText: done }).waitFor();
  }
  await ann.keyboard.press("Escape");
  await join(cleo, "tea");
});

scene("lets a moderator moderate, and says so beside the name", async () => {
  await onMember(ann, "bob", "Make moderator");
  await member(ann, "bob").getByText("mod", { exact: true }).waitFor();
  await sees(cleo, "ann made bob a moderator");
  await says(cleo, "Cups, cups, cups!");
  await hears(bob, "Cups, cups");
  await moreOf(bob, "Cups, cups", "Delete…");
  await submit(bob, "Delete");
  await hears(cleo, "Deleted by bob.");
  await says(bob, "/kick cleo enough");
  await sees(bob, "Done: /kick cleo enough");
  await cleo.getByTestId("notice").getByText("You were taken out of tea: enough.").waitFor();
  await choose(bob, "lobby");
});
