// keyboard_spec.mjs - the page without a mouse, for who hears it, and for who needs contrast.

import assert from "node:assert/strict";

import {
  choose,
  create,
  enter,
  hears,
  join,
  members,
  message,
  myRoom,
  says,
  scene,
  setUp,
  title,
} from "./support.mjs";

setUp();

let ann, bob;

const focused = (page) =>
  page.evaluate(() => {
    const node = document.activeElement;
    return (
      node.getAttribute("aria-label") ?? node.labels?.[0]?.textContent ?? node.textContent.trim()
    );
  });

/** The name of what has the focus, as a screen reader puts it together. */
const heardOf = (page) =>
  page.evaluate(() =>
    (document.activeElement.getAttribute("aria-labelledby") ?? "")
      .split(" ")
      .map((id) => document.getElementById(id)?.textContent)
      .join(" "),
  );

scene("goes to a room with Ctrl+K and a few letters", async () => {
  ann = await enter("ann");
  bob = await enter("bob");
  for (const room of ["tea house", "haiku"]) await join(ann, room);
  await ann.keyboard.press("Control+k");
  await ann.keyboard.type("tea");
  await ann.keyboard.press("Enter");
  await title(ann, "tea house").waitFor();
  assert.equal(await focused(ann), "Message in tea house");
  await ann.keyboard.press("Control+k");
  await ann.keyboard.press("ArrowDown");
  await ann.keyboard.press("Escape");
  await ann.getByTestId("dialog").waitFor({ state: "detached" });
  await title(ann, "tea house").waitFor();
});

scene("reaches every part with Tab, and leaves each again", async () => {
  await says(ann, "Something to read.");
  await hears(ann, "Something to read.");
  await ann.evaluate(() => document.activeElement.blur());
  const parts = new Set();
  for (let n = 0; n < 40; n += 1) {
    await ann.keyboard.press("Tab");
    parts.add(
      await ann.evaluate(
        () =>
          document.activeElement.closest("nav, header, #scroller, form, aside")?.tagName +
          (document.activeElement.closest("#scroller") ? " messages" : ""),
      ),
    );
  }
  for (const part of ["NAV", "HEADER", "DIV messages", "FORM"])
    assert.ok(parts.has(part), `${part} in ${[...parts]}`);
});

scene("shows where the focus is", async () => {
  await ann.getByTestId("room-menu").focus();
  await ann.keyboard.press("Shift+Tab");
  await ann.keyboard.press("Tab");
  const outline = await ann.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return [outlineStyle, outlineWidth];
  });
  assert.deepEqual(outline, ["solid", "2px"]);
});

scene("walks through menus and lists with the arrow keys", async () => {
  await ann.keyboard.press("Enter"); // the room menu
  await ann.getByRole("menuitem", { name: "Leave room" }).waitFor();
  await ann.keyboard.press("Escape");
  assert.equal(await focused(ann), "Room menu");
  await myRoom(ann, "lobby").focus();
  await ann.keyboard.press("ArrowDown");
  await ann.keyboard.press("ArrowDown");
  await ann.keyboard.press("Enter");
  await title(ann, "haiku").waitFor();
});

scene("reacts and replies without a mouse", async () => {
  for (const page of [ann, bob]) await join(page, "keys");
  await members(ann, "bob");
  for (const text of ["First line", "Second line"]) {
    await says(bob, text);
    await hears(ann, text);
  }
  await ann.getByTestId("messages").focus();
  await ann.keyboard.press("ArrowUp"); // the last one
  await ann.keyboard.press("ArrowUp");
  await ann.keyboard.press("Tab"); // its bar
  assert.equal(await focused(ann), "React");
  await ann.keyboard.press("Enter");
  await ann.keyboard.press("ArrowRight");
  await ann.keyboard.press("Enter");
  await message(bob, "First line").locator(".reaction").getByText("1").waitFor();
  await ann.keyboard.press("Tab");
  assert.equal(await focused(ann), "Reply");
  await ann.keyboard.press("Enter");
  await ann.keyboard.type("By the keyboard.");
  await ann.keyboard.press("Enter");
  await message(bob, "By the keyboard.").getByTestId("quote").getByText("First line").waitFor();
});

scene("opens the menu of a message with Enter, and does what is chosen there", async () => {
  await says(ann, "Mine to change");
  await hears(bob, "Mine to change");
  const menu = ann.getByTestId("menu");
  await ann.getByTestId("messages").focus();
  await ann.keyboard.press("ArrowUp");
  assert.match(await heardOf(ann), /^ann ?\d\d:\d\d Mine to change$/);
  await ann.keyboard.press("Enter");
  for (const entry of ["Reply", "Edit", "Copy text", "Delete…"])
    await menu.getByRole("menuitem", { name: entry }).waitFor();
  await ann.keyboard.press("ArrowDown");
  await ann.keyboard.press("Enter");
  assert.equal(await ann.getByTestId("message-input").inputValue(), "Mine to change");
  await ann.keyboard.press("Escape");
  await ann.getByTestId("messages").focus();
  for (let n = 0; n < 3; n += 1) await ann.keyboard.press("ArrowUp"); // one of bob's
  await ann.keyboard.press("Enter");
  await menu.getByRole("menuitem", { name: "Report…" }).waitFor();
  await ann.keyboard.press("Escape");
  assert.equal(await ann.getByTestId("bar").getAttribute("aria-live"), "off");
});

scene("keeps the focus where somebody reacts, and in the message when that goes", async () => {
  const react = (page, emoji, on) =>
    page.evaluate(
      async ([its, isOn]) => {
        const { ask } = await import("/line.js");
        const { state } = await import("/state.js");
        const { id } = document.querySelector(".log .message:last-of-type").dataset;
        const room = state.current.name;
        await ask("react", { room, message_id: Number(id), emoji: its, on: isOn });
      },
      [emoji, on],
    );
  const chips = message(ann, "Mine to change").locator(".reaction");
  await react(bob, "👍", true);
  await chips.first().focus();
  await react(bob, "🎉", true);
  await chips.nth(1).waitFor();
  assert.equal(await focused(ann), "👍, 1");
  await ann.keyboard.press("Enter");
  await chips.getByText("2").waitFor();
  assert.equal(await focused(ann), "👍, 2, with yours");
  await ann.keyboard.press("Enter");
  await react(bob, "👍", false);
  await chips.nth(1).waitFor({ state: "detached" });
  assert.match(await heardOf(ann), /Mine to change$/);
});

scene("passes the list of messages with two presses of Tab, however much is in it", async () => {
  for (let n = 1; n <= 5; n += 1) await says(bob, `https://moon.example/${n} is a link`);
  await hears(ann, "https://moon.example/5");
  await ann.getByTestId("messages").focus();
  await ann.keyboard.press("Tab");
  assert.equal(await focused(ann), "Message in keys");
  await ann.keyboard.press("Shift+Tab");
  await ann.keyboard.press("ArrowUp");
  await ann.keyboard.press("Tab");
  assert.equal(await focused(ann), "https://moon.example/5");
});

scene("has landmarks, names and live regions", async () => {
  await ann.getByRole("navigation", { name: "Rooms and conversations" }).waitFor();
  await ann.getByRole("main", { name: "keys" }).waitFor();
  await ann.getByRole("complementary", { name: "Members" }).waitFor();
  await ann.getByRole("heading", { name: "keys", level: 1 }).waitFor();
  await ann.getByRole("log", { name: "Messages in keys" }).waitFor();
  assert.equal(await ann.getByTestId("log").getAttribute("aria-live"), "polite");
  const field = ann.getByRole("textbox", { name: "Message in keys" });
  assert.equal(await field.getAttribute("aria-expanded"), null, "a text field has no such state");
  await ann.getByRole("button", { name: "Send", exact: true }).waitFor();
  await ann.getByRole("list", { name: "Rooms", exact: true }).waitFor();
  await ann.getByRole("button", { name: /^bob ?, online/ }).waitFor();
  await choose(ann, "lobby");
  await says(bob, "Are you there, @ann?");
  await ann.getByRole("button", { name: /^keys ?, 1 unread, 1 mention of you/ }).waitFor();
  const nameless = await ann.evaluate(() =>
    [...document.querySelectorAll("button, input, textarea, select")]
      .filter((node) => node.checkVisibility())
      .filter(
        (node) =>
          !node.textContent.trim() && !node.getAttribute("aria-label") && !node.labels?.length,
      )
      .map((node) => node.outerHTML),
  );
  assert.deepEqual(nameless, []);
});

/** Of all text on screen: what is fainter than 4.5 to 1 (3 to 1 when it is large). */
function faintTexts() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((part, n) =>
      n === 3 ? part / 255 : part,
    );
  };
  const over = (top, bottom) =>
    top.slice(0, 3).map((part, n) => part * top[3] + bottom[n] * (1 - top[3]));
  const light = (color) => {
    const [r, g, b] = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    if (!node) return [255, 255, 255];
    const { backgroundColor, backgroundImage } = getComputedStyle(node);
    const stop = backgroundImage.match(/linear-gradient\((rgba?\([^)]*\))/u);
    const own = rgba(stop ? stop[1] : backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, behind(node.parentElement));
  };
  const faint = [];
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes]
      .filter((child) => child.nodeType === 3)
      .map((child) => child.data.trim())
      .join("");
    if (
      !text ||
      !node.checkVisibility({ opacityProperty: true }) ||
      node.closest(".unseen, [aria-hidden='true'], :disabled.primary")
    )
      continue;
    const ground = behind(node);
    const ink = over(rgba(getComputedStyle(node).color), ground);
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const { fontSize, fontWeight } = getComputedStyle(node);
    const isLarge =
      parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && fontWeight >= 700);
    if (ratio < (isLarge ? 3 : 4.5))
      faint.push(`${ratio.toFixed(2)} ${node.className || node.tagName}: ${text.slice(0, 40)}`);
  }
  return faint;
}

scene("loads all its modules at once", async () => {
  const asked = await ann.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map(({ name }) => new URL(name).pathname.slice(1))
      .filter((name) => name.endsWith(".js"))
      .sort(),
  );
  const named = await ann.evaluate(() =>
    [...document.querySelectorAll("script[src], link[rel=modulepreload]")]
      .map((node) => node.getAttribute("src") ?? node.getAttribute("href"))
      .sort(),
  );
  assert.deepEqual([...new Set(asked)], named, "index.html names each module, and no other");
});

scene("has enough contrast, by day and by night", async () => {
  await create(ann, { name: "gallery", Topic: "Colours" });
  await join(bob, "gallery");
  await says(bob, "Hello @ann, see https://moon.example");
  await hears(ann, "Hello");
  await says(ann, "Mine, too");
  await hears(bob, "Mine, too");
  await ann.getByTestId("message-input").evaluate((input) => input.removeAttribute("maxlength"));
  await says(ann, "ä".repeat(3000));
  await ann.getByTestId("failure").waitFor();
  await says(ann, "/bans");
  await ann.getByTestId("message-input").fill("@b");
  await ann
    .getByTestId("room-topic")
    .evaluate((topic) => topic.style.setProperty("color", "#b5b5b5"));
  assert.match(
    (await ann.evaluate(faintTexts)).join(),
    /^[12]\.\d+ hint: Colours$/,
    "what is faint is found",
  );
  await ann.getByTestId("room-topic").evaluate((topic) => topic.style.removeProperty("color"));
  for (const colorScheme of ["light", "dark"]) {
    await ann.emulateMedia({ colorScheme });
    assert.deepEqual(await ann.evaluate(faintTexts), [], colorScheme);
    await ann.getByTestId("browse-rooms").click();
    await ann.getByTestId("found").first().waitFor();
    assert.deepEqual(await ann.evaluate(faintTexts), [], `${colorScheme}, with a window`);
    await ann.keyboard.press("Escape");
    await ann.getByTestId("dialog").waitFor({ state: "detached" });
  }
});

scene("keeps the colours that were chosen on this device", async () => {
  await ann.emulateMedia({ colorScheme: "light" });
  const paper = () => ann.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const day = await paper();
  await ann.getByTestId("me").click();
  await ann.getByRole("menuitemradio", { name: "Dark" }).click();
  const night = await paper();
  assert.notEqual(day, night);
  await ann.getByTestId("discard").click();
  await ann.reload();
  assert.equal(await paper(), night);
  await ann.getByTestId("me").click();
  await ann.getByRole("menuitemradio", { name: "Colours of the system" }).click();
  assert.equal(await paper(), day);
});

scene("keeps the focus in the list of reports when one has been dealt with", async () => {
  await choose(ann, "gallery");
  await says(bob, "Buy my colours");
  await hears(ann, "Buy my colours");
  await ann.evaluate(async () => {
    const { ask } = await import("/line.js");
    const { id } = [...document.querySelectorAll(".log .message")].at(-1).dataset;
    await ask("report", { room: "gallery", data: { message_id: Number(id), why: "spam" } });
  });
  await ann.getByTestId("room-menu").click();
  await ann.getByRole("menuitem", { name: "Moderation…" }).click();
  const dialog = ann.getByTestId("dialog");
  await dialog.getByRole("button", { name: "Delete message" }).focus();
  await ann.keyboard.press("Enter");
  await dialog.locator(".done").waitFor();
  assert.equal(await focused(ann), "Entries");
  await ann.keyboard.press("Escape");
});

scene("names the list of messages as its room is named now", async () => {
  await ann.evaluate(async () => {
    const { ask } = await import("/line.js");
    await ask("rename", { room: "gallery", data: { name: "museum" } });
  });
  await ann.getByRole("log", { name: "Messages in museum" }).waitFor();
  await ann.getByRole("textbox", { name: "Message in museum" }).waitFor();
});
