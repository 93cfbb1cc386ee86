/* types.h - the nouns C and Lua share: status codes, ids, events.
 *
 * Dialect: ffi.cdef reads this very text. Enums, structs, integer typedefs and
 * comments only; no macros, attributes, bit-fields or inline functions.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

/* What a call returns when it can fail. Zero is success, failures are negative. */
enum moon_status {
    MOON_OK = 0,
    MOON_EGONE = -1,  /* the connection is no longer there */
    MOON_EFULL = -2,  /* a queue has reached its limit */
    MOON_EBIG = -3,   /* longer than the limit for one message */
    MOON_EUTF8 = -4,  /* a text message that is not UTF-8 */
    MOON_EINVAL = -5, /* malformed; the caller said something meaningless */
};

/* At most 53 bits, so that a Lua number holds it: 8 thread, 20 slot, 25 generation.
 * Never reused while the process lives: a late command for a closed connection
 * misses, it cannot hit a stranger. 0 is no connection. */
typedef uint64_t moon_conn_id;

/* Given by the logic thread, counting up from 1; 0 is no room. */
typedef uint64_t moon_room_id;

enum {
    /* Longest message the scripts may send. JSON that a client sent in 64 KiB may have
     * grown sixfold. */
    MOON_MAX_FRAME_BYTES = 458752,
    /* What a value may hold that is decoded from a message or encoded into one. */
    MOON_MAX_DEPTH = 32,      /* tables in tables */
    MOON_MAX_ITEMS = 10000,   /* elements of one array, keys of one map */
    MOON_MAX_VALUES = 100000, /* in all, the outermost included */
    /* Longest answer to an operator: moon_tell(). */
    MOON_MAX_ANSWER_BYTES = 4194304,
};

/* Kind of a message, with the numbers of RFC 6455 section 5.2. */
enum moon_opcode {
    MOON_TEXT = 1,
    MOON_BINARY = 2,
};

/* What becomes of a message when its connection cannot take it at once. */
enum moon_class {
    MOON_RELIABLE = 0, /* waits; when there is no room the connection is closed */
    MOON_LATEST,       /* replaces the one with the same key that waits, in place */
    MOON_VOLATILE,     /* waits while there is room, else it is dropped and counted */
    MOON_CONTROL,      /* pings, Closes, replies: has room of its own */
    MOON_CLASSES,      /* how many there are */
};

/* The books of one connection's write queue: messages by enum moon_class. In each class
 * sent = delivered + dropped + queued. Delivered is what the kernel has accepted;
 * dropped is what was shed, replaced by a newer one, or left when the socket went. */
struct moon_books {
    uint64_t sent[4];
    uint64_t delivered[4];
    uint64_t dropped[4];
    uint64_t queued[4];
    uint64_t
        queued_bytes; /* of all classes, what the kernel has not accepted included */
};

/* Something that has happened. Named in the past tense. */
enum moon_event_kind {
    MOON_OPENED = 1, /* bytes: path, query, subprotocol, peer address, token, host; each
                        ended by NUL */
    MOON_RECEIVED,   /* code: enum moon_opcode; bytes: one whole message */
    MOON_REFUSED,    /* the same for a message over the rate; reason: retry_after_ms */
    MOON_SLOWED,     /* its queue has passed the high mark; bytes: struct moon_books */
    MOON_DRAINED,    /* and has fallen below the low mark; bytes: struct moon_books */
    MOON_FIGURES,   /* what moon_look() has asked for; reason: last round trip in us, or
                        0; bytes: struct moon_books */
    MOON_CLOSED,    /* code: close code; reason: enum moon_reason; bytes: struct
                        moon_books; once, and last */
    MOON_REQUESTED, /* an HTTP request; code: its number on this connection; reason:
                        length of the head; bytes: method, path, query, content type,
                        authorization, peer address, host, each ended by NUL, then
                        the body */
    MOON_FIRED,     /* subject: the token that moon_timer_start() gave */
    MOON_CHANGED,   /* the script files have changed, or a reload was asked for */
    MOON_ASKED,   /* subject: the ticket for moon_tell(); bytes: an operator's request,
                        one line without its end */
    MOON_STORED,  /* subject: the ticket given to moon_store(); code: enum
                        moon_store_outcome; reason: 1 when MOON_STORE_SCAN has left
                        entries out; bytes: the value, or the entries */
    MOON_ARRIVED, /* subject: ticket of a fetch; bytes: the next part of a body that
                        is too long for one event */
    MOON_HASHED,  /* subject: the ticket given to moon_password(); code: enum
                        moon_password_outcome; bytes: a hash that was made */
    MOON_ENDED,   /* the server stops, and the last connection has gone: what is stored
                        now, and while that is answered, is the last */
    MOON_FETCHED, /* subject: ticket; reason: enum moon_fetch_outcome; code: HTTP
                        status; bytes: last URL and header lines, each ended by NUL,
                        then the body, or what is left of it. Of a failure: a text */
};

/* Why a connection ended. reason.h has the word and the close code of each. */
enum moon_reason {
    MOON_BY_CLIENT = 1, /* the client sent a Close frame */
    MOON_LOST,          /* the connection broke without one */
    MOON_BY_SCRIPT,     /* a script closed it */
    MOON_SLOW,          /* its outbox reached a limit */
    MOON_NO_PONG,       /* nothing arrived within the time after a ping */
    MOON_TOO_BIG,       /* it sent a message over max_message_bytes or max_fragments */
    MOON_BAD_UTF8,      /* it sent text that is not UTF-8 */
    MOON_PROTOCOL,      /* it broke RFC 6455 */
    MOON_SHUTDOWN,      /* the server is stopping */
    MOON_FLOOD,         /* it sent more than its rate allows */
    MOON_OVERLOAD,      /* the process is short of memory, and it held the most */
    MOON_AUTH_TIMEOUT,  /* no script has admitted it in time */
    MOON_REASONS,       /* one more than there are */
};

/* What happens to a client that sends more than its rate allows. */
enum moon_flood_action {
    MOON_FLOOD_PAUSE = 1, /* it is not read from until it may send again */
    MOON_FLOOD_REFUSE, /* the message goes up as MOON_REFUSED; who goes on is closed */
    MOON_FLOOD_CLOSE,  /* it is closed with MOON_FLOOD */
};

/* What one connection may cost. In moon_limit() a field of 0 stays as it is. */
struct moon_limits {
    uint32_t outbox_bytes;    /* waiting to be written, frame headers included */
    uint32_t outbox_messages; /* the same in messages */
    uint32_t outbox_age_ms;   /* of the oldest message that waits */
    uint32_t rate_messages;   /* that it may send a second */
    uint32_t burst_messages;  /* and at once, after a silence */
    uint32_t rate_bytes;
    uint32_t burst_bytes;
    uint32_t flood_action; /* enum moon_flood_action */
};

/* A text of this one byte says that the one there is stays. */
enum {
    MOON_KEEP = 1,
};

/* Who may come in; what scripts may set while the server runs. 0 leaves a number as it
 * is. Numbers are of the whole process, shared out evenly to the I/O threads. */
struct moon_policy {
    uint32_t max_connections;
    uint32_t max_per_address;
    uint32_t handshakes_per_second;
    uint32_t retry_after_s; /* what those are told who are refused for a while */
    uint32_t refuse_all;    /* 1: newcomers get 503 with the reason; 2: no longer */
};

/* What scripts may ask of the store. Each plugin has a space of its own. */
enum moon_store_operation {
    MOON_STORE_GET = 0,
    MOON_STORE_PUT,
    MOON_STORE_DELETE,
    MOON_STORE_SWAP, /* puts, if there is what was expected */
    MOON_STORE_SCAN, /* the entries whose keys begin with a prefix, ordered by key */
    MOON_STORE_OPERATIONS,
};

enum moon_store_outcome {
    MOON_STORE_DONE = 0,
    MOON_STORE_ABSENT,  /* of MOON_STORE_GET: there is no such entry */
    MOON_STORE_CHANGED, /* of MOON_STORE_SWAP: there is something else */
    MOON_STORE_FAILED,  /* the log says why */
};

enum {
    MOON_STORE_MAX_KEY_BYTES = 512, /* at least 1 */
    MOON_STORE_MAX_VALUE_BYTES = 262144,
    MOON_STORE_MAX_ENTRIES = 1000,      /* of one scan, */
    MOON_STORE_MAX_SCAN_BYTES = 262144, /* and bytes, if it is more than one entry */
    MOON_STORE_MAX_UNDER_WAY = 4096,    /* operations that have not been answered */
};

/* What is asked of the store: the lengths of four texts, which follow one another. Of a
 * scan each entry comes back as the lengths of key and value, two uint32_t, then both.
 */
struct moon_query {
    uint64_t expires_ms;     /* since 1970 UTC; 0: never */
    uint32_t space_bytes;    /* whose entry: the name of a plugin */
    uint32_t key_bytes;      /* for a scan: the prefix */
    uint32_t value_bytes;    /* for a scan: the key to begin after, if any */
    uint32_t expected_bytes; /* for a swap */
    uint32_t must_be_new;    /* for a swap: 1 when nothing is expected to be there */
    uint32_t limit;          /* for a scan: entries */
};

/* What became of a fetch. */
enum moon_fetch_outcome {
    MOON_FETCH_OK = 0,          /* there is a response, whatever its status */
    MOON_FETCH_TIMEOUT,         /* its time, or that for connecting, has passed */
    MOON_FETCH_REFUSED_ADDRESS, /* the host is where no fetch may go */
    MOON_FETCH_CONNECT,         /* nobody listens there */
    MOON_FETCH_DNS,             /* the name leads nowhere */
    MOON_FETCH_TLS,             /* no handshake, or a certificate that is not trusted */
    MOON_FETCH_TOO_BIG,         /* body or headers of the response */
    MOON_FETCH_REDIRECTS,       /* too many, or one that must not be followed */
    MOON_FETCH_FULL,            /* too many wait */
    MOON_FETCH_BAD_URL,         /* no URL of http or https */
    MOON_FETCH_PROTOCOL,        /* what came is no HTTP, or ended too early */
    MOON_FETCH_ABORTED,         /* counted, never told */
    MOON_FETCH_OUTCOMES,        /* how many there are */
};

/* The most that a fetch may ask for. */
enum {
    MOON_MAX_FETCH_MS = 120000,
    MOON_MAX_FETCH_BYTES = 4194304, /* of the body that comes back, decompressed */
    MOON_MAX_FETCH_REDIRECTS = 5,
    MOON_MAX_FETCH_BODY_BYTES = 262144, /* that goes out */
    MOON_MAX_FETCH_HEADERS_BYTES = 16384,
    MOON_MAX_FETCH_URL_BYTES = 8192,
};

/* What one fetch may cost. */
struct moon_fetch_limits {
    uint32_t timeout_ms; /* for all of it: waiting and redirects, too; at least 1 */
    uint32_t max_bytes;  /* of the body that comes back; at least 1 */
    uint32_t redirects;  /* that are followed; with 0 they are responses as others */
};

/* What the PEM of a public key is; "other" cannot sign tokens here. */
enum moon_key_kind {
    MOON_KEY_NONE = 0,
    MOON_KEY_RSA,
    MOON_KEY_EC, /* on P-256, P-384 or P-521: by its bits */
    MOON_KEY_OTHER,
};

enum {
    MOON_MAX_PEM_BYTES = 4096, /* of a key that is made, its NUL included */
};

/* What became of a password. */
enum moon_password_outcome {
    MOON_PASSWORD_DONE = 0, /* the hash is made, or is that of this password */
    MOON_PASSWORD_OUTDATED, /* it is, but costs other than those made now */
    MOON_PASSWORD_WRONG,    /* it is not */
    MOON_PASSWORD_BAD_HASH, /* it is no hash of argon2id, or too expensive a one */
    MOON_PASSWORD_FAILED,   /* there is no memory */
};

enum {
    MOON_PASSWORD_KIB = 19456, /* that one takes while it is hashed */
    MOON_MAX_PASSWORD_BYTES = 1024,
    MOON_MAX_HASH_BYTES = 256,        /* its NUL included */
    MOON_PASSWORD_MAX_UNDER_WAY = 16, /* that have not been answered */
};

/* The run of plugin code that is under way: what the scripts tell the watchdog. A run
 * has begun when `number` is another than before; one that is within no other when
 * `whole` is, too. */
struct moon_turn {
    double number, whole;
    uint32_t soft_ms, hard_ms; /* how long it may go on without a pause */
    uint32_t aborted;          /* enum moon_stage of the error raised in it; 0: none */
    uint32_t who; /* what samples of it are counted under; 0: the runtime */
};

enum {
    MOON_MAX_SAMPLED = 1024,         /* plugins whose CPU time is told apart */
    MOON_MAX_PLUGIN_NAME_BYTES = 63, /* of its name in the log, where C writes that */
};

/* What the profiler has collected. */
struct moon_profile {
    const char *folded; /* lines "who;outer;inner ticks"; borrowed until the next one
                           begins */
    uint64_t length;
    uint32_t ticks;   /* of the logic thread's CPU time, each of tick_us */
    uint32_t dropped; /* of those: there was no place for them */
    uint32_t tick_us;
};

/* Who asks on the admin socket. */
struct moon_asker {
    uint32_t uid, pid;
};

/* The memory of the scripts, in bytes. */
struct moon_heap {
    double bytes;     /* in use */
    double begun;     /* of those in use when Lua was entered */
    double allocated; /* ever */
    double limit;     /* the scripts may raise it when one of them will not let go */
    uint32_t is_collecting; /* 1: the scripts collect their garbage, a little in each
                               turn */
};

struct moon_event {
    uint16_t kind;     /* enum moon_event_kind */
    uint16_t code;     /* see the kinds */
    uint32_t reason;   /* see the kinds */
    uint64_t subject;  /* see the kinds; mostly a moon_conn_id */
    const char *bytes; /* borrowed until the next moon_event_next() */
    uint64_t length;   /* of bytes */
};

/* What the scripts may know of the process; constant while it runs. */
struct moon_facts {
    const char *version;
    uint32_t max_message_bytes;
    uint32_t ping_interval_ms;
    uint32_t pong_timeout_ms;
    uint32_t http_timeout_ms; /* then a request that no script has answered gets 504 */
    uint32_t development;     /* 1: after each hook the states are checked */
    uint32_t has_store;       /* 1 with --store; else moon_store() refuses all */
    uint32_t max_rooms;       /* that a connection may be in */
    uint32_t auth_timeout_ms; /* until a connection has to be admitted, where it must */
};
