// connection.js - one client's line to the gateway, as docs/protocol.md describes it.
//
// Matches replies to requests, notices a dead line and dials again, with a full-jitter
// back-off. A request whose answer never came is rejected with the code "lost": the
// server may or may not have carried it out, so nothing here sends it twice. One that
// was not sent, as there is no line, is rejected with "offline". What was refused only for
// its haste ("rate_limited") is asked again when its time has come.
// Does not know the page, nor what the requests mean.

const SUBPROTOCOL = "moongate.v1.json";
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 20_000;
const ANSWER_TIMEOUT_MS = 15_000;
const PATIENCE_MS = 3_000; // a rate limit that takes longer is for the reader to know
const HASTY_TRIES = 8;
const PASSING = "typing"; // is not so any more when its turn comes

const utf8 = new TextEncoder();

/** A request that was not granted; `code` is the server's, "lost", "offline" or "too_big". */
export class Refusal extends Error {
  constructor({ code, message, temporary, retry_after_ms }) {
    super(message);
    this.code = code;
    this.temporary = temporary === true;
    this.retryAfterMs = retry_after_ms ?? 0;
  }
}

const offline = () =>
  new Refusal({ code: "offline", message: "there is no connection", temporary: true });
const lost = () => new Refusal({ code: "lost", message: "the connection broke", temporary: true });

export class Connection {
  #url;
  #on;
  #socket = null;
  #asked = new Map(); // id -> { resolve, reject, timer }
  #lastId = 0;
  #failures = 0; // in a row; decides the next delay
  #timer = 0; // the retry while waiting, the deadline while connecting
  #heartbeat = 0;
  #maxMessageBytes = 65_536;

  /** "connecting", "online", "waiting" (until retryAtMs) or "offline". */
  phase = "offline";
  retryAtMs = 0;
  closeCode = 0; // of the latest close, 0 when it was ours
  closeReason = "";
  refusal = null; // what greet was told, when that is why we closed

  /**
   * @param {string} url
   * @param {{ changed(): void, pushed(message: object): void, greet(): Promise<void> }} on
   *   greet runs each time the server has said hello; the line is "online" once it
   *   resolves, and is dropped and dialled again when it rejects.
   */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
  }

  /** Dials at once, unless a line is open or being opened. */
  start() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#url, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#drop(socket), ANSWER_TIMEOUT_MS);
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = (event) => {
      this.closeReason = event.reason;
      this.#drop(socket, event.code);
    };
    this.#enter("connecting");
  }

  /** Hangs up for good (1000), and stays offline until start(). */
  stop() {
    this.#hangUp();
    this.closeCode = 0;
    this.#failures = 0;
    this.#enter("offline");
  }

  /**
   * Resolves to the reply's data; rejects with a Refusal. With an `id` of its own (a string of
   * at least 16 bytes) the server carries it out once, however often it is asked.
   */
  async request(type, fields = {}) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#ask(type, fields);
      } catch (refusal) {
        const { code, retryAfterMs } = refusal;
        const isHasty = code === "rate_limited" && retryAfterMs > 0 && retryAfterMs <= PATIENCE_MS;
        if (!isHasty || tries === HASTY_TRIES || type === PASSING) throw refusal;
        await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
      }
    }
  }

  #ask(type, fields) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(offline());
    const id = fields.id ?? ++this.#lastId;
    const text = JSON.stringify({ ...fields, type, id });
    if (utf8.encode(text).length > this.#maxMessageBytes) {
      return Promise.reject(new Refusal({ code: "too_big", message: "too long" }));
    }
    return new Promise((resolve, reject) => {
      // A line that has died quietly (sleep, another network) shows in no other way.
      const timer = setTimeout(() => this.#drop(socket), ANSWER_TIMEOUT_MS);
      this.#asked.set(id, { resolve, reject, timer });
      socket.send(text);
    });
  }

  #receive(socket, text) {
    if (socket !== this.#socket) return;
    const message = JSON.parse(text);
    if (message.type === "reply") this.#settle(message);
    else if (message.type === "hello") this.#welcome(socket, message);
    else this.#on.pushed(message);
  }

  #settle({ id, ok, data, error }) {
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (ok) asked.resolve(data);
    else asked.reject(new Refusal(error));
  }

  async #welcome(socket, hello) {
    this.#maxMessageBytes = hello.max_message_bytes ?? this.#maxMessageBytes;
    try {
      await this.#on.greet();
    } catch (refusal) {
      this.#drop(socket, 0, refusal);
      return;
    }
    if (socket !== this.#socket) return;
    clearTimeout(this.#timer);
    this.#failures = 0;
    // Scripts cannot see protocol pings, so the page asks for itself.
    this.#heartbeat = setInterval(
      () => this.request("ping").catch(() => {}),
      hello.ping_interval_ms || 25_000,
    );
    this.#enter("online");
  }

  #drop(socket, code = 0, refusal = null) {
    if (socket !== this.#socket) return;
    this.#hangUp();
    this.closeCode = code;
    this.refusal = refusal;
    if (code >= 4500 && code <= 4999) {
      this.#enter("offline");
      return;
    }
    const ceilingMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    const delayMs = Math.random() * ceilingMs;
    this.retryAtMs = Date.now() + delayMs;
    this.#timer = setTimeout(() => this.start(), delayMs);
    this.#enter("waiting");
  }

  #hangUp() {
    const socket = this.#socket;
    this.#socket = null; // from here on its events are nobody's
    socket?.close(1000);
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject, timer } of asked) {
      clearTimeout(timer);
      reject(lost());
    }
  }

  #enter(phase) {
    this.phase = phase;
    this.#on.changed();
  }
}
