/* SPDX-License-Identifier: MIT */
#include "log.h"
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_BYTES = 4096, /* longer lines are cut; a pipe that is writable takes so many */
};

static const char *const words[] = {"error", "warn", "info", "debug"};

static enum moon_level threshold = MOON_INFO;
static atomic_uint lost; /* lines since the last one that went out */

void moon_log_set_level(enum moon_level level)
{
    threshold = level;
}

bool moon_log_has(enum moon_level level)
{
    return level <= threshold;
}

/* Copies `c` so that it cannot pretend to be a line of its own. */
static size_t escape(char *out, unsigned char c)
{
    if (c == '\n') {
        memcpy(out, "\n    ", 5);
        return 5;
    }
    if ((c < 0x20 && c != '\t') || c == 0x7f) {
        static const char hex[] = "0123456789abcdef";
        const char code[] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
        memcpy(out, code, sizeof code);
        return sizeof code;
    }
    *out = (char)c;
    return 1;
}

static void write_line(const char *line, size_t length)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1) {
        atomic_fetch_add(&lost, 1);
        return;
    }
    unsigned count = atomic_exchange(&lost, 0);
    if (count > 0) {
        (void)dprintf(STDERR_FILENO, "(%u lines are lost: nobody read the log)\n",
                      count);
    }
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* there is nowhere to say that the log is gone */
}

void moon_log_text(enum moon_level level, const char *bytes, uint64_t length)
{
    if (!moon_log_has(level)) {
        return;
    }
    char line[LINE_BYTES];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    used += (size_t)snprintf(line + used, sizeof line - used, ".%03dZ %-5s ",
                             (int)(now.tv_nsec / 1000000), words[level]);
    for (uint64_t i = 0; i < length && used < sizeof line - 8; i++) {
        unsigned char c = (unsigned char)bytes[i];
        /* U+0080 to U+009F are C2 80 to C2 9F: some terminals obey them. */
        bool is_c1 =
            c == 0xC2 && i + 1 < length && ((unsigned char)bytes[i + 1] & 0xE0) == 0x80;
        used += escape(line + used, is_c1 ? '?' : c);
        i += is_c1;
    }
    line[used++] = '\n';
    write_line(line, used);
}

void moon_log(enum moon_level level, const char *area, const char *format, ...)
{
    if (!moon_log_has(level)) {
        return;
    }
    char text[LINE_BYTES];
    int used = snprintf(text, sizeof text, "%s: ", area);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    va_end(arguments);
    size_t length = (size_t)used + (more > 0 ? (size_t)more : 0);
    moon_log_text(level, text, length < sizeof text ? length : sizeof text - 1);
}
