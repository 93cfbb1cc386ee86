/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "gate_state.h"

static bool is_key(uint32_t bytes)
{
    return bytes >= 1 && bytes <= MOON_STORE_MAX_KEY_BYTES;
}

static bool is_scan(const struct moon_query *query)
{
    return query->key_bytes <= MOON_STORE_MAX_KEY_BYTES &&
           query->value_bytes <= MOON_STORE_MAX_KEY_BYTES &&
           query->expected_bytes == 0 && query->limit >= 1 &&
           query->limit <= MOON_STORE_MAX_ENTRIES;
}

static bool is_query(const struct moon_errand *errand)
{
    const struct moon_query *query = errand->query;
    uint64_t length = (uint64_t)query->space_bytes + query->key_bytes +
                      query->value_bytes + query->expected_bytes;
    if (length != errand->length || !is_key(query->space_bytes)) {
        return false;
    }
    if (errand->operation == MOON_STORE_SCAN) {
        return is_scan(query);
    }
    return errand->operation < MOON_STORE_OPERATIONS && is_key(query->key_bytes) &&
           query->value_bytes <= MOON_STORE_MAX_VALUE_BYTES &&
           query->expected_bytes <= MOON_STORE_MAX_VALUE_BYTES;
}

int moon_gate_store(struct moon_gate *gate, const struct moon_errand *errand)
{
    if (gate->store == NULL || !is_query(errand)) {
        return MOON_EINVAL;
    }
    if (gate->metrics.store_pending >= MOON_STORE_MAX_UNDER_WAY) {
        return MOON_EFULL;
    }

    const struct {
        struct moon_record record;
        struct moon_query query;
    } head = {{.kind = MOON_STORE,
               .code = (uint16_t)errand->operation,
               .subject = errand->ticket},
              *errand->query};

    int status = moon_lane_push(&gate->lanes, gate->store_lane, &head, sizeof head,
                                errand->bytes, errand->length, false);
    gate->metrics.store_pending += status == MOON_OK;
    return status;
}
