/* embedded.h - the texts that embed.cmake has put into the binary.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stddef.h>

/* A Lua module of bindings/moongate/, or a plugin. */
struct moon_module {
    const char *name;  /* as require() knows it; NULL ends the list */
    const char *chunk; /* for tracebacks */
    const char *text;
    size_t length;
};

extern const struct moon_module moon_modules[];

/* Any other file. */
struct moon_text {
    const char *name; /* path from the folder of the sources; NULL ends the list */
    const char *bytes;
    size_t length;
};

extern const struct moon_text moon_texts[];

/* core/types.h and bindings/api.h, without their # lines. */
extern const char moon_cdef[];
