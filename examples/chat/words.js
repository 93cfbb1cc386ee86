// words.js - the protocol's codes in the reader's language.

const ERRORS = {
  lost: "The connection broke before the server answered, so it may or may not have arrived.",
  too_big: "That is longer than the server accepts.",
  bad_name: "A name has 1 to 32 characters and no spaces at either end.",
  name_taken: "Somebody else is here under that name.",
  bad_room: "A room's name has at most 64 bytes and no control characters.",
  not_a_member: "You are no longer in this room. Join it again first.",
  too_many_rooms: "You are in as many rooms as the server allows. Leave one first.",
  too_many_requests: "That was too much at once. Wait a moment and try again.",
  not_authenticated: "The server does not know your name yet. Try again in a moment.",
  internal: "Something went wrong on the server. Try again in a moment.",
};

const CLOSES = {
  1001: "The server is restarting.",
  1009: "The server refused a message that was too long.",
  4008: "The server hung up: this page reads too slowly.",
  4009: "The server hung up: it had not heard from this page.",
  4010: "The server hung up: that was too much at once.",
};

/** Codes of plugins are not in the table; their own message is better than nothing. */
export function inWords(refusal) {
  return ERRORS[refusal.code] ?? `The server said no: ${refusal.message || refusal.code}.`;
}

export function closeInWords(code) {
  if (code >= 4500 && code <= 4999) return "The server asked this page not to come back by itself.";
  return CLOSES[code] ?? "The connection was lost.";
}
