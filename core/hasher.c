/* SPDX-License-Identifier: MIT */
#include "hasher.h"
#include "mem.h"
#include "password.h"
#include "worker.h"
#include <string.h>

struct moon_hasher {
    struct moon_worker worker;
};

/* ---- the worker's calls ---- */

static void obey(void *owner, const struct moon_record *record, const char *bytes,
                 uint64_t length)
{
    struct moon_hasher *hasher = owner;
    char hash[MOON_MAX_HASH_BYTES] = "";
    const uint64_t password_bytes = record->reason;
    uint32_t outcome =
        password_bytes == length
            ? moon_password_hash(bytes, length, hash)
            : moon_password_check(bytes, password_bytes, bytes + password_bytes,
                                  length - password_bytes);
    const struct moon_record hashed = {
        .kind = MOON_HASHED, .code = (uint16_t)outcome, .subject = record->subject};
    moon_worker_emit(&hasher->worker, &hashed, hash, strlen(hash));
    /* The turn may have fifteen more to go, and nobody is to wait for those. */
    moon_wake_signal(hasher->worker.logic);
}

static void flush(void *owner)
{
    (void)owner;
}

static bool is_done(void *owner)
{
    (void)owner;
    return true;
}

/* ---- life ---- */

struct moon_hasher *moon_hasher_create(struct moon_wake *logic)
{
    static const struct moon_worker_calls calls = {obey, flush, is_done};
    struct moon_hasher *hasher = moon_alloc(sizeof *hasher);
    moon_worker_init(&hasher->worker, &calls, hasher, logic);
    return hasher;
}

void moon_hasher_attach(struct moon_hasher *hasher, struct moon_lanes *lanes)
{
    moon_worker_attach(&hasher->worker, lanes);
}

void moon_hasher_start(struct moon_hasher *hasher)
{
    moon_worker_start(&hasher->worker);
}

void moon_hasher_destroy(struct moon_hasher *hasher)
{
    moon_worker_join(&hasher->worker);
    moon_worker_fini(&hasher->worker);
    moon_free(hasher);
}
