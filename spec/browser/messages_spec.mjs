// messages_spec.mjs - what is done with a message: edit, delete, reply, mention, react; links,
// slash commands, and what is refused.

import assert from "node:assert/strict";

import {
  choose,
  create,
  DESK,
  enter,
  heard,
  hears,
  join,
  members,
  message,
  onMessage,
  pick,
  says,
  scene,
  sees,
  setUp,
} from "./support.mjs";

setUp();

let ann, bob;

const more = async (page, text, entry) => {
  await message(page, text).hover();
  await pick(
    page,
    message(page, text).getByTestId("bar").getByRole("button", { name: "More" }),
    entry,
  );
};

scene("edits my last message with the arrow up, and says that it was edited", async () => {
  ann = await enter("ann");
  bob = await enter("bob");
  await members(ann, "ann", "bob");
  await says(ann, "Teh kettle is on.");
  await hears(bob, "Teh kettle");
  await ann.getByTestId("message-input").press("ArrowUp");
  await ann.getByTestId("context").getByText("Editing your message").waitFor();
  assert.equal(await ann.getByTestId("message-input").inputValue(), "Teh kettle is on.");
  await says(ann, "The kettle is on.");
  for (const page of [ann, bob]) await hears(page, "The kettle is on. (edited)");
  assert.deepEqual(await heard(bob), ["ann: The kettle is on. (edited)"]);
  await ann.getByTestId("context").waitFor({ state: "hidden" });
});

scene("gives back what was being written when an edit is called off", async () => {
  await ann.getByTestId("message-input").fill("half a sen");
  await more(ann, "The kettle", "Edit");
  await ann.getByTestId("message-input").press("Escape");
  assert.equal(await ann.getByTestId("message-input").inputValue(), "half a sen");
  await ann.getByTestId("message-input").fill("");
});

scene("keeps a change that is half written while I look into another room", async () => {
  const field = ann.getByTestId("message-input");
  await join(ann, "pantry");
  await choose(ann, "lobby");
  await more(ann, "The kettle", "Edit");
  await field.fill("The kettle is nearly on.");
  await choose(ann, "pantry");
  assert.equal(await field.inputValue(), "");
  await choose(ann, "lobby");
  assert.equal(await field.inputValue(), "The kettle is nearly on.");
  await ann.getByTestId("context").getByText("Editing your message").waitFor();
  await field.press("Escape");
  assert.equal(await field.inputValue(), "");
});

scene("ends a change of what has been deleted, and says so", async () => {
  await says(ann, "Away with this.");
  await hears(bob, "Away with this.");
  await more(ann, "Away with", "Edit");
  await ann.evaluate(async () => {
    const { ask } = await import("/line.js");
    const { id } = [...document.querySelectorAll(".log .message")].at(-1).dataset;
    await ask("delete", { room: "lobby", message_id: Number(id) });
  });
  await ann.getByTestId("notice").getByText("was deleted").waitFor();
  await ann.getByTestId("context").waitFor({ state: "hidden" });
  assert.equal(await ann.getByTestId("message-input").inputValue(), "");
});

scene("says that slow mode counts changes, too", async () => {
  await create(ann, { name: "slow lane" });
  await join(bob, "slow lane");
  await says(ann, "/slow 60");
  await sees(ann, "Done: /slow 60");
  await says(bob, "One at a time.");
  await hears(ann, "One at a time.");
  await bob.getByTestId("slow").getByText(/Slow mode: \d/).waitFor();
  await bob.getByTestId("message-input").press("ArrowUp");
  await says(bob, "Two at a time.");
  await bob.getByTestId("notice").getByText("Slow mode is for changes, too").waitFor();
  assert.equal(await bob.getByTestId("message-input").inputValue(), "Two at a time.");
  await bob.getByTestId("message-input").press("Escape");
  for (const page of [ann, bob]) await choose(page, "lobby");
});

scene("replies with what is replied to, and goes back there", async () => {
  for (const page of [ann, bob]) await page.setViewportSize({ width: 1280, height: 420 });
  for (let n = 1; n <= 15; n += 1) await says(bob, `cup ${n}`);
  await hears(ann, "cup 15");
  await message(ann, "The kettle is on.").scrollIntoViewIfNeeded();
  await onMessage(ann, "The kettle is on.", "Reply");
  await ann.getByTestId("context").getByText("Replying to ann: The kettle is on.").waitFor();
  await says(ann, "It is off again.");
  const reply = message(bob, "It is off again.");
  await reply.getByTestId("quote").getByText("The kettle is on.").waitFor();
  await reply.getByTestId("quote").click();
  const original = bob.getByTestId("log").getByTestId("message").filter({ hasText: "(edited)" });
  await bob.waitForFunction(
    (item) => document.activeElement === item,
    await original.elementHandle(),
  );
  assert.equal(
    await original.evaluate((item) => {
      const at = item.getBoundingClientRect();
      const around = item.closest(".scroller").getBoundingClientRect();
      return at.top >= around.top && at.bottom <= around.bottom;
    }),
    true,
  );
  await bob.getByRole("button", { name: "Newest messages" }).click();
  for (const page of [ann, bob]) await page.setViewportSize(DESK);
});

scene("tells the author that it was seen once it was on screen", async () => {
  const height = { width: 1280, height: 420 };
  await bob.setViewportSize(height);
  await bob.getByTestId("messages").evaluate((scroller) => (scroller.scrollTop = 0));
  await bob.getByRole("button", { name: "Newest messages" }).waitFor();
  await says(ann, "Who reads this?");
  await hears(bob, "Who reads this?");
  await bob.waitForTimeout(700); // longer than the page waits before it says so
  assert.equal(await ann.getByTestId("seen-by").count(), 0);
  await bob.getByRole("button", { name: "Newest messages" }).click();
  await ann.getByTestId("seen-by").getByText("Seen by bob").waitFor();
  await bob.setViewportSize(DESK);
});

scene("completes names behind an @, and marks who is mentioned", async () => {
  await ann.getByTestId("message-input").pressSequentially("Hear, @bo");
  await ann.getByTestId("completion").getByText("bob").waitFor();
  await ann.getByTestId("message-input").press("Enter"); // takes the name, says nothing yet
  assert.equal(await ann.getByTestId("message-input").inputValue(), "Hear, @bob ");
  await ann.getByTestId("message-input").press("Enter");
  await bob.locator(".message.for-me .mention.me").getByText("@bob").waitFor();
  assert.equal(await ann.locator(".message.for-me").count(), 0);
});

scene("tells who is mentioned in a room that they are not in", async () => {
  await join(ann, "kitchen");
  await says(ann, "Where is @bob?");
  await bob.getByTestId("notice").getByText("ann mentioned you in kitchen.").waitFor();
  await bob.getByTestId("notice-action").click();
  await members(ann, "bob");
});

scene("adds and takes back reactions, with mine marked", async () => {
  await says(ann, "Shall we?");
  await hears(bob, "Shall we?");
  for (const page of [ann, bob]) {
    await onMessage(page, "Shall we?", "React");
    await page.getByRole("menuitem", { name: "React with 👍" }).click();
  }
  const chip = (page) => message(page, "Shall we?").locator('.reaction[data-emoji="👍"]');
  for (const page of [ann, bob]) await chip(page).getByText("2").waitFor();
  assert.equal(await chip(bob).getAttribute("aria-pressed"), "true");
  assert.equal(await chip(bob).getAttribute("aria-label"), "👍, 2, with yours");
  await chip(bob).click();
  await chip(ann).getByText("1").waitFor();
  await bob.locator('.reaction[data-emoji="👍"][aria-pressed="false"]').waitFor();
  await chip(ann).click();
  await chip(bob).waitFor({ state: "detached" });
});

scene("changes and deletes what quotes show of a message, too", async () => {
  await says(ann, "The code is 4711.");
  await hears(bob, "The code is 4711.");
  await onMessage(bob, "The code is", "Reply");
  await says(bob, "Thank you.");
  const quote = message(ann, "Thank you.").getByTestId("quote");
  await quote.getByText("4711").waitFor();
  const quoted = bob.locator('.message[data-author="ann"]').last();
  await quoted.hover();
  await quoted.getByTestId("bar").getByRole("button", { name: "Reply" }).click();
  await ann.getByTestId("message-input").press("ArrowUp");
  await says(ann, "The code is 4712.");
  await quote.getByText("4712").waitFor();
  await bob.getByTestId("context").getByText("4712").waitFor();
  await more(ann, "The code is 4712. (edited)", "Delete…");
  await ann.getByTestId("dialog").getByRole("button", { name: "Delete" }).click();
  await quote.getByText("ann deleted message").waitFor();
  await bob.getByTestId("context").getByText("Replying to ann: deleted message").waitFor();
  await says(bob, "Once more.");
  await hears(ann, "Once more.");
  for (const page of [ann, bob]) {
    const left = await page.evaluate(() => document.body.outerHTML.match(/471[12]/gu));
    assert.equal(left, null);
  }
});

scene("deletes my own message for everybody, once I have said so twice", async () => {
  await says(ann, "I should not have said that.");
  await hears(bob, "I should not have");
  await more(ann, "I should not", "Delete…");
  await ann.getByTestId("dialog").getByRole("button", { name: "Delete" }).click();
  await hears(bob, "This message was deleted.");
  assert.equal(
    (await heard(bob)).some((line) => line.includes("should not have")),
    false,
  );
});

scene("makes links of web addresses, and of nothing else", async () => {
  await says(ann, "See https://moon.example/a?b=1, javascript:alert(1) and http://x.example.");
  await hears(bob, "See https");
  const links = await message(bob, "See https")
    .locator("a")
    .evaluateAll((all) => all.map((link) => [link.getAttribute("href"), link.rel, link.target]));
  await says(ann, "(see http://x.example/y_(z)), http://x.example/[1]!)");
  await hears(bob, "(see http");
  assert.deepEqual(
    await message(bob, "(see http").locator("a").allTextContents(),
    ["http://x.example/y_(z)", "http://x.example/[1]"],
  );
  const rel = "noopener noreferrer nofollow";
  assert.deepEqual(links, [
    ["https://moon.example/a?b=1", rel, "_blank"],
    ["http://x.example", rel, "_blank"],
  ]);
});

scene("shows any value that other clients say", async () => {
  await bob.evaluate(async () => {
    const { ask } = await import("/line.js");
    await ask("say", { room: "kitchen", data: { temperature: 98 } });
    await ask("say", { room: "kitchen", data: "plain" });
  });
  await hears(ann, '{"temperature":98}');
  await hears(ann, "plain");
});

scene("hands slash commands on, and shows their answer to me alone", async () => {
  await ann.getByTestId("message-input").fill("");
  await ann.getByTestId("message-input").pressSequentially("/ki");
  await ann.getByTestId("completion").getByText("/kick").waitFor();
  await ann.getByTestId("message-input").fill("");
  await ann.getByTestId("message-input").press("/");
  const commands = ann.getByTestId("completion").getByRole("option");
  await commands.nth(7).waitFor({ state: "attached" });
  await ann.getByTestId("message-input").press("ArrowUp"); // the last one, of more than fit
  await ann.waitForFunction(() => {
    const list = document.querySelector("#completion");
    const chosen = list.querySelector('[aria-selected="true"]').getBoundingClientRect();
    return list.scrollTop > 0 && chosen.bottom <= list.getBoundingClientRect().bottom;
  });
  await ann.getByTestId("message-input").press("Escape");
  await says(ann, "/help");
  await sees(ann, "/kick NAME [REASON]: out of this room");
  assert.equal(await bob.getByTestId("event").filter({ hasText: "/kick" }).count(), 0);
  await says(ann, "/nonsense");
  await sees(ann, "There is no such command.");
  await says(ann, "//not a command");
  await hears(bob, "/not a command");
});

scene("says so when there is no place for all that is pasted", async () => {
  const paste = (text) =>
    ann.getByTestId("message-input").evaluate((input, its) => {
      input.focus();
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", its);
      input.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }),
      );
    }, text);
  await paste("x".repeat(2000));
  assert.equal(await ann.getByTestId("notice").isVisible(), false);
  await paste("x".repeat(2001));
  await ann.getByTestId("notice").getByText("the first 2,000 of 2,001 characters").waitFor();
});

scene("folds a message that is very tall", async () => {
  await ann.evaluate(async () => {
    const { ask } = await import("/line.js");
    await ask("say", { room: "kitchen", data: `tower\n${"\n".repeat(1900)}top` });
  });
  const tower = message(bob, "tower");
  await tower.waitFor();
  const height = async () => (await tower.boundingBox()).height;
  assert.ok((await height()) < 600);
  await tower.getByRole("button", { name: "Show all" }).click();
  assert.ok((await height()) > 10_000);
  await tower.getByRole("button", { name: "Show less" }).click();
  assert.ok((await height()) < 600);
});

scene("keeps what was refused, and says why", async () => {
  await ann.getByTestId("message-input").evaluate((input) => input.removeAttribute("maxlength"));
  await says(ann, "ä".repeat(40_000));
  await ann.getByTestId("failure").getByText("longer than the server accepts").waitFor();
  await ann.getByTestId("send-state").getByText("Not sent").waitFor();
  await ann.getByTestId("discard").click();
  await says(ann, "Short again.");
  await hears(bob, "Short again.");
  await ann.getByTestId("outbox").getByTestId("message").waitFor({ state: "detached" });
});

scene("opens no menu for somebody about whom nothing can be done", async () => {
  await bob.locator('[data-testid="member"][data-key="ann"] button').click();
  await bob.getByRole("menuitem", { name: "Message directly" }).click();
  await members(bob, "ann", "bob");
  await bob.evaluate(async () => (await import("/line.js")).connection.stop());
  await bob.locator('[data-testid="connection"][data-phase="offline"]').waitFor();
  await bob.locator('[data-testid="member"][data-key="ann"] button').click();
  assert.equal(await bob.getByTestId("menu").count(), 0);
});

scene("lets nobody change what was said under an earlier name", async () => {
  const entries = async () => {
    await onMessage(ann, "Short again.", "More");
    const labels = await ann.getByRole("menuitem").allTextContents();
    await ann.keyboard.press("Escape");
    return labels;
  };
  await choose(ann, "kitchen");
  assert.deepEqual(await entries(), ["Reply", "Edit", "Copy text", "Delete…"]);
  await pick(ann, ann.getByTestId("me"), "Change name");
  await ann.getByTestId("name").fill("anna");
  await ann.getByTestId("enter").click();
  await members(ann, "anna");
  assert.deepEqual(await entries(), ["Reply", "Copy text", "Report…"]);
});
