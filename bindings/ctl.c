/* SPDX-License-Identifier: MIT */
#include "ctl.h"
#include "../core/mem.h"
#include "../core/socket_file.h"
#include "../core/types.h"
#include "ctl_script.h"
#include "ctl_wire.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FAILED = 1,
    BAD = 2,
    REQUEST_BYTES = 65536 + 1,
    FIRST_BYTES = 4096, /* of an answer; doubled as it comes */
    TIMEOUT_MS = 65000, /* a little more patience than the server has */
    MAX_TIMEOUT_MS = 3600000,
};

struct ctl {
    const char *path;
    uint32_t timeout_ms;
    int is_json; /* an int for getopt_long() */
};

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "moongate ctl: %s: %s\n", what, why);
    return BAD;
}

static int print_help(void)
{
    puts("usage: moongate ctl [options] COMMAND [arguments]\n"
         "\n"
         "Asks the server that was started with the same --admin. Which commands it "
         "has,\n"
         "it says itself: moongate ctl help. Arguments are name=value, or the values "
         "in\n"
         "the order that help shows.\n"
         "\n"
         "With a program at this end, and --options of their own (--help has them):\n"
         "  profile [--seconds S] [--plugin NAME] [--output PREFIX]\n"
         "  console [--plugin NAME] [--write] [--eval CODE]\n"
         "\n"
         "options:\n"
         "  --admin PATH       the server's socket (MOONGATE_ADMIN)\n"
         "  --json             print the answer as it comes\n"
         "  --timeout-ms MS    patience for it (65000)\n"
         "  --help             this text\n"
         "\n"
         "exit status: 0 done, 1 the command has failed, 2 it was not asked as it "
         "should\n"
         "be, or there is no server, or no answer");
    return 0;
}

/* ---- the conversation ---- */

/* Whoever finds no place there gets that for an answer, and is not listened to. */
static const char *say(int fd, const char *bytes, uint64_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return errno == EPIPE || errno == ECONNRESET ? NULL : strerror(errno);
        }
        bytes += sent;
        length -= (uint64_t)sent;
    }
    return NULL;
}

/* The answer without its end, terminated; the caller frees it. */
static const char *hear(int fd, char **line)
{
    uint64_t used = 0, capacity = FIRST_BYTES;
    *line = moon_alloc(capacity);
    while (used <= MOON_MAX_ANSWER_BYTES) {
        if (used == capacity) {
            capacity *= 2;
            *line = moon_realloc(*line, capacity);
        }
        ssize_t length = recv(fd, *line + used, capacity - used, 0);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0 && errno == EAGAIN) {
            return "no answer in time";
        }
        if (length <= 0) {
            return "the server has hung up without an answer";
        }
        char *end = memchr(*line + used, '\n', (size_t)length);
        if (end != NULL) {
            *end = '\0';
            return NULL;
        }
        used += (uint64_t)length;
    }
    return "an answer without end";
}

static const char *talk(const struct ctl *ctl, const char *request, uint64_t length,
                        char **line)
{
    int fd = -1;
    const char *problem = moon_socket_file_connect(ctl->path, ctl->timeout_ms, &fd);
    if (problem != NULL) {
        return problem;
    }
    problem = say(fd, request, length);
    if (problem == NULL) {
        problem = hear(fd, line);
    }
    close(fd);
    return problem;
}

/* ---- the answer ---- */

/* Names and texts come from files and from scripts: nothing in them shall move the
 * cursor, or worse. */
static void print(FILE *file, const char *text, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        unsigned char next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        bool is_c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
        bool is_control = (byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f;
        i += is_c1;
        (void)fputc(is_c1 || is_control ? '?' : byte, file);
    }
    (void)fputc('\n', file);
}

/* The codes of docs/operations.md that say so. */
static bool was_asked_badly(const char *code)
{
    return strcmp(code, "bad_request") == 0 || strcmp(code, "unknown_command") == 0 ||
           strcmp(code, "bad_argument") == 0;
}

static int report(const struct ctl *ctl, char *line)
{
    struct moon_ctl_answer answer;
    if (ctl->is_json) {
        puts(line);
    }
    if (!moon_ctl_read(&answer, line)) {
        return complain(ctl->path, "not the answer of a moongate");
    }
    if (!ctl->is_json && answer.is_ok) {
        const char *text = answer.text == NULL ? answer.data : answer.text;
        print(stdout, text,
              answer.text == NULL ? answer.data_length : strlen(answer.text));
    } else if (!ctl->is_json) {
        (void)fputs("moongate ctl: ", stderr);
        print(stderr, answer.message, strlen(answer.message));
    }
    if (answer.is_ok) {
        return 0;
    }
    return was_asked_badly(answer.code) ? BAD : FAILED;
}

static int ask(const struct ctl *ctl, const char *const *words, int count)
{
    char request[REQUEST_BYTES];
    uint64_t length = 0;
    char *line = NULL;
    const char *problem =
        moon_ctl_write(request, sizeof request, words, count, &length);
    if (problem != NULL) {
        return complain(words[0], problem);
    }
    problem = talk(ctl, request, length, &line);
    int status = problem == NULL ? report(ctl, line) : complain(ctl->path, problem);
    moon_free(line);
    return status;
}

static const char *talk_for(void *owner, const char *request, uint64_t length,
                            char **line)
{
    return talk(owner, request, length, line);
}

/* What these answer is more than a text. */
static bool has_script(const struct ctl *ctl, const char *command)
{
    return !ctl->is_json &&
           (strcmp(command, "profile") == 0 || strcmp(command, "console") == 0);
}

/* COMMAND --help: the server knows what it is. */
static int ask_help(const struct ctl *ctl, const char *command)
{
    const char *const words[] = {"help", command};
    return ask(ctl, words, 2);
}

/* ---- the command line ---- */

static bool is_help_option(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool read_timeout(struct ctl *ctl, const char *value)
{
    char *end = NULL;
    errno = 0;
    long number = strtol(value, &end, 10);
    ctl->timeout_ms = (uint32_t)number;
    return errno == 0 && end != value && *end == '\0' && number >= 1 &&
           number <= MAX_TIMEOUT_MS;
}

static int carry_out(const struct ctl *ctl, char **words, int count)
{
    bool is_script = has_script(ctl, words[0]);
    bool is_help = is_script && words[1] != NULL && strcmp(words[1], "--help") == 0;
    if (ctl->path == NULL && !is_help) {
        return complain("no server is named",
                        "--admin PATH or MOONGATE_ADMIN, as it was started with");
    }
    if (is_script) {
        return moon_ctl_script(words, ctl->path, talk_for, (void *)(uintptr_t)ctl);
    }
    if (count > 1 && is_help_option(words[count - 1])) {
        return ask_help(ctl, words[0]);
    }
    return ask(ctl, (const char *const *)words, count);
}

int moon_ctl_main(int argc, char **argv)
{
    struct ctl ctl = {.path = getenv("MOONGATE_ADMIN"), .timeout_ms = TIMEOUT_MS};
    const struct option options[] = {{"admin", required_argument, NULL, 'a'},
                                     {"json", no_argument, &ctl.is_json, 1},
                                     {"timeout-ms", required_argument, NULL, 't'},
                                     {"help", no_argument, NULL, 'h'},
                                     {0}};
    int choice = 0;
    opterr = 0;
    while ((choice = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
        if (choice == 'h') {
            return print_help();
        }
        if (choice == ':') {
            return complain(argv[optind - 1], "a value is missing");
        }
        if (choice == '?') {
            return complain(argv[optind - 1], "unknown option; see --help");
        }
        if (choice == 'a') {
            ctl.path = optarg;
        }
        if (choice == 't' && !read_timeout(&ctl, optarg)) {
            return complain("--timeout-ms",
                            "expected a whole number from 1 to 3600000");
        }
    }
    if (optind == argc) {
        return complain("usage",
                        "moongate ctl [options] COMMAND [arguments]; see --help");
    }
    return carry_out(&ctl, argv + optind, argc - optind);
}
