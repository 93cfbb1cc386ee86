/* store_sqlite_state.h - the file from the inside: what store_sqlite.c (what may be
 * asked) and store_sqlite_open.c (opening and closing) share. Nobody else includes it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "store_sqlite.h"
#include <sqlite3.h>

enum {
    MOON_PAIR_BYTES = 2 * sizeof(uint32_t), /* before each entry of a scan */
    MOON_ANSWER_BYTES =
        MOON_STORE_MAX_SCAN_BYTES + MOON_STORE_MAX_KEY_BYTES + MOON_PAIR_BYTES,
};

/* Prepared statements. */
enum moon_sentence {
    MOON_BEGIN,
    MOON_COMMIT,
    MOON_ROLLBACK,
    MOON_FIND,
    MOON_PUT,
    MOON_DELETE,
    MOON_SCAN,
    MOON_SWEEP,
    MOON_SENTENCES
};

struct moon_sqlite {
    sqlite3 *db;
    sqlite3_stmt *sentences[MOON_SENTENCES];
    char problem[MOON_SQLITE_PROBLEM_BYTES]; /* the last one */
    uint32_t used;                           /* of bytes */
    char bytes[MOON_ANSWER_BYTES];           /* of the answer under way */
};

/* store_sqlite.c: the texts of the sentences. */
extern const char *const moon_sentences[MOON_SENTENCES];

/* store_sqlite.c: writes down what SQLite complains of. Returns false. */
bool moon_sqlite_fail(struct moon_sqlite *sqlite);
