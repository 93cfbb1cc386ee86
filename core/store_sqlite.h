/* store_sqlite.h - the store's file: a table of entries in SQLite, and what may be
 * asked of it.
 *
 * store_sqlite.c is the only file that includes SQLite's header. No other process can
 * open the file meanwhile. Writes are in a transaction that the first of them begins;
 * until it is committed nothing of it is safe.
 * It knows no thread and no clock. Dialect as in types.h.
 * Thread: one at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "types.h"
#include <stdbool.h>

enum {
    MOON_SQLITE_PROBLEM_BYTES = 512,
};

struct moon_sqlite;

/* What is to be done, and when. */
struct moon_sqlite_order {
    uint32_t operation; /* enum moon_store_operation */
    struct moon_query query;
    const char *bytes; /* the texts of the query, within its limits */
    uint64_t now_ms;   /* since 1970 UTC; what has expired by then is not seen */
};

struct moon_sqlite_answer {
    uint32_t outcome;  /* enum moon_store_outcome */
    uint32_t has_more; /* a scan has left entries out */
    const char *bytes; /* lent until the next call */
    uint64_t length;
};

/* Opens the file, or makes a new one; `sync` is enum moon_sync. NULL, with what was
 * expected and what to do in `problem`, when it is damaged, no store, of a newer
 * schema, in use, or out of reach. A file that is not ours is not changed. */
struct moon_sqlite *moon_sqlite_open(const char *path, uint32_t sync,
                                     char problem[MOON_SQLITE_PROBLEM_BYTES]);

/* A transaction that is open is rolled back; the log beside the file goes into it. NULL
 * is fine. */
void moon_sqlite_close(struct moon_sqlite *sqlite);

/* After MOON_STORE_FAILED the transaction, if any, must be rolled back. */
void moon_sqlite_obey(struct moon_sqlite *sqlite, const struct moon_sqlite_order *order,
                      struct moon_sqlite_answer *answer);

/* Removes at most `limit` entries that have expired; how many, or -1 for a failure. */
int moon_sqlite_sweep(struct moon_sqlite *sqlite, uint64_t now_ms, uint32_t limit);

/* Whether a transaction is open. */
bool moon_sqlite_is_writing(const struct moon_sqlite *sqlite);

/* False when nothing of the transaction has been kept. */
bool moon_sqlite_commit(struct moon_sqlite *sqlite);

/* Fine without a transaction. */
void moon_sqlite_rollback(struct moon_sqlite *sqlite);

/* What the last failure was, for the log. Lent until the next call. */
const char *moon_sqlite_problem(const struct moon_sqlite *sqlite);
