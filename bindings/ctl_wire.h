/* ctl_wire.h - the two lines that moongate ctl exchanges with a server: writes the
 * request, reads the answer.
 *
 * Knows as much of JSON as these two need; the server's answer is taken at its word.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* What an answer says; all points into its line. NULL when it is not there. */
struct moon_ctl_answer {
    bool is_ok;
    const char *text;
    const char *code, *message; /* of the error */
    const char *data;           /* as JSON */
    uint64_t data_length;
};

/* Writes a request with its end. `words` are the command and its arguments: all of them
 * name=value, or all of them values in the command's order. NULL, or what is wrong,
 * for people. */
const char *moon_ctl_write(char *line, uint64_t capacity, const char *const *words,
                           int count, uint64_t *length);

/* Reads an answer, a terminated string, and rewrites it. False when it is none. */
bool moon_ctl_read(struct moon_ctl_answer *answer, char *line);
