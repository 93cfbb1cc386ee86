/* letter.h - a message on its way out: one finished frame, and how it may be treated.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"
#include <stdbool.h>

struct moon_letter {
    const char *frame; /* whole, header included */
    uint32_t bytes;    /* of the frame */
    uint32_t class;    /* enum moon_class */
    uint64_t key;      /* of MOON_LATEST, else 0 */
    bool stays;        /* the frame lies where it is until the turn is over */
};

/* What a run of frames consists of, by enum moon_class. */
struct moon_tally {
    uint32_t messages[MOON_CLASSES];
    uint32_t bytes[MOON_CLASSES];
};

/* One frame of such a run. */
struct moon_label {
    uint64_t key;
    uint32_t bytes;
    uint32_t class;
};

/* Why a message was dropped. */
enum moon_drop {
    MOON_DROP_FULL, /* a volatile one: there was no room, or another one needed it */
    MOON_DROP_REPLACED, /* by a newer one with its key */
    MOON_DROP_SHED,     /* a volatile one: shed, or too old */
    MOON_DROP_GONE,     /* its connection was closed or lost */
    MOON_DROPS,         /* how many reasons there are */
};
