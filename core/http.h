/* http.h - the HTTP answers moongate writes itself; libwebsockets serves the files.
 *
 * Each is one whole HTTP/1.1 response with a body of one line, after which the
 * connection closes.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdint.h>

enum {
    MOON_HTTP_MAX_BYTES = 512,
};

/* Writes the response to out[MOON_HTTP_MAX_BYTES]; returns its length. */
uint32_t moon_http_response(char *out, uint32_t status, const char *line);

/* The status for a plain GET of `path` that is no file. */
uint32_t moon_http_status(const char *path);
