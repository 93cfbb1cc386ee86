// support.mjs - what the browser specs share: the real server, people with a page each, and
// scenes that go on where the one before ended.
//
// MOONGATE_BIN and CHROMIUM_BIN replace the binaries.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const MOONGATE = path.resolve(ROOT, process.env.MOONGATE_BIN ?? "build/moongate");
const CHROMIUM = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
const DEADLINE_MS = 20_000;
const SCENE_DEADLINE_MS = 120_000;

export const DESK = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

// The server.

let port = 0;
export let server = null; // { child, log, exited }

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port: found } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return found;
}

export const address = () => `http://127.0.0.1:${port}/`;

function within(deadlineMs, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export async function startServer() {
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
  const health = await fetch(`${address()}healthz`);
  assert.equal(health.status, 200);
}

export async function endServer(signal) {
  server.child.kill(signal);
  return within(DEADLINE_MS, `the server's end after ${signal}`, server.exited);
}

function killServer() {
  server?.child.kill("SIGKILL");
}

process.once("exit", killServer);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

// Scenes.

let browser = null;
let isDown = false;
let broken = false;
const complaints = []; // what no console should say

/** While the server is meant to be down, consoles may say that they do not reach it. */
export function expectDown(whether) {
  isDown = whether;
}

export function scene(name, play) {
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

/** Each file has a server and a browser of its own. */
export function setUp() {
  before(
    async () => {
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
    },
    { timeout: SCENE_DEADLINE_MS },
  );

  after(
    async () => {
      await browser?.close();
      killServer();
      await server?.exited;
    },
    { timeout: SCENE_DEADLINE_MS },
  );
}

// The people.

/** Each has a window: what a browser hides behind another tab it draws when it likes. */
export async function open() {
  const context = await browser.newContext({
    viewport: DESK,
    colorScheme: "light",
    locale: "en-GB",
    reducedMotion: "reduce", // a picture in the middle of a slide is no picture
  });
  const page = await context.newPage();
  watched(page);
  await page.goto(address());
  return page;
}

/** Listens to what the page's console says. */
function watched(page) {
  page.setDefaultTimeout(DEADLINE_MS);
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (entry) => {
    const text = entry.text();
    if (isDown && text.startsWith("WebSocket connection to ")) return;
    if (["error", "warning"].includes(entry.type())) complaints.push(text);
  });
}

export const online = (page) =>
  page.locator('[data-testid="connection"][data-phase="online"]').waitFor({ state: "attached" });

export async function enter(name) {
  const page = await open();
  await page.getByTestId("name").fill(name);
  await page.getByTestId("enter").click();
  await online(page);
  await page.getByTestId("chat").waitFor();
  return page;
}

export const title = (page, room) =>
  page.getByTestId("room-title").and(page.getByText(room, { exact: true }));

/** Goes to a room that is there, or makes a passing one. */
export async function join(page, room, shown = room) {
  await page.getByTestId("browse-rooms").click();
  await page.getByTestId("room-name").fill(room);
  await page.getByTestId("room-name").press("Enter");
  await title(page, shown).waitFor();
  await page.getByTestId("dialog").waitFor({ state: "detached" });
}

export async function create(page, { name, kind = "public", ...texts }) {
  await page.getByTestId("browse-rooms").click();
  await page.getByTestId("create-room").click();
  const dialog = page.getByTestId("dialog");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Who is it for?").selectOption(kind);
  for (const [label, text] of Object.entries(texts)) await dialog.getByLabel(label).fill(text);
  await dialog.getByRole("button", { name: "Create" }).click();
  await dialog.waitFor({ state: "detached" });
}

export const myRoom = (page, room) =>
  page.getByTestId("room").filter({ has: page.getByText(room, { exact: true }) });

export async function choose(page, room) {
  await myRoom(page, room).click();
  await title(page, room).waitFor();
}

export const member = (page, name) =>
  page.getByTestId("member").filter({ has: page.getByText(name, { exact: true }) });

/** Waits until each of these names is in the list of members. */
export async function members(page, ...names) {
  for (const name of names) await member(page, name).waitFor({ state: "attached" });
}

/** Presses the entry of the menu that this button opens. */
export async function pick(page, opener, entry) {
  await opener.click();
  await page.getByTestId("menu").getByText(entry, { exact: true }).click();
}

export async function says(page, text) {
  await page.getByTestId("message-input").fill(text);
  await page.getByTestId("message-input").press("Enter");
}

export const message = (page, text) =>
  page.getByTestId("log").getByTestId("message").filter({ hasText: text }).last();

/** Waits for the text in the confirmed part of the room on screen. */
export async function hears(page, text) {
  await page.getByTestId("log").getByTestId("text").filter({ hasText: text }).first().waitFor();
}

/** Everything confirmed in the room on screen, as "author: text". */
export function heard(page) {
  return page
    .getByTestId("log")
    .getByTestId("message")
    .evaluateAll((items) =>
      items.map((item) => `${item.dataset.author}: ${item.querySelector(".text").textContent}`),
    );
}

/** Waits for a line about the room: who came, who left, what was changed. */
export async function sees(page, event) {
  await page.getByTestId("event").filter({ hasText: event }).last().waitFor();
}

/** Points at a message and presses one of the buttons beside it. */
export async function onMessage(page, text, label) {
  await message(page, text).hover();
  await message(page, text).getByTestId("bar").getByRole("button", { name: label }).click();
}

export async function picture(page, name) {
  await page.screenshot({ path: path.join(ROOT, `build/${name}.png`) });
}
