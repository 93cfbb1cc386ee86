// words.js - the protocol's codes in the reader's language.

const ERRORS = {
  lost: "The connection broke before the server answered, so it may or may not have arrived.",
  offline: "You are offline at the moment. Try again when you are back.",
  no_more: "This room is no more.",
  no_more_of_mine: "This room is no more, or you are not a member any more.",
  no_clipboard: "This browser does not let the page copy. Select the text and copy it yourself.",
  too_big: "That is longer than the server accepts.",
  bad_name:
    "A name has 1 to 32 characters that are seen, and no spaces but single ones between others.",
  name_taken:
    "That name is in use, or was a moment ago. Choose another one, or try again in ten minutes.",
  bad_room:
    "A room's name has at most 64 bytes and no control characters, and does not begin with @.",
  not_a_member: "You are not in this room any more. Join it again first.",
  too_many_rooms: "That is as many rooms as the server allows. Leave one first.",
  too_many_requests: "That was too much at once. Wait a moment and try again.",
  not_authenticated: "The server does not know your name yet. Try again in a moment.",
  internal: "Something went wrong on the server. It may or may not have been done.",
  timeout: "The server took too long. It may or may not have been done.",
  duplicate: "The server has this already.",
  no_such_room: "There is no room of this name.",
  room_exists: "There is a room of this name already.",
  not_allowed: "You may not do that here.",
  archived: "The room is archived: nothing in it changes any more.",
  not_archived: "Only an archived room can be deleted.",
  bad_invite: "This invitation is used up, has run out, or is not for you.",
  bad_password: "That is not the password.",
  too_many_attempts: "Too many wrong passwords. Wait a minute.",
  too_many_invites: "This room has too many invitations that nobody has used yet.",
  too_many_members: "The room is full.",
  gone: "They are not there any more.",
  too_old: "That message is too old for this.",
  too_many_reactions: "There are as many reactions as a message may have.",
  too_many_reports: "That was a lot of reports. Try again in an hour.",
  already_reported: "You have reported that message already.",
  not_banned: "They are not banned.",
  not_muted: "They are not muted.",
  already_appealed: "You have appealed already. A moderator will look at it.",
  nothing_to_appeal: "You are neither banned nor muted here.",
  unknown_command: "There is no such command. /help lists those that there are.",
  refused_word: "There is a word in it that is not wanted here.",
  refused_link: "Links are not wanted here.",
  unavailable: "The server cannot do that at the moment. Try again soon.",
  unknown_type: "This server cannot do that.",
};

const CLOSES = {
  1001: "The server is restarting.",
  1009: "The server refused a message that was too long.",
  4008: "The server hung up: this page reads too slowly.",
  4009: "The server hung up: it had not heard from this page.",
  4010: "The server hung up: that was too much at once.",
  4011: "The server is short of memory and let this page go.",
  4012: "A part of the server is switched off at the moment.",
  4404: "A part of the server is not there at the moment.",
  4408: "The server had waited too long for a name.",
};

// Those after which the page does not come back by itself: a heading, what happened, what to press.
const ENDS = {
  4401: ["Your sign-in has run out", "Sign in again to go on where you were.", "Sign in again"],
  4501: [
    "The server did not accept your sign-in",
    "It may be out of date. Sign in again, or choose another name.",
    "Sign in again",
  ],
  4502: [
    "You are signed out",
    "You, or somebody who runs this server, ended this session.",
    "Come in again",
  ],
  4503: [
    "Moongate is open somewhere else",
    "A newer window has taken the place of this one.",
    "Use it here",
  ],
  4504: [
    "You were sent away",
    "A moderator of this server has ended your visit.",
    "Try to come in again",
  ],
};

const LEFT = { kicked: "was taken out", banned: "was banned", role: "may not be here any more" };

/** "45 s", "12 min", "3 h", "2 days". */
export function duration(ms) {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** What waits for its time says when that is. Codes of plugins keep their own message. */
export function inWords(refusal) {
  const { code, message, retryAfterMs: waitMs } = refusal;
  const wait = waitMs ? ` ${duration(waitMs)} to go.` : "";
  if (code === "slow_mode") return `Slow mode: everybody waits between two messages.${wait}`;
  if (code === "rate_limited") return `That was too much at once.${wait || " Wait a moment."}`;
  if (code === "muted") return `You are muted here.${wait || " There is no end set."}`;
  if (code === "banned") return `You are banned from this room.${wait || " There is no end set."}`;
  if (code === "bad_request" || code === "bad_options")
    return `The server wants it otherwise: ${message}.`;
  return ERRORS[code] ?? `The server said no: ${message || code}.`;
}

export function closeInWords(code) {
  return CLOSES[code] ?? "The connection was lost.";
}

/** nil unless the page stays away: { title, text, action }. */
export function endInWords(code, reason) {
  if (code !== 4401 && (code < 4500 || code > 4999)) return null;
  const fallback = ["The server asked this page to stay away", "It did not say why.", "Try again"];
  const [title, text, action] = ENDS[code] ?? fallback;
  const said = reason?.includes(": ") ? ` It said: ${reason.split(": ").slice(1).join(": ")}` : "";
  const banned = code === 4504 && reason === "banned" ? " You are banned here." : "";
  return { title, text: text + banned + said, action };
}

export const leftInWords = (reason) => LEFT[reason] ?? "left";
