/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "mem.h"
#include "store_sqlite_state.h"
#include <stdio.h>
#include <string.h>

enum {
    APPLICATION_ID = 0x6d6f6f6e, /* "moon" */
    SCHEMA = 1,
};

/* With an id of its own a row's long value stays out of the index. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, space TEXT NOT NULL, key BLOB NOT "
    "NULL,"
    " value BLOB NOT NULL, expires_ms INTEGER NOT NULL, UNIQUE (space, key)) STRICT;"
    "CREATE INDEX expiring ON entry (expires_ms) WHERE expires_ms > 0;"
    "PRAGMA application_id = 1836019566;"
    "PRAGMA user_version = 1;"
    "COMMIT";

static bool execute(struct moon_sqlite *sqlite, const char *text)
{
    return sqlite3_exec(sqlite->db, text, NULL, NULL, NULL) == SQLITE_OK ||
           moon_sqlite_fail(sqlite);
}

/* What SQLite's refusal means to an operator. */
static void explain(struct moon_sqlite *sqlite)
{
    char reason[MOON_SQLITE_PROBLEM_BYTES / 2];
    (void)snprintf(reason, sizeof reason, "%s", sqlite3_errmsg(sqlite->db));
    int number = sqlite3_system_errno(sqlite->db);
    const char *format = NULL;
    switch (sqlite3_errcode(sqlite->db)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        format = "is in use by another process (%s); stop that one, or name another "
                 "file";
        break;
    case SQLITE_NOTADB:
        format = "expected a store of moongate, found another file (%s); name another "
                 "one";
        break;
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* there is no such table */
        format = "is damaged (%s); put a backup in its place, or move it away to begin "
                 "with an empty store";
        break;
    default:
        if (number != 0) {
            (void)snprintf(reason, sizeof reason, "%s: %s", sqlite3_errmsg(sqlite->db),
                           strerror(number));
        }
        format =
            "cannot be opened (%s); expected a file, in a folder, that may be read "
            "and written";
        break;
    }
    (void)snprintf(sqlite->problem, sizeof sqlite->problem, format, reason);
}

/* The first column of the first row, as text[capacity]; false when SQLite refuses. */
static bool ask(struct moon_sqlite *sqlite, const char *question, char *text,
                size_t capacity)
{
    sqlite3_stmt *sentence = NULL;
    if (sqlite3_prepare_v2(sqlite->db, question, -1, &sentence, NULL) != SQLITE_OK) {
        return false;
    }
    bool is_answered = sqlite3_step(sentence) == SQLITE_ROW;
    if (is_answered) {
        const unsigned char *answer = sqlite3_column_text(sentence, 0);
        (void)snprintf(text, capacity, "%s",
                       answer == NULL ? "" : (const char *)answer);
    }
    return sqlite3_finalize(sentence) == SQLITE_OK && is_answered;
}

static bool ask_number(struct moon_sqlite *sqlite, const char *question,
                       sqlite3_int64 *number)
{
    sqlite3_stmt *sentence = NULL;
    if (sqlite3_prepare_v2(sqlite->db, question, -1, &sentence, NULL) != SQLITE_OK) {
        return false;
    }
    bool is_answered = sqlite3_step(sentence) == SQLITE_ROW;
    *number = is_answered ? sqlite3_column_int64(sentence, 0) : 0;
    return sqlite3_finalize(sentence) == SQLITE_OK && is_answered;
}

static bool is_whole(struct moon_sqlite *sqlite)
{
    char found[MOON_SQLITE_PROBLEM_BYTES / 2];
    if (!ask(sqlite, "PRAGMA quick_check(1)", found, sizeof found)) {
        explain(sqlite);
        return false;
    }
    if (strcmp(found, "ok") != 0) {
        (void)snprintf(sqlite->problem, sizeof sqlite->problem,
                       "is damaged (%s); put a backup in its place, or move it away to "
                       "begin with an empty store",
                       found);
        return false;
    }
    return true;
}

/* Sets *is_new. A file that is not ours is left as it is. */
static bool recognise(struct moon_sqlite *sqlite, bool *is_new)
{
    sqlite3_int64 application = 0, version = 0, tables = 0;
    if (!execute(sqlite, "PRAGMA locking_mode = EXCLUSIVE") ||
        !ask_number(sqlite, "PRAGMA application_id", &application) ||
        !ask_number(sqlite, "PRAGMA user_version", &version) ||
        !ask_number(sqlite, "SELECT count(*) FROM sqlite_schema", &tables)) {
        explain(sqlite);
        return false;
    }
    *is_new = application == 0 && version == 0 && tables == 0;
    if (!*is_new && application != APPLICATION_ID) {
        (void)snprintf(sqlite->problem, sizeof sqlite->problem,
                       "expected a store of moongate, found another SQLite file "
                       "(application_id %lld); name another one",
                       (long long)application);
        return false;
    }
    if (version > SCHEMA) {
        (void)snprintf(sqlite->problem, sizeof sqlite->problem,
                       "expected schema %d, found %lld of a newer moongate; use that "
                       "one, or name another file",
                       SCHEMA, (long long)version);
        return false;
    }
    return *is_new || is_whole(sqlite);
}

static bool settle_in(struct moon_sqlite *sqlite, uint32_t sync, bool is_new)
{
    static const char *const syncs[] = {
        [MOON_SYNC_FULL] = "PRAGMA synchronous = FULL",
        [MOON_SYNC_NORMAL] = "PRAGMA synchronous = NORMAL",
        [MOON_SYNC_OFF] = "PRAGMA synchronous = OFF",
    };
    bool is_good = execute(sqlite, "PRAGMA journal_mode = WAL") &&
                   execute(sqlite, "PRAGMA journal_size_limit = 16777216") &&
                   execute(sqlite, "PRAGMA cache_size = -8192") && /* KiB */
                   execute(sqlite, syncs[sync]) &&
                   (!is_new || execute(sqlite, schema)) &&
                   execute(sqlite, "BEGIN IMMEDIATE; COMMIT");
    for (int i = 0; is_good && i < MOON_SENTENCES; i++) {
        is_good = sqlite3_prepare_v3(sqlite->db, moon_sentences[i], -1,
                                     SQLITE_PREPARE_PERSISTENT, &sqlite->sentences[i],
                                     NULL) == SQLITE_OK;
    }
    if (!is_good) {
        explain(sqlite);
    }
    return is_good;
}

struct moon_sqlite *moon_sqlite_open(const char *path, uint32_t sync,
                                     char problem[MOON_SQLITE_PROBLEM_BYTES])
{
    static const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    struct moon_sqlite *sqlite = moon_alloc(sizeof *sqlite);
    bool is_new = false;
    bool is_open = sqlite3_open_v2(path, &sqlite->db, flags, NULL) == SQLITE_OK;
    if (!is_open) {
        explain(sqlite);
    }
    if (is_open && recognise(sqlite, &is_new) && settle_in(sqlite, sync, is_new)) {
        return sqlite;
    }
    memcpy(problem, sqlite->problem, sizeof sqlite->problem);
    moon_sqlite_close(sqlite);
    return NULL;
}

void moon_sqlite_close(struct moon_sqlite *sqlite)
{
    if (sqlite == NULL) {
        return;
    }
    for (int i = 0; i < MOON_SENTENCES; i++) {
        sqlite3_finalize(sqlite->sentences[i]);
    }
    (void)sqlite3_close(sqlite->db);
    moon_free(sqlite);
}
