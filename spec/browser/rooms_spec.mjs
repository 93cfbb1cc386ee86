// rooms_spec.mjs - rooms: finding, making, entering and leaving them, and what may be said there.

import assert from "node:assert/strict";

import {
  choose,
  create,
  enter,
  hears,
  join,
  members,
  myRoom,
  pick,
  says,
  scene,
  sees,
  setUp,
  title,
} from "./support.mjs";

setUp();

let ann, bob;

const roomMenu = (page, entry) => pick(page, page.getByTestId("room-menu"), entry);
const dialogOf = (page) => page.getByTestId("dialog");

async function done(page) {
  await dialogOf(page).waitFor({ state: "detached" });
}

scene("makes a room with a title and a topic, which others find and join", async () => {
  ann = await enter("ann");
  bob = await enter("bob");
  await create(ann, { name: "tea", Title: "Tea house", Topic: "Cups and kettles" });
  await title(ann, "Tea house").waitFor();
  assert.equal(await ann.getByTestId("room-topic").textContent(), "Cups and kettles");

  await bob.getByTestId("browse-rooms").click();
  await bob.getByTestId("room-name").fill("kettle"); // in the topic
  const found = bob.getByTestId("found").filter({ hasText: "Tea house" });
  await found.getByText("public · 1 member · Cups and kettles").waitFor();
  await found.click();
  await title(bob, "Tea house").waitFor();
  await members(ann, "ann", "bob");
});

scene("goes with Enter to the first room that is found, and makes none", async () => {
  await choose(bob, "lobby");
  await bob.getByTestId("browse-rooms").click();
  await bob.getByTestId("room-name").fill("tea h");
  await bob.getByTestId("room-name").press("Enter"); // before anything is listed
  await title(bob, "Tea house").waitFor();
  await done(bob);
  await bob.keyboard.press("Control+k");
  await bob.getByTestId("switch").fill("nowhere");
  await dialogOf(bob).getByText("Nothing found.").waitFor();
  await bob.keyboard.press("Escape");
  await done(bob);
});

scene("gives a command back that there is none of, which does not hold anybody up", async () => {
  await join(bob, "attic");
  await says(bob, "/nosuch thing");
  await sees(bob, "There is no such command");
  assert.equal(await bob.getByTestId("message-input").inputValue(), "/nosuch thing");
  await bob.getByTestId("outbox").getByTestId("message").waitFor({ state: "detached" });
  await bob.getByTestId("message-input").fill("");
  await roomMenu(bob, "Leave room");
  await myRoom(bob, "attic").waitFor({ state: "detached" });
  await choose(bob, "Tea house");
});

scene("has read what was on screen, also when the reader went on at once", async () => {
  await choose(bob, "lobby");
  await choose(ann, "Tea house");
  await says(ann, "Did you see this?");
  await myRoom(bob, "Tea house").getByText("1", { exact: true }).waitFor();
  await choose(bob, "Tea house");
  await choose(bob, "lobby");
  await ann.getByTestId("seen-by").getByText("Seen by bob").waitFor();
  await choose(bob, "Tea house");
});

scene("says in words what is wrong with a new room, beside the form", async () => {
  await bob.getByTestId("browse-rooms").click();
  await bob.getByTestId("create-room").click();
  await dialogOf(bob).getByLabel("Name").fill("tea");
  await dialogOf(bob).getByRole("button", { name: "Create" }).click();
  await bob.getByTestId("form-error").getByText("There is a room of this name already.").waitFor();
  await bob.keyboard.press("Escape");
  await done(bob);
});

scene("lists more rooms than a page has", async () => {
  // Rooms that somebody is in; nobody may create so many in a minute.
  await bob.evaluate(async () => {
    const browses = (name, first, last) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://${location.host}/ws`, "moongate.v1.json");
        const send = (message) => socket.send(JSON.stringify(message));
        let left = last - first;
        socket.onopen = () => {
          send({ type: "auth", id: 0, data: { name } });
          for (let n = first; n < last; n += 1) send({ type: "join", id: n, room: `shelf ${n}` });
        };
        socket.onmessage = (event) => {
          const { type, id, ok } = JSON.parse(event.data);
          if (type === "reply" && ok && id >= first) left -= 1;
          if (left === 0) resolve();
        };
      });
    await browses("ida", 10, 41);
    await browses("joe", 41, 72);
  });
  await bob.getByTestId("browse-rooms").click();
  await bob.getByTestId("room-name").fill("shelf");
  await bob.getByTestId("found").nth(49).waitFor();
  assert.equal(await bob.getByTestId("found").count(), 50);
  await bob.getByRole("button", { name: "More rooms" }).click();
  await bob.getByTestId("found").nth(61).waitFor();
  assert.equal(await bob.getByTestId("found").count(), 62);
  await bob.keyboard.press("Escape");
});

scene("counts what is unread, marks where it begins, and clears it when it is read", async () => {
  await choose(ann, "lobby");
  for (const text of ["One", "Two"]) await says(bob, text);
  await myRoom(ann, "Tea house").getByText("2", { exact: true }).waitFor();
  await says(bob, "And @ann, three?");
  await myRoom(ann, "Tea house").getByText("@ 3", { exact: true }).waitFor();
  assert.match(await ann.title(), /^\(3\) /);
  await choose(ann, "Tea house");
  const lines = await ann
    .getByTestId("log")
    .evaluate((log) =>
      [...log.querySelectorAll(".divider.new, .text")].map((line) => line.textContent),
    );
  assert.deepEqual(lines.slice(-4), ["New", "One", "Two", "And @ann, three?"]);
  await myRoom(ann, "Tea house").locator(".badge").waitFor({ state: "hidden" });
  assert.doesNotMatch(await ann.title(), /^\(/);
});

scene("has private rooms that a password opens", async () => {
  await create(ann, { name: "den", kind: "private", Password: "moonlight" });
  await bob.getByTestId("browse-rooms").click();
  await bob.getByTestId("room-name").fill("den");
  await bob.getByTestId("room-name").press("Enter");
  const form = dialogOf(bob).filter({ hasText: "This room is private" });
  assert.equal(await form.getByLabel("Password or code").getAttribute("type"), "password");
  await form.getByLabel("Password or code").fill("sunlight");
  await form.getByRole("button", { name: "Join" }).click();
  await form.getByText("That is not the password.").waitFor();
  await form.getByLabel("Password or code").fill("moonlight");
  await form.getByRole("button", { name: "Join" }).click();
  await title(bob, "den").waitFor();
  await bob.getByTestId("dialog").waitFor({ state: "detached" });
  await members(ann, "bob");
});

scene("invites somebody, who goes there with one press", async () => {
  const cleo = await enter("cleo");
  await choose(ann, "den");
  await roomMenu(ann, "Invite…");
  await dialogOf(ann).getByLabel("Whom").fill("cleo");
  await dialogOf(ann).getByRole("button", { name: "Invite" }).click();
  await done(ann);
  await create(ann, { name: "cellar", kind: "private" });
  await roomMenu(ann, "Invite…");
  await dialogOf(ann).getByLabel("Whom").fill("cleo");
  await dialogOf(ann).getByRole("button", { name: "Invite" }).click();
  await done(ann);

  // They wait, whatever else is done.
  const invitation = (room) =>
    cleo.getByTestId("notice").filter({ hasText: `ann invites you to ${room}.` });
  await invitation("cellar").waitFor();
  await says(cleo, "One moment.");
  await join(cleo, "attic");
  await cleo.reload();
  await invitation("cellar").getByRole("button", { name: "Dismiss" }).click();
  await invitation("den").getByTestId("notice-action").click();
  await title(cleo, "den").waitFor();
  await cleo.getByTestId("notice").waitFor({ state: "detached" });
  await choose(ann, "den");
  await members(ann, "ann", "bob", "cleo");
  await cleo.close();
});

scene("lets only moderators write where that is so, and does not offer it to others", async () => {
  await create(ann, { name: "news", kind: "announcement" });
  await join(bob, "news");
  await bob.getByTestId("shut").getByText("Only moderators can write in this room.").waitFor();
  await bob.getByTestId("message-input").waitFor({ state: "hidden" });
  await pick(ann, ann.locator('[data-testid="member"][data-key="bob"] button'), "Make moderator");
  await bob.getByTestId("message-input").waitFor();
  await says(bob, "Now I may.");
  await hears(ann, "Now I may.");
  await bob.getByTestId("room-topic").getByText("you are a moderator").waitFor();
});

scene("counts down slow mode for members, and not for who moderates", async () => {
  await choose(ann, "Tea house");
  await choose(bob, "Tea house");
  await roomMenu(ann, "Settings…");
  await dialogOf(ann).getByLabel("Slow mode").selectOption("5000");
  await dialogOf(ann).getByLabel("Topic").fill("Slowly, please");
  await dialogOf(ann).getByRole("button", { name: "Save" }).click();
  await done(ann);
  await bob.getByTestId("slow").getByText("one message every 5 s").waitFor();
  await says(bob, "First");
  await hears(ann, "First");
  await bob
    .getByTestId("slow")
    .getByText(/Slow mode: [1-5] s/)
    .waitFor();
  assert.equal(await bob.getByTestId("send").isDisabled(), true);
  for (const text of ["I need not", "wait"]) await says(ann, text);
  await hears(bob, "wait");
  await bob.locator('[data-testid="send"]:not([disabled])').waitFor();
  await says(bob, "Second");
  await hears(ann, "Second");
});

scene("archives a room, opens it again, renames and deletes it", async () => {
  await choose(ann, "den");
  await choose(bob, "den");
  await roomMenu(ann, "Rename…");
  await dialogOf(ann).getByLabel("New name").fill("cave");
  await dialogOf(ann).getByRole("button", { name: "Rename" }).click();
  await title(bob, "cave").waitFor();
  await roomMenu(ann, "Archive…");
  await dialogOf(ann).getByRole("button", { name: "Archive" }).click();
  await bob.getByTestId("shut").getByText("This room is archived").waitFor();
  await roomMenu(ann, "Open again");
  await bob.getByTestId("message-input").waitFor();
  await roomMenu(ann, "Archive…");
  await dialogOf(ann).getByRole("button", { name: "Archive" }).click();
  await sees(bob, "ann archived this room");
  await roomMenu(ann, "Delete room…");
  await dialogOf(ann).getByRole("button", { name: "Delete room" }).click();
  await bob.getByTestId("notice").getByText("ann deleted the room cave.").waitFor();
  await myRoom(bob, "cave").waitFor({ state: "detached" });
});
