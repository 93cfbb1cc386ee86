/* outbox.h - the write queue of one connection: whole frames, first in, first out, but
 * for MOON_LATEST, whose newest takes the place of the one that waits.
 *
 * Bounded in bytes, messages and age, counting what has been handed to the socket's
 * library and not yet accepted by the kernel ("in flight"). Keeps the books: in each
 * class, of this outbox and of all that share a post, sent = delivered + dropped + what
 * waits or is in flight. It knows no socket and no clock: the owner peeks, writes, and
 * says what it took; time is an argument and does not go back. An outbox where nothing
 * waits holds no memory.
 * Thread: the I/O thread that owns the connection.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "letter.h"
#include "mem.h"
#include "tray.h"
#include <stdbool.h>

enum {
    /* What MOON_CONTROL may take beyond outbox_bytes and outbox_messages. */
    MOON_OUTBOX_RESERVE_BYTES = 65536,
    MOON_OUTBOX_RESERVE_MESSAGES = 1024,
};

/* What the outboxes of one thread share: buffers, and the sums of all books, in
 * messages and in bytes. Begins zeroed, with a pool, which must live longer. */
struct moon_post {
    struct moon_pool *pool;
    struct moon_tray
        tray;         /* letters that wait where they lie, until the turn is over */
    uint64_t turn_ms; /* when they came */
    char *scratch;    /* from the pool: where frames are gathered that lie apart */
    uint32_t scratch_bytes;
    uint64_t sent[MOON_CLASSES], sent_bytes[MOON_CLASSES];
    uint64_t delivered[MOON_CLASSES], delivered_bytes[MOON_CLASSES];
    uint64_t dropped[MOON_CLASSES], dropped_bytes[MOON_CLASSES];
    uint64_t dropped_by[MOON_DROPS]; /* the same messages by enum moon_drop */
    uint64_t in_flight_bytes;        /* of all outboxes, now */
};

void moon_post_fini(struct moon_post *post);

struct moon_queue;

/* Zeroed is empty. The fields are outbox.c's own. */
struct moon_outbox {
    struct moon_slip slip;    /* what waits, as long as all of it is in the tray; */
    struct moon_queue *queue; /* else it is here: NULL when nothing is */
    uint32_t bytes, messages; /* waiting and in flight */
    struct moon_tally in_flight;
    uint64_t in_flight_since_ms; /* the oldest there that is not volatile */
    uint64_t sent[MOON_CLASSES], delivered[MOON_CLASSES], dropped[MOON_CLASSES];
};

/* Copies the frame in, or notes where one lies that stays until the turn is over.
 * MOON_OK: it waits, or a volatile one was dropped and counted, or it has replaced the
 * one with its key, and is as old as it is itself. MOON_EFULL: there is no room for it,
 * even without the volatile ones that wait; nothing has changed, and it is not counted
 * as sent. A replacement that is no longer than the one before always has room. */
int moon_outbox_push(struct moon_outbox *outbox, struct moon_post *post,
                     const struct moon_limits *limits, const struct moon_letter *letter,
                     uint64_t now_ms);

/* The same for a ping or a Close, which always have room. */
void moon_outbox_push_control(struct moon_outbox *outbox, struct moon_post *post,
                              const char *frame, uint32_t bytes, uint64_t now_ms);

/* The oldest frames in one piece, whole ones, as many as fit into max_bytes but at
 * least one; their length goes to *bytes. NULL when nothing waits. Borrowed until the
 * next call with any outbox of this post. */
const char *moon_outbox_peek(struct moon_outbox *outbox, struct moon_post *post,
                             uint32_t max_bytes, uint32_t *bytes);

/* Drops the `bytes` last peeked from the queue; they are in flight until
 * moon_outbox_land(). */
void moon_outbox_take(struct moon_outbox *outbox, struct moon_post *post,
                      uint32_t bytes);

/* For frames that went to the socket past the queue: they are sent, and in flight. */
void moon_outbox_fly(struct moon_outbox *outbox, struct moon_post *post,
                     const struct moon_tally *tally, uint64_t now_ms);

/* The same for frames that the kernel has accepted at once: sent, and delivered. */
void moon_outbox_pass(struct moon_outbox *outbox, struct moon_post *post,
                      const struct moon_tally *tally);

/* The kernel has accepted everything that was in flight: it is delivered. */
void moon_outbox_land(struct moon_outbox *outbox, struct moon_post *post);

/* Copies what would have stayed only until the end of the turn: it waits longer. */
void moon_outbox_keep(struct moon_outbox *outbox, struct moon_post *post);

/* Drops all volatile messages that wait, and gives back the memory that the rest does
 * not need; returns the bytes of the frames dropped. */
uint32_t moon_outbox_shed(struct moon_outbox *outbox, struct moon_post *post);

/* Drops the volatile messages that wait and are older than limits->outbox_age_ms. */
void moon_outbox_expire(struct moon_outbox *outbox, struct moon_post *post,
                        const struct moon_limits *limits, uint64_t now_ms);

/* Drops what waits and gives the memory back; what is in flight stays so. */
void moon_outbox_clear(struct moon_outbox *outbox, struct moon_post *post);

/* The socket is gone: drops what waits and what is in flight. */
void moon_outbox_abandon(struct moon_outbox *outbox, struct moon_post *post);

/* When the oldest message came that is not volatile, and waits or is in flight;
 * UINT64_MAX when there is none. */
uint64_t moon_outbox_oldest_ms(const struct moon_outbox *outbox);

/* What waits and is in flight. */
uint32_t moon_outbox_bytes(const struct moon_outbox *outbox);

/* Whether bytes or messages, in flight included, are at half of their limit or more;
 * and whether both are at an eighth or less. */
bool moon_outbox_is_high(const struct moon_outbox *outbox,
                         const struct moon_limits *limits);
bool moon_outbox_is_low(const struct moon_outbox *outbox,
                        const struct moon_limits *limits);

/* Whether a frame of so many bytes would find room without anything being dropped. */
bool moon_outbox_has_room(const struct moon_outbox *outbox,
                          const struct moon_limits *limits, uint32_t bytes);

/* Whether nothing waits; something may be in flight. */
bool moon_outbox_is_empty(const struct moon_outbox *outbox);

/* Fills in the books; `queued` is counted from what is there, not from the rest. */
void moon_outbox_books(const struct moon_outbox *outbox, const struct moon_post *post,
                       struct moon_books *books);
