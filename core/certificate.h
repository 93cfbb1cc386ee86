/* certificate.h - notices that the certificate's files have changed, and checks the new
 * pair before any I/O thread is told.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>

struct moon_certificate;

/* Borrows the paths. The pair in force is the one that is there now; NULL, logged, when
 * it is not right. */
struct moon_certificate *moon_certificate_create(const char *cert_path,
                                                 const char *key_path);
void moon_certificate_destroy(struct moon_certificate *certificate);

/* To be called about once a second. True when a new pair, other than the one in force,
 * has been there unchanged since the last look and is right. What is wrong with it is
 * logged, once. */
bool moon_certificate_has_changed(struct moon_certificate *certificate);

/* The same, at once. */
bool moon_certificate_look(struct moon_certificate *certificate);
