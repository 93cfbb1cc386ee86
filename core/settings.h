/* settings.h - the table of what an operator may set: names, ranges, help. config.c
 * reads the command line and the environment by it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum moon_setting_kind {
    MOON_SETTING_NUMBER, /* min to max */
    MOON_SETTING_TEXT,
    MOON_SETTING_WORD, /* one of `words`; its place among them, plus `min`, is stored */
};

struct moon_setting {
    const char *name, *environment;
    enum moon_setting_kind kind;
    size_t offset; /* in struct moon_config */
    uint32_t min, max;
    const char *words; /* separated by spaces */
    const char *help;
};

enum {
    MOON_SETTINGS = 47,
};

extern const struct moon_setting moon_settings[MOON_SETTINGS];
