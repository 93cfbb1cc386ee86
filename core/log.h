/* log.h - one line per event on stderr: time (UTC), level, area, text.
 *
 * Each line is one write(2), so lines of several threads never mix. Control
 * characters are escaped: nothing a client sends can forge a line. When nobody reads
 * stderr, lines are lost and counted: the log must not stop a heartbeat.
 * Thread: any; the level is set before threads start.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum moon_level {
    MOON_ERROR,
    MOON_WARN,
    MOON_INFO,
    MOON_DEBUG,
};

void moon_log_set_level(enum moon_level level);

bool moon_log_has(enum moon_level level);

/* `area` is the file stem or the plugin that speaks; the rest as printf. */
void moon_log(enum moon_level level, const char *area, const char *format, ...);

/* The same for text that is not NUL-terminated; newlines are kept as "\n    ". */
void moon_log_text(enum moon_level level, const char *bytes, uint64_t length);
