// chat_spec.mjs - examples/chat against the real server, in a real browser.
//
//   cmake --build build && cd spec/browser && npm ci && npm test
//
// One evening in order: each scene goes on where the one before it ended, and after a
// failure the rest is skipped. MOONGATE_BIN and CHROMIUM_BIN replace the binaries.
// Leaves build/chat.png and build/chat-phone.png, the pictures for the README.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const MOONGATE = path.resolve(ROOT, process.env.MOONGATE_BIN ?? "build/moongate");
const CHROMIUM = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
const DEADLINE_MS = 20_000;
const SCENE_DEADLINE_MS = 120_000;

// The server.

let port = 0;
let server = null; // { child, log, exited }

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port: found } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return found;
}

function within(deadlineMs, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function startServer() {
  const child = spawn(MOONGATE, ["run", "--port", String(port)], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = [];
  const exited = new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => resolve({ error }));
  });
  server = { child, log, exited };
  const ready = new Promise((resolve) => {
    const read = (chunk) => {
      log.push(chunk);
      if (log.join("").includes("http://")) resolve("ready");
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
  });
  const first = await within(DEADLINE_MS, "the server's address", Promise.race([ready, exited]));
  assert.equal(first, "ready", `the server ended: ${JSON.stringify(first)}`);
  const health = await fetch(`http://127.0.0.1:${port}/healthz`);
  assert.equal(health.status, 200);
}

async function endServer(signal) {
  server.child.kill(signal);
  return within(DEADLINE_MS, `the server's end after ${signal}`, server.exited);
}

// The people.

let browser = null;
let serverIsDown = false;
const complaints = []; // what no console should say

function isExpected(text) {
  return serverIsDown && text.startsWith("WebSocket connection to ");
}

async function open() {
  const viewport = { width: 1280, height: 800 };
  const context = await browser.newContext({
    viewport,
    colorScheme: "light",
    locale: "en-GB",
    reducedMotion: "reduce", // a picture in the middle of a slide is no picture
  });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (entry) => {
    const text = entry.text();
    if (["error", "warning"].includes(entry.type()) && !isExpected(text)) complaints.push(text);
  });
  await page.goto(`http://127.0.0.1:${port}/`);
  return page;
}

async function online(page) {
  await page.locator('[data-testid="connection"][data-phase="online"]').waitFor();
}

async function enter(name) {
  const page = await open();
  await page.getByTestId("name").fill(name);
  await page.getByTestId("enter").click();
  await online(page);
  return page;
}

const title = (page, room) => page.getByTestId("room-title").and(page.getByText(room, { exact: true }));

async function join(page, room) {
  await page.getByTestId("room-name").fill(room);
  await page.getByTestId("join-room").click();
  await title(page, room).waitFor();
  await sees(page, "You joined");
}

async function choose(page, room) {
  await page.getByTestId("my-rooms").getByText(room, { exact: true }).click();
  await title(page, room).waitFor();
}

/** Waits until each of these names is in the list of members. */
async function members(page, ...names) {
  for (const name of names) {
    await page.getByTestId("member").getByText(name, { exact: true }).waitFor();
  }
}

async function says(page, text) {
  await page.getByTestId("message-input").fill(text);
  await page.getByTestId("message-input").press("Enter");
}

/** Waits for the text in the confirmed part of the room on screen. */
async function hears(page, text) {
  await page.getByTestId("log").getByTestId("text").filter({ hasText: text }).first().waitFor();
}

/** Says it and waits until both Ann and Bob have it confirmed. */
async function tells(page, text) {
  await says(page, text);
  for (const listener of [ann, bob]) await hears(listener, text);
}

/** Everything confirmed in the room on screen, as "author: text". */
function heard(page) {
  return page
    .getByTestId("log")
    .getByTestId("message")
    .evaluateAll((items) =>
      items.map((item) => `${item.dataset.author}: ${item.querySelector(".text").textContent}`),
    );
}

async function sees(page, event) {
  await page.getByTestId("event").filter({ hasText: event }).last().waitFor();
}

// The evening.

let broken = false;

function scene(name, play) {
  test(name, { timeout: SCENE_DEADLINE_MS }, async (context) => {
    if (broken) {
      context.skip("an earlier scene failed");
      return;
    }
    try {
      await play();
      assert.deepEqual(complaints, [], "the consoles are quiet");
    } catch (error) {
      broken = true;
      console.error("The consoles said:", complaints);
      console.error(`The server said:\n${server?.log.join("") ?? "nothing"}`);
      throw error;
    }
  });
}

function killServer() {
  server?.child.kill("SIGKILL");
}

process.once("exit", killServer);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

let ann, bob, cleo;

before(async () => {
  mkdirSync(path.join(ROOT, "build"), { recursive: true });
  port = await freePort();
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  await startServer();
}, { timeout: SCENE_DEADLINE_MS });

after(async () => {
  await browser?.close();
  killServer();
  await server?.exited;
}, { timeout: SCENE_DEADLINE_MS });

const TALK = [
  ["bob", "Good evening! Anybody else still up?"],
  ["cleo", "Always. With a moon like that, who could sleep?"],
  ["ann", "Just got here. I restarted the server on the way in, did you notice?"],
  ["bob", "A blink. It said offline, then everybody was back."],
  ["bob", "Half a sentence was still waiting in my message field, too."],
  ["ann", "Good. That is how it should feel."],
  ["cleo", "Shall we look at the new room script? My notes are in scripts."],
  ["ann", "Two minutes, the kettle is on."],
];

scene("carries a conversation, once and in one order", async () => {
  cleo = await enter("cleo");
  bob = await enter("bob");
  for (const room of ["night shift", "haiku", "scripts"]) await join(cleo, room);
  for (const room of ["haiku", "tea house"]) await join(bob, room);
  ann = await enter("ann");
  for (const room of ["tea house", "scripts"]) await join(ann, room);
  await members(ann, "ann", "cleo");

  const pages = { ann, bob, cleo };
  for (const page of [ann, bob]) await choose(page, "lobby");
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

  await ann.getByTestId("my-rooms").getByText("2", { exact: true }).waitFor(); // unread in scripts
  await ann.getByTestId("open-rooms").getByText("night shift").waitFor();
});

scene("has its picture taken", async () => {
  await ann.getByTestId("message-input").fill("");
  await ann.screenshot({ path: path.join(ROOT, "build/chat.png") });
  const desk = bob.viewportSize();
  await bob.setViewportSize({ width: 390, height: 844 });
  await bob.screenshot({ path: path.join(ROOT, "build/chat-phone.png") });
  await bob.setViewportSize(desk);
});

scene("keeps one order when two speak at the same time", async () => {
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
  assert.deepEqual(anns, Array.from({ length: rounds }, (_, i) => `ann: ann ${i}`));
});

scene("shows markup as text", async () => {
  const markup = `<img src=x onerror="document.title='broken in'"><b>bold</b>`;
  await tells(ann, markup);
  assert.equal((await heard(bob)).at(-1), `ann: ${markup}`);
  assert.equal(await bob.locator(".text img, .text b").count(), 0);
  assert.doesNotMatch(await bob.title(), /broken in/);
});

scene("refuses a taken name in words", async () => {
  const stranger = await open();
  await stranger.getByTestId("name").fill("ann");
  await stranger.getByTestId("enter").click();
  await stranger.getByTestId("name-error").filter({ hasText: "Somebody else" }).waitFor();
  await stranger.getByTestId("name").fill("dora");
  await stranger.getByTestId("enter").click();
  await online(stranger);
  await members(ann, "dora");
  await stranger.context().close();
  await sees(ann, "dora left");
});

scene("tells the others who came and who left", async () => {
  await choose(ann, "tea house");
  await choose(bob, "tea house");
  await members(ann, "bob");
  await bob.getByTestId("leave-room").click();
  await sees(ann, "bob left");
  await title(bob, "tea house").waitFor({ state: "hidden" });
  await ann.getByTestId("member").filter({ hasText: "bob" }).waitFor({ state: "hidden" });
  await join(bob, "tea house");
  await sees(ann, "bob joined");
});

scene("comes back by itself after a restart", async () => {
  serverIsDown = true;
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
  serverIsDown = false;

  await tells(bob, "Still here?");
  await tells(ann, "Never left.");
  assert.deepEqual(await heard(ann), [...before, "bob: Still here?", "ann: Never left."]);
  await choose(ann, "lobby"); // every room was joined again, not only the one on screen
  await members(ann, "ann", "bob", "cleo");
});

scene("neither loses nor doubles what was on its way when the line broke", async () => {
  for (const page of [ann, bob]) await choose(page, "lobby");
  serverIsDown = true;
  server.child.kill("SIGSTOP"); // takes the bytes and never answers
  await says(ann, "Did this arrive?");
  await ann.getByTestId("send-state").filter({ hasText: "Sending" }).waitFor();
  await endServer("SIGKILL");
  await ann.getByTestId("failure").filter({ hasText: "may or may not" }).waitFor();
  await startServer();
  for (const page of [ann, bob]) await online(page);
  for (const page of [ann, bob]) await members(page, "ann", "bob");
  serverIsDown = false;

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
  await ann.getByTestId("my-rooms").getByText("tea house").waitFor();
  await members(ann, "ann", "bob", "cleo");
});
