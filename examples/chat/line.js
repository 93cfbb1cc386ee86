// line.js - the one connection of the page, and who hears which pushes.

import { Connection } from "./connection.js";

const hearers = new Map(); // type of push -> functions
let greeting = async () => {};
let watching = () => {};

export const connection = new Connection(
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
  {
    changed: () => watching(),
    greet: () => greeting(),
    pushed: (message) => {
      for (const hear of hearers.get(message.type) ?? []) hear(message);
    },
  },
);

/** What to do each time the server has said hello, and when the line changes. */
export function setUp({ greet, changed }) {
  greeting = greet;
  watching = changed;
}

/** Calls `hear` with each push of this type; types that nobody hears are passed over. */
export function hears(type, hear) {
  hearers.set(type, [...(hearers.get(type) ?? []), hear]);
}

export const ask = (type, fields) => connection.request(type, fields);
