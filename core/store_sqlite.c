/* SPDX-License-Identifier: MIT */
#include "store_sqlite_state.h"
#include <stdio.h>
#include <string.h>

const char *const moon_sentences[MOON_SENTENCES] = {
    [MOON_BEGIN] = "BEGIN IMMEDIATE",
    [MOON_COMMIT] = "COMMIT",
    [MOON_ROLLBACK] = "ROLLBACK",
    [MOON_FIND] = "SELECT value FROM entry WHERE space = ?1 AND key = ?2"
                  " AND (expires_ms = 0 OR expires_ms > ?3)",
    [MOON_PUT] =
        "INSERT INTO entry (space, key, value, expires_ms) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (space, key) DO UPDATE"
        " SET value = excluded.value, expires_ms = excluded.expires_ms",
    [MOON_DELETE] = "DELETE FROM entry WHERE space = ?1 AND key = ?2",
    [MOON_SCAN] = "SELECT key, value FROM entry WHERE space = ?1 AND key >= ?2"
                  " AND (expires_ms = 0 OR expires_ms > ?3) ORDER BY key",
    [MOON_SWEEP] = "DELETE FROM entry WHERE id IN (SELECT id FROM entry"
                   " WHERE expires_ms > 0 AND expires_ms <= ?1 ORDER BY expires_ms"
                   " LIMIT ?2)",
};

/* ---- failures ---- */

bool moon_sqlite_fail(struct moon_sqlite *sqlite)
{
    (void)snprintf(sqlite->problem, sizeof sqlite->problem, "%s (SQLite %d)",
                   sqlite3_errmsg(sqlite->db), sqlite3_extended_errcode(sqlite->db));
    return false;
}

/* Runs a sentence that has no rows. */
static bool carry_out(struct moon_sqlite *sqlite, enum moon_sentence which)
{
    sqlite3_stmt *sentence = sqlite->sentences[which];
    bool is_done = sqlite3_step(sentence) == SQLITE_DONE || moon_sqlite_fail(sqlite);
    sqlite3_reset(sentence);
    return is_done;
}

/* ---- transactions ---- */

bool moon_sqlite_is_writing(const struct moon_sqlite *sqlite)
{
    return sqlite3_get_autocommit(sqlite->db) == 0;
}

static bool begin(struct moon_sqlite *sqlite)
{
    return moon_sqlite_is_writing(sqlite) || carry_out(sqlite, MOON_BEGIN);
}

bool moon_sqlite_commit(struct moon_sqlite *sqlite)
{
    bool is_done = carry_out(sqlite, MOON_COMMIT);
    if (!is_done) {
        moon_sqlite_rollback(sqlite);
    }
    return is_done;
}

void moon_sqlite_rollback(struct moon_sqlite *sqlite)
{
    if (moon_sqlite_is_writing(sqlite)) {
        sqlite3_step(sqlite->sentences[MOON_ROLLBACK]);
        sqlite3_reset(sqlite->sentences[MOON_ROLLBACK]);
    }
}

const char *moon_sqlite_problem(const struct moon_sqlite *sqlite)
{
    return sqlite->problem;
}

/* ---- what may be asked ---- */

static const char *key_of(const struct moon_sqlite_order *order)
{
    return order->bytes + order->query.space_bytes;
}

static const char *value_of(const struct moon_sqlite_order *order)
{
    return key_of(order) + order->query.key_bytes;
}

static const char *expected_of(const struct moon_sqlite_order *order)
{
    return value_of(order) + order->query.value_bytes;
}

static void bind(sqlite3_stmt *sentence, int place, const void *bytes, uint64_t length)
{
    sqlite3_bind_blob64(sentence, place, bytes, length, SQLITE_STATIC);
}

/* The first two places of each sentence about an entry. */
static sqlite3_stmt *about(struct moon_sqlite *sqlite, enum moon_sentence which,
                           const struct moon_sqlite_order *order)
{
    sqlite3_stmt *sentence = sqlite->sentences[which];
    sqlite3_bind_text(sentence, 1, order->bytes, (int)order->query.space_bytes,
                      SQLITE_STATIC);
    bind(sentence, 2, key_of(order), order->query.key_bytes);
    return sentence;
}

/* False when there is no room. */
static bool keep(struct moon_sqlite *sqlite, const void *bytes, uint64_t length)
{
    if (length > sizeof sqlite->bytes - sqlite->used) {
        return false;
    }
    if (length > 0) {
        memcpy(sqlite->bytes + sqlite->used, bytes, length);
    }
    sqlite->used += (uint32_t)length;
    return true;
}

static enum moon_store_outcome find(struct moon_sqlite *sqlite,
                                    const struct moon_sqlite_order *order)
{
    enum moon_store_outcome outcome = MOON_STORE_ABSENT;
    sqlite3_stmt *sentence = about(sqlite, MOON_FIND, order);
    sqlite3_bind_int64(sentence, 3, (sqlite3_int64)order->now_ms);
    int status = sqlite3_step(sentence);
    if (status == SQLITE_ROW) {
        const void *value = sqlite3_column_blob(sentence, 0);
        bool has_room =
            keep(sqlite, value, (uint64_t)sqlite3_column_bytes(sentence, 0));
        outcome = has_room ? MOON_STORE_DONE : MOON_STORE_FAILED;
        if (!has_room) {
            (void)snprintf(sqlite->problem, sizeof sqlite->problem,
                           "a value is too long");
        }
    } else if (status != SQLITE_DONE) {
        (void)moon_sqlite_fail(sqlite);
        outcome = MOON_STORE_FAILED;
    }
    sqlite3_reset(sentence);
    return outcome;
}

static enum moon_store_outcome put(struct moon_sqlite *sqlite,
                                   const struct moon_sqlite_order *order)
{
    sqlite3_stmt *sentence = about(sqlite, MOON_PUT, order);
    bind(sentence, 3, value_of(order), order->query.value_bytes);
    sqlite3_bind_int64(sentence, 4, (sqlite3_int64)order->query.expires_ms);
    bool is_done = begin(sqlite) && carry_out(sqlite, MOON_PUT);
    return is_done ? MOON_STORE_DONE : MOON_STORE_FAILED;
}

static enum moon_store_outcome erase(struct moon_sqlite *sqlite,
                                     const struct moon_sqlite_order *order)
{
    (void)about(sqlite, MOON_DELETE, order);
    bool is_done = begin(sqlite) && carry_out(sqlite, MOON_DELETE);
    return is_done ? MOON_STORE_DONE : MOON_STORE_FAILED;
}

static enum moon_store_outcome swap(struct moon_sqlite *sqlite,
                                    const struct moon_sqlite_order *order)
{
    const struct moon_query *query = &order->query;
    enum moon_store_outcome found = find(sqlite, order);
    if (found == MOON_STORE_FAILED) {
        return found;
    }
    bool is_expected =
        query->must_be_new
            ? found == MOON_STORE_ABSENT
            : found == MOON_STORE_DONE && sqlite->used == query->expected_bytes &&
                  memcmp(sqlite->bytes, expected_of(order), query->expected_bytes) == 0;
    sqlite->used = 0;
    return is_expected ? put(sqlite, order) : MOON_STORE_CHANGED;
}

/* ---- scans ---- */

/* Whether the bytes begin with the prefix. */
static bool begins(const void *bytes, uint32_t length, const char *prefix,
                   uint32_t prefix_bytes)
{
    return length >= prefix_bytes &&
           (prefix_bytes == 0 || memcmp(bytes, prefix, prefix_bytes) == 0);
}

/* Where a scan starts: at its prefix, or at the least key that comes after `after`. */
static uint32_t start_of(const struct moon_sqlite_order *order,
                         char start[MOON_STORE_MAX_KEY_BYTES + 1])
{
    const char *prefix = key_of(order), *after = value_of(order);
    uint32_t prefix_bytes = order->query.key_bytes;
    uint32_t after_bytes = order->query.value_bytes;
    uint32_t common = prefix_bytes < after_bytes ? prefix_bytes : after_bytes;
    int side = memcmp(after, prefix, common);
    if (after_bytes > 0 && (side > 0 || (side == 0 && after_bytes >= prefix_bytes))) {
        memcpy(start, after, after_bytes);
        start[after_bytes] = '\0';
        return after_bytes + 1;
    }
    memcpy(start, prefix, prefix_bytes);
    return prefix_bytes;
}

static bool keep_entry(struct moon_sqlite *sqlite, sqlite3_stmt *sentence)
{
    const uint32_t lengths[2] = {(uint32_t)sqlite3_column_bytes(sentence, 0),
                                 (uint32_t)sqlite3_column_bytes(sentence, 1)};
    uint64_t length = MOON_PAIR_BYTES + (uint64_t)lengths[0] + lengths[1];
    bool has_room =
        sqlite->used == 0 || sqlite->used + length <= MOON_STORE_MAX_SCAN_BYTES;
    return has_room && length <= sizeof sqlite->bytes &&
           keep(sqlite, lengths, sizeof lengths) &&
           keep(sqlite, sqlite3_column_blob(sentence, 0), lengths[0]) &&
           keep(sqlite, sqlite3_column_blob(sentence, 1), lengths[1]);
}

static enum moon_store_outcome scan(struct moon_sqlite *sqlite,
                                    const struct moon_sqlite_order *order,
                                    uint32_t *has_more)
{
    char start[MOON_STORE_MAX_KEY_BYTES + 1];
    uint32_t count = 0;
    int status = SQLITE_DONE;
    sqlite3_stmt *sentence = about(sqlite, MOON_SCAN, order);
    bind(sentence, 2, start, start_of(order, start));
    sqlite3_bind_int64(sentence, 3, (sqlite3_int64)order->now_ms);
    while (*has_more == 0 && (status = sqlite3_step(sentence)) == SQLITE_ROW &&
           begins(sqlite3_column_blob(sentence, 0),
                  (uint32_t)sqlite3_column_bytes(sentence, 0), key_of(order),
                  order->query.key_bytes)) {
        *has_more = count == order->query.limit || !keep_entry(sqlite, sentence);
        count++;
    }
    bool is_good =
        status == SQLITE_DONE || status == SQLITE_ROW || moon_sqlite_fail(sqlite);
    if (is_good && count == 1 && *has_more) {
        is_good = false; /* without this it would be asked for again and again */
        (void)snprintf(sqlite->problem, sizeof sqlite->problem, "an entry is too long");
    }
    sqlite3_reset(sentence);
    return is_good ? MOON_STORE_DONE : MOON_STORE_FAILED;
}

void moon_sqlite_obey(struct moon_sqlite *sqlite, const struct moon_sqlite_order *order,
                      struct moon_sqlite_answer *answer)
{
    enum moon_store_outcome outcome = MOON_STORE_FAILED;
    uint32_t has_more = 0;
    sqlite->used = 0;
    switch (order->operation) {
    case MOON_STORE_GET:
        outcome = find(sqlite, order);
        break;
    case MOON_STORE_PUT:
        outcome = put(sqlite, order);
        break;
    case MOON_STORE_DELETE:
        outcome = erase(sqlite, order);
        break;
    case MOON_STORE_SWAP:
        outcome = swap(sqlite, order);
        break;
    case MOON_STORE_SCAN:
        outcome = scan(sqlite, order, &has_more);
        break;
    }
    *answer = (struct moon_sqlite_answer){
        .outcome = outcome,
        .has_more = has_more,
        .bytes = sqlite->bytes,
        .length = outcome == MOON_STORE_DONE ? sqlite->used : 0,
    };
}

int moon_sqlite_sweep(struct moon_sqlite *sqlite, uint64_t now_ms, uint32_t limit)
{
    sqlite3_stmt *sentence = sqlite->sentences[MOON_SWEEP];
    sqlite3_bind_int64(sentence, 1, (sqlite3_int64)now_ms);
    sqlite3_bind_int64(sentence, 2, limit);
    bool is_done = begin(sqlite) && carry_out(sqlite, MOON_SWEEP);
    return is_done ? sqlite3_changes(sqlite->db) : -1;
}
