/* admin.h - the Unix socket where an operator asks: one line in, one line back.
 *
 * A line goes up as MOON_ASKED with a ticket; what answers it comes back through
 * moon_admin_tell(). A client has one request under way, and what it sends meanwhile
 * waits in its socket. Knows nothing of what the lines say.
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "config.h"
#include "gate.h"

struct moon_admin;

/* Listens at config->admin. NULL on failure, with one line on stderr. */
struct moon_admin *moon_admin_create(struct moon_gate *gate,
                                     const struct moon_config *config);

/* Hangs up on everybody and removes the file; the rest is freed by the loop. NULL is
 * fine. */
void moon_admin_destroy(struct moon_admin *admin);

/* Answers a request, as bindings/api.h describes it. Without a socket nobody asks:
 * MOON_EGONE. */
int moon_admin_tell(struct moon_admin *admin, uint64_t ticket, const char *bytes,
                    uint64_t length);

/* The same client, as the kernel knows it. MOON_EGONE when it has hung up, too. */
int moon_admin_asker(struct moon_admin *admin, uint64_t ticket,
                     struct moon_asker *asker);
