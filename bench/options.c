/* SPDX-License-Identifier: MIT */
#include "options.h"
#include "dialect.h"
#include "payload.h"
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELP = 1000,
    TEXT_BYTES = 96,
    PAIRS = 250000000, /* 4 bytes each */
};

/* Scenarios, as bits. */
enum {
    ECHO = 1 << MOON_BENCH_ECHO,
    ROOM = 1 << MOON_BENCH_ROOM,
    CHAT = 1 << MOON_BENCH_CHAT,
    IDLE = 1 << MOON_BENCH_IDLE,
    STORM = 1 << MOON_BENCH_STORM,
    TALK = ECHO | ROOM | CHAT,
    HELD = TALK | IDLE,
    ALL = HELD | STORM,
};

static const char *const scenario_names[] = {"echo", "room", "chat", "idle", "storm"};

const char *moon_bench_scenario_name(uint32_t scenario)
{
    return scenario_names[scenario];
}

enum kind {
    NUMBER,
    SECONDS, /* with decimals; kept in milliseconds, as min and max are */
    DIALECT,
    TEXT,
    FLAG,
};

struct setting {
    const char *name;
    enum kind kind;
    uint32_t scenarios; /* those that know it */
    size_t offset;
    uint32_t min, max;
    const char *help;
};

#define AT(field) offsetof(struct moon_bench_options, field)

static const struct setting settings[] = {
    {"connections", NUMBER, ECHO | IDLE, AT(connections), 1, 1000000,
     "echo, idle: connections (100)"},
    {"rooms", NUMBER, ROOM | CHAT | IDLE, AT(rooms), 1, 1000000,
     "room, chat: rooms (1); idle: spread over so many (none)"},
    {"members", NUMBER, ROOM | CHAT | IDLE, AT(members), 1, 1000000,
     "room, chat: connections in each room (100); idle: the same (none)"},
    {"in-flight", NUMBER, TALK, AT(in_flight), 1, 65536,
     "echo, room, chat: messages of a sender under way at once (1)"},
    {"rate", NUMBER, TALK, AT(rate), 1, 100000000,
     "echo, room, chat: instead, messages a second in all, by schedule"},
    {"connections-per-second", NUMBER, STORM, AT(connections_per_second), 0, 1000000,
     "storm: upgrades begun a second; 0: as fast as it goes (0)"},
    {"concurrency", NUMBER, STORM, AT(concurrency), 1, 100000,
     "storm: connections at once (50)"},
    {"protocol", DIALECT, ALL, AT(dialect), 0, 0,
     "relay, moongate.v1.json, moongate.v1.msgpack or socket.io (relay)"},
    {"binary", FLAG, TALK, AT(is_binary), 0, 1, "relay: binary frames instead of text"},
    {"bytes", NUMBER, TALK, AT(bytes), MOON_PAYLOAD_MIN, MOON_PAYLOAD_MAX,
     "length of a payload (64)"},
    {"first-room", NUMBER, HELD, AT(first_room), 0, 1000000000,
     "number of the first room: another one for each generator (0)"},
    {"duration-s", SECONDS, ALL, AT(duration_ms), 50, 86400000,
     "seconds to measure, after the warm-up (10)"},
    {"warmup-s", SECONDS, ALL, AT(warmup_ms), 0, 3600000,
     "seconds under load before that (1)"},
    {"connect-rate", NUMBER, HELD, AT(connect_rate), 1, 1000000,
     "connections opened a second, at most 200 at once (2000)"},
    {"timeout-s", SECONDS, ALL, AT(timeout_ms), 50, 3600000,
     "seconds to wait for a connection, and at the end for what is missing (10)"},
    {"source-addresses", NUMBER, ALL, AT(source_addresses), 1, 250,
     "connect from 127.0.0.1 to 127.0.0.N by turns (1)"},
    {"pid", TEXT, ALL, AT(pids_text), 0, 0,
     "processes of the server, comma-separated: their CPU and memory"},
    {"cpu", NUMBER, ALL, AT(cpu), 0, MOON_BENCH_ANY_CPU - 1,
     "run on this CPU only (any)"},
    {"json", FLAG, ALL, AT(is_json), 0, 1, "one JSON object instead of the table"},
    {"quiet", FLAG, ALL, AT(is_quiet), 0, 1, "no line a second on stderr"},
};

enum {
    SETTINGS = sizeof settings / sizeof settings[0],
};

static enum moon_bench_choice bad(const char *what, const char *value,
                                  const char *expected)
{
    (void)fprintf(stderr, "moongate bench: %s %s: %s\n", what, value, expected);
    return MOON_BENCH_BAD;
}

static bool complain(const char *what, const char *value, const char *expected)
{
    return bad(what, value, expected) == MOON_BENCH_RUN;
}

static bool read_number(const struct setting *setting, const char *what,
                        const char *value, uint32_t *out)
{
    char expected[TEXT_BYTES];
    char *end = NULL;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < (long)setting->min ||
        number > (long)setting->max) {
        (void)snprintf(expected, sizeof expected,
                       "expected a whole number from %u to %u", setting->min,
                       setting->max);
        return complain(what, value, expected);
    }
    *out = (uint32_t)number;
    return true;
}

static bool read_seconds(const struct setting *setting, const char *what,
                         const char *value, uint32_t *out)
{
    char expected[TEXT_BYTES];
    char *end = NULL;
    double seconds = strtod(value, &end);
    double least = setting->min / 1000.0, most = setting->max / 1000.0;
    if (end == value || *end != '\0' || !(seconds >= least && seconds <= most)) {
        (void)snprintf(expected, sizeof expected, "expected seconds from %g to %g",
                       least, most);
        return complain(what, value, expected);
    }
    *out = (uint32_t)(seconds * 1000 + 0.5);
    return true;
}

static bool apply(struct moon_bench_options *options, const struct setting *setting,
                  const char *value)
{
    void *field = (char *)options + setting->offset;
    char what[TEXT_BYTES];
    (void)snprintf(what, sizeof what, "--%s", setting->name);
    if ((setting->scenarios & 1u << options->scenario) == 0) {
        return complain(what, value == NULL ? "" : value,
                        "not for this scenario; see --help");
    }
    switch (setting->kind) {
    case NUMBER:
        return read_number(setting, what, value, field);
    case SECONDS:
        return read_seconds(setting, what, value, field);
    case DIALECT:
        return moon_dialect_find(value, field) ||
               complain(what, value,
                        "expected one of: relay moongate.v1.json socket.io");
    case TEXT:
        *(const char **)field = value;
        return true;
    case FLAG:
        *(uint32_t *)field = 1;
        return true;
    }
    return false;
}

static void print_help(void)
{
    puts("usage: moongate bench SCENARIO [options] URL\n"
         "\n"
         "Puts a server under load and checks every message that comes back.\n"
         "URL is ws://HOST[:PORT]/PATH, or wss:// for TLS 1.2 or newer, where the\n"
         "certificate of the server is not verified; {room} in it stands for the name\n"
         "of a room: r0, r1, ...\n"
         "\n"
         "  echo     each connection hears what it says\n"
         "  room     in each room one member speaks and all hear it\n"
         "  chat     in each room all speak and all hear all\n"
         "  idle     connections are held: what one costs in memory\n"
         "  storm    connections come and go: upgrades a second\n"
         "\n"
         "options:");
    for (int i = 0; i < SETTINGS; i++) {
        printf("  --%-24s %s\n", settings[i].name, settings[i].help);
    }
    puts("  --help                     this text\n"
         "\n"
         "Exit status: 0 all was well; 1 something was lost, wrong or refused; 2 this\n"
         "command line is.");
}

static enum moon_bench_choice bad_option(int choice, const char *word)
{
    char letter[] = {'-', (char)optopt, '\0'};
    if (choice == ':') {
        return bad("option", word, "a value is missing");
    }
    bool is_letter = optopt > 0 && optopt < 128;
    return bad("option", is_letter ? letter : word, "unknown; see --help");
}

static enum moon_bench_choice read_options(struct moon_bench_options *options, int argc,
                                           char **argv)
{
    struct option known[SETTINGS + 2];
    memset(known, 0, sizeof known);
    for (int i = 0; i < SETTINGS; i++) {
        int has_value = settings[i].kind == FLAG ? no_argument : required_argument;
        known[i] = (struct option){settings[i].name, has_value, NULL, i};
    }
    known[SETTINGS] = (struct option){"help", no_argument, NULL, HELP};
    int choice = 0;
    opterr = 0;
    while ((choice = getopt_long(argc, argv, ":", known, NULL)) != -1) {
        if (choice == HELP) {
            print_help();
            return MOON_BENCH_DONE;
        }
        if (choice == '?' || choice == ':') {
            return bad_option(choice, argv[optind - 1]);
        }
        if (!apply(options, &settings[choice], optarg)) {
            return MOON_BENCH_BAD;
        }
    }
    return MOON_BENCH_RUN;
}

static bool read_pids(struct moon_bench_options *options)
{
    const char *at = options->pids_text;
    while (at != NULL && *at != '\0') {
        char *end = NULL;
        long pid = strtol(at, &end, 10);
        if (end == at || pid <= 0 || pid > INT32_MAX || (*end != '\0' && *end != ',') ||
            (*end == ',' && end[1] == '\0') || options->pid_count == MOON_BENCH_PIDS) {
            return complain("--pid", options->pids_text,
                            "expected at most 16 process ids, comma-separated");
        }
        options->pids[options->pid_count++] = (uint32_t)pid;
        at = *end == ',' ? end + 1 : end;
    }
    return true;
}

static bool check(struct moon_bench_options *options)
{
    bool is_talk = (TALK & 1u << options->scenario) != 0;
    bool needs_room = !moon_dialect_names_rooms(options->dialect) &&
                      options->rooms > 1 && is_talk &&
                      options->scenario != MOON_BENCH_ECHO;
    if (needs_room && strstr(options->url, "{room}") == NULL) {
        return complain("URL", options->url,
                        "expected {room} in it, for several rooms");
    }
    if (options->rate > 0 && options->in_flight > 0) {
        return complain("--in-flight and --rate", "", "only one of them");
    }
    if (options->scenario == MOON_BENCH_IDLE && options->rooms > 0 &&
        options->members > 0) {
        return complain("--rooms and --members", "", "only one of them for idle");
    }
    if (options->is_binary != 0 && options->dialect != MOON_DIALECT_RELAY) {
        return complain("--binary", "", "only for --protocol relay");
    }
    if ((uint64_t)options->rooms * options->members > 1000000 && is_talk) {
        return complain("--rooms and --members", "", "at most 1000000 connections");
    }
    if (options->scenario == MOON_BENCH_CHAT &&
        (uint64_t)options->rooms * options->members * options->members > PAIRS) {
        return complain("--members", "", "too many that hear each other");
    }
    if (options->in_flight == 0 && options->rate == 0 && is_talk) {
        options->in_flight = 1;
    }
    return read_pids(options);
}

/* What a scenario does not know of stays 0, in the report, too. */
static void set_defaults(struct moon_bench_options *options, uint32_t scenario)
{
    bool has_rooms = scenario == MOON_BENCH_ROOM || scenario == MOON_BENCH_CHAT;
    bool has_talk = has_rooms || scenario == MOON_BENCH_ECHO;
    *options = (struct moon_bench_options){
        .scenario = scenario,
        .connections = scenario == MOON_BENCH_STORM ? 0 : 100,
        .rooms = has_rooms ? 1 : 0,
        .members = has_rooms ? 100 : 0,
        .bytes = has_talk ? 64 : 0,
        .duration_ms = 10000,
        .warmup_ms = 1000,
        .timeout_ms = 10000,
        .connect_rate = 2000,
        .concurrency = scenario == MOON_BENCH_STORM ? 50 : 0,
        .source_addresses = 1,
        .cpu = MOON_BENCH_ANY_CPU,
    };
}

enum moon_bench_choice moon_bench_options_read(struct moon_bench_options *options,
                                               int argc, char **argv)
{
    uint32_t scenario = 0;
    const char *word = argc > 1 ? argv[1] : "--help";
    if (strcmp(word, "--help") == 0) {
        print_help();
        return argc > 1 ? MOON_BENCH_DONE : MOON_BENCH_BAD;
    }
    while (scenario < MOON_BENCH_SCENARIOS &&
           strcmp(word, scenario_names[scenario]) != 0) {
        scenario++;
    }
    if (scenario == MOON_BENCH_SCENARIOS) {
        return bad("scenario", word, "expected one of: echo room chat idle storm");
    }
    set_defaults(options, scenario);
    enum moon_bench_choice choice = read_options(options, argc - 1, argv + 1);
    if (choice != MOON_BENCH_RUN) {
        return choice;
    }
    if (optind + 1 != argc - 1) {
        return optind + 1 > argc - 1
                   ? bad("URL", "is missing",
                         "expected ws://HOST:PORT/PATH or wss://HOST:PORT/PATH")
                   : bad("argument", argv[optind + 2], "one URL at most");
    }
    options->url = argv[optind + 1];
    return check(options) ? MOON_BENCH_RUN : MOON_BENCH_BAD;
}
