// pictures_spec.mjs - the page as a newcomer sees it, on a desk and on a phone, by day and by night.
//
// Leaves build/chat*.png: look at them. docs/chat.png and docs/chat-phone.png are two of these.

import assert from "node:assert/strict";

import {
  address,
  choose,
  create,
  DESK,
  enter,
  hears,
  join,
  members,
  message,
  myRoom,
  onMessage,
  open,
  PHONE,
  pick,
  picture,
  says,
  scene,
  setUp,
} from "./support.mjs";

setUp();

let ann, bob, cleo;

async function react(page, text, emoji) {
  await onMessage(page, text, "React");
  await page.getByRole("menuitem", { name: `React with ${emoji}` }).click();
}

async function asIn(page, { viewport, scheme }, name) {
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme: scheme });
  await picture(page, name);
}

async function onDeskAndPhone(page, name) {
  for (const scheme of ["light", "dark"]) {
    await asIn(page, { viewport: DESK, scheme }, `${name}-${scheme}`);
    await asIn(page, { viewport: PHONE, scheme }, `${name}-phone-${scheme}`);
  }
  await page.setViewportSize(DESK);
  await page.emulateMedia({ colorScheme: "light" });
}

const TALK = [
  ["bob", "Good evening! Anybody else still up?"],
  ["cleo", "Always. With a moon like that, who could sleep?"],
  ["ann", "Just got here. I restarted the server on the way in, did you notice?"],
  ["bob", "A blink. It said offline, then everybody was back."],
  ["bob", "Half a sentence was still waiting in my message field, too."],
];

scene("shows the way in", async () => {
  const page = await open();
  await page.getByTestId("name").waitFor();
  await onDeskAndPhone(page, "chat-sign-in");
  await page.close();
});

scene("shows a room in which people talk", async () => {
  cleo = await enter("cleo");
  bob = await enter("bob");
  ann = await enter("ann");
  await create(ann, { name: "tea house", Topic: "What is in your cup, and why" });
  for (const page of [bob, cleo]) await join(page, "tea house");
  await create(ann, { name: "moon crew", kind: "private" });
  await create(cleo, { name: "news", kind: "announcement", Title: "News from the gate" });
  for (const page of [ann, bob]) await join(page, "news", "News from the gate");
  for (const page of [ann, bob]) await choose(page, "tea house");
  await choose(cleo, "tea house");
  await members(ann, "ann", "bob", "cleo");
  await pick(cleo, cleo.getByTestId("me"), "Set a status…");
  await cleo.getByLabel("Emoji").fill("🍵");
  await cleo.getByLabel("What are you up to?").fill("second cup");
  await cleo.getByRole("button", { name: "Save" }).click();
  await pick(bob, bob.getByTestId("me"), "Busy");

  const pages = { ann, bob, cleo };
  for (const [name, text] of TALK) {
    await says(pages[name], text);
    for (const page of [ann, bob, cleo]) await hears(page, text);
  }
  await onMessage(cleo, "Half a sentence", "Reply");
  await says(
    cleo,
    "Mine, too. @ann what did you change? The list is at https://moon.example/changes",
  );
  await hears(ann, "what did you change");
  await react(bob, "who could sleep", "😂");
  await react(ann, "who could sleep", "😂");
  await react(cleo, "A blink", "👍");
  await says(ann, "The new room script. Two minutes, the kettle is on.");
  await hears(bob, "the kettle is on");
  await choose(bob, "lobby");
  await says(bob, "Has anybody seen @ann?");
  await choose(cleo, "News from the gate");
  await says(cleo, "Version 0.1 is out tonight.");
  await pick(bob, bob.locator('[data-testid="member"][data-key="ann"] button'), "Message directly");
  await members(bob, "ann", "bob"); // she has come in
  await says(bob, "Are you coming to the haiku evening?");
  await myRoom(ann, "bob").getByText("1", { exact: true }).waitFor();
  await choose(bob, "tea house");
  await bob.getByTestId("message-input").pressSequentially("I would say");
  await ann.getByTestId("typing").getByText("bob is typing").waitFor();
  await ann.getByTestId("message-input").fill("");
  await ann.mouse.move(640, 760);
  await onDeskAndPhone(ann, "chat");
});

scene("shows the rooms and the members on a phone", async () => {
  await ann.setViewportSize(PHONE);
  await ann.getByTestId("show-rooms").click();
  await asIn(ann, { viewport: PHONE, scheme: "light" }, "chat-rooms-phone-light");
  await choose(ann, "tea house");
  await ann.getByTestId("show-members").click();
  await asIn(ann, { viewport: PHONE, scheme: "dark" }, "chat-members-phone-dark");
  await ann.getByTestId("back-to-room").click();
  await message(ann, "A blink").click();
  await ann.getByTestId("bar").waitFor();
  await asIn(ann, { viewport: PHONE, scheme: "light" }, "chat-message-phone-light");
  await ann.setViewportSize(DESK);
});

scene("shows its windows and menus", async () => {
  await ann.getByTestId("browse-rooms").click();
  await ann.getByTestId("found").first().waitFor();
  await onDeskAndPhone(ann, "chat-browse");
  await ann.getByTestId("create-room").click();
  await ann.getByTestId("dialog").getByLabel("Who is it for?").selectOption("private");
  await onDeskAndPhone(ann, "chat-create");
  await ann.keyboard.press("Escape");
  await ann.keyboard.press("Control+k");
  await asIn(ann, { viewport: DESK, scheme: "light" }, "chat-switch-light");
  await ann.keyboard.press("Escape");
  await ann.locator('[data-testid="member"][data-key="bob"] button').click();
  await asIn(ann, { viewport: DESK, scheme: "dark" }, "chat-member-menu-dark");
  await ann.keyboard.press("Escape");
  await message(ann, "A blink").hover();
  await ann.getByTestId("bar").getByRole("button", { name: "React" }).click();
  await asIn(ann, { viewport: DESK, scheme: "light" }, "chat-react-light");
  await ann.keyboard.press("Escape");
  await ann.getByTestId("me").click();
  await asIn(ann, { viewport: DESK, scheme: "light" }, "chat-me-light");
  await ann.keyboard.press("Escape");
  await choose(ann, "News from the gate");
  await asIn(ann, { viewport: DESK, scheme: "light" }, "chat-shut-light");
  assert.equal(new URL(ann.url()).origin, new URL(address()).origin);
});
