/* fuzz.h - what the fuzz targets share: their data read as numbers and texts, and a
 * check that ends the process.
 *
 * Beyond the end of the data everything is 0 and every text is empty, so any data is a
 * program.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What libFuzzer calls, once for each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define EXPECT(condition) fuzz_expect(condition, #condition, __FILE__, __LINE__)

static inline void fuzz_expect(bool is_so, const char *what, const char *file, int line)
{
    if (!is_so) {
        (void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
        abort();
    }
}

struct fuzz {
    const uint8_t *at, *end;
};

static inline uint32_t fuzz_byte(struct fuzz *fuzz)
{
    return fuzz->at < fuzz->end ? *fuzz->at++ : 0;
}

/* 0 to 65535 */
static inline uint32_t fuzz_number(struct fuzz *fuzz)
{
    uint32_t high = fuzz_byte(fuzz);
    return high << 8 | fuzz_byte(fuzz);
}

static inline uint64_t fuzz_wide(struct fuzz *fuzz)
{
    uint64_t number = 0;
    for (int i = 0; i < 4; i++) {
        number = number << 16 | fuzz_number(fuzz);
    }
    return number;
}

/* As many bytes as there are, at most *bytes. Borrowed from the data. */
static inline const char *fuzz_bytes(struct fuzz *fuzz, uint32_t *bytes)
{
    const char *start = (const char *)fuzz->at;
    if (*bytes > (size_t)(fuzz->end - fuzz->at)) {
        *bytes = (uint32_t)(fuzz->end - fuzz->at);
    }
    fuzz->at += *bytes;
    return start;
}

/* The text up to `separator`, which is skipped, or to the end; NUL-terminated, in
 * memory of just its length: a sanitizer notices the first byte read beyond it. The
 * caller frees it. */
static inline char *fuzz_text(struct fuzz *fuzz, const char *separator)
{
    const uint8_t *stop = fuzz->end;
    size_t length = strlen(separator);
    for (const uint8_t *at = fuzz->at; stop == fuzz->end && at + length <= stop; at++) {
        if (length > 0 && memcmp(at, separator, length) == 0) {
            stop = at;
        }
    }
    char *text = strndup((const char *)fuzz->at, (size_t)(stop - fuzz->at));
    fuzz->at = stop == fuzz->end ? stop : stop + length;
    return text;
}
