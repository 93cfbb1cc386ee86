/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "conn.h"
#include "log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
    NUMBER,
    TEXT,
    LEVEL,
};

struct setting {
    const char *name, *environment;
    enum kind kind;
    size_t offset;
    uint32_t min, max;
    const char *help;
};

static const struct setting settings[] = {
    {"port", "MOONGATE_PORT", NUMBER, offsetof(struct moon_config, port), 0, 65535,
     "TCP port to listen on; 0 takes a free one (8080)"},
    {"host", "MOONGATE_HOST", TEXT, offsetof(struct moon_config, host), 0, 0,
     "IP address to listen on (127.0.0.1; 0.0.0.0 or :: for all)"},
    {"threads", "MOONGATE_THREADS", NUMBER, offsetof(struct moon_config, threads), 1,
     MOON_MAX_THREADS, "I/O threads (CPUs less one, at least 1)"},
    {"log", "MOONGATE_LOG", LEVEL, offsetof(struct moon_config, log_level), 0, 0,
     "error, warn, info or debug (info)"},
    {"static", "MOONGATE_STATIC", TEXT, offsetof(struct moon_config, static_dir), 0, 0,
     "folder of files to serve at / (examples/chat if it is there)"},
    {"origin", "MOONGATE_ORIGIN", TEXT, offsetof(struct moon_config, origins), 0, 0,
     "origins that may connect beside the server's own, comma-separated"},
    {"max-connections", "MOONGATE_MAX_CONNECTIONS", NUMBER,
     offsetof(struct moon_config, max_connections), 1, 1000000,
     "connections in all, shared out evenly to the threads (65536)"},
    {"max-message-bytes", "MOONGATE_MAX_MESSAGE_BYTES", NUMBER,
     offsetof(struct moon_config, max_message_bytes), 125, 262144,
     "longest message from a client, else it is closed with 1009 (65536)"},
    {"max-outbox-bytes", "MOONGATE_MAX_OUTBOX_BYTES", NUMBER,
     offsetof(struct moon_config, max_outbox_bytes), 1024, 268435456,
     "write queue of a connection, else it is closed with 4008 (1048576)"},
    {"max-outbox-messages", "MOONGATE_MAX_OUTBOX_MESSAGES", NUMBER,
     offsetof(struct moon_config, max_outbox_messages), 1, 1000000,
     "the same in messages (1024)"},
    {"ping-interval-ms", "MOONGATE_PING_INTERVAL_MS", NUMBER,
     offsetof(struct moon_config, ping_interval_ms), 100, 3600000,
     "time between pings to a client (25000)"},
    {"pong-timeout-ms", "MOONGATE_PONG_TIMEOUT_MS", NUMBER,
     offsetof(struct moon_config, pong_timeout_ms), 50, 3600000,
     "silence after a ping until it is closed with 4009 (10000)"},
    {"close-timeout-ms", "MOONGATE_CLOSE_TIMEOUT_MS", NUMBER,
     offsetof(struct moon_config, close_timeout_ms), 100, 60000,
     "patience for a client's answer to a Close (5000)"},
};

enum {
    SETTINGS = sizeof settings / sizeof *settings,
    HELP = 1000,
    VERSION,
};

static enum moon_config_result bad(const char *what, const char *value,
                                   const char *expected)
{
    (void)fprintf(stderr, "moongate: %s %s: %s\n", what, value, expected);
    return MOON_CONFIG_BAD;
}

static enum moon_config_result apply(struct moon_config *config,
                                     const struct setting *setting, const char *what,
                                     const char *value)
{
    void *field = (char *)config + setting->offset;
    enum moon_level level = MOON_INFO;
    char expected[80];
    char *end = NULL;
    switch (setting->kind) {
    case TEXT:
        *(const char **)field = value;
        return MOON_CONFIG_RUN;
    case LEVEL:
        if (!moon_log_parse_level(value, &level)) {
            return bad(what, value, "expected error, warn, info or debug");
        }
        *(uint32_t *)field = level;
        return MOON_CONFIG_RUN;
    case NUMBER:
        break;
    }
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < (long)setting->min ||
        number > (long)setting->max) {
        (void)snprintf(expected, sizeof expected,
                       "expected a whole number from %u to %u", setting->min,
                       setting->max);
        return bad(what, value, expected);
    }
    *(uint32_t *)field = (uint32_t)number;
    return MOON_CONFIG_RUN;
}

static void print_help(void)
{
    puts(
        "usage: moongate run [options] [APP]\n"
        "\n"
        "APP is a folder with an init.lua or one plugin file (MOONGATE_APP, scripts).\n"
        "SIGHUP reloads it, as saving a file does; SIGTERM and SIGINT stop the "
        "server.\n"
        "\n"
        "options, each also as an environment variable:");
    for (int i = 0; i < SETTINGS; i++) {
        printf("  --%-20s %s\n  %-22s %s\n", settings[i].name, settings[i].environment,
               "", settings[i].help);
    }
    puts("  --help                 this text\n"
         "  --version              the version");
}

/* `word` is where getopt_long() stopped; a letter may stand in the middle of it. */
static enum moon_config_result bad_option(int choice, const char *word)
{
    char letter[] = {'-', (char)optopt, '\0'};
    if (choice == ':') {
        return bad("option", word, "a value is missing");
    }
    bool is_letter = optopt > 0 && optopt < 128;
    return bad("option", is_letter ? letter : word, "unknown; see --help");
}

static enum moon_config_result read_options(struct moon_config *config, int argc,
                                            char **argv)
{
    struct option options[SETTINGS + 3];
    memset(options, 0, sizeof options);
    for (int i = 0; i < SETTINGS; i++) {
        options[i] = (struct option){settings[i].name, required_argument, NULL, i};
    }
    options[SETTINGS] = (struct option){"help", no_argument, NULL, HELP};
    options[SETTINGS + 1] = (struct option){"version", no_argument, NULL, VERSION};
    int choice = 0;
    char what[64];
    opterr = 0;
    while ((choice = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (choice == HELP) {
            print_help();
            return MOON_CONFIG_DONE;
        }
        if (choice == VERSION) {
            puts("moongate " MOONGATE_VERSION);
            return MOON_CONFIG_DONE;
        }
        if (choice == '?' || choice == ':') {
            return bad_option(choice, argv[optind - 1]);
        }
        (void)snprintf(what, sizeof what, "--%s", settings[choice].name);
        enum moon_config_result result = apply(config, &settings[choice], what, optarg);
        if (result != MOON_CONFIG_RUN) {
            return result;
        }
    }
    return MOON_CONFIG_RUN;
}

static enum moon_config_result read_environment(struct moon_config *config)
{
    for (int i = 0; i < SETTINGS; i++) {
        const char *value = getenv(settings[i].environment);
        if (value != NULL) {
            enum moon_config_result result =
                apply(config, &settings[i], settings[i].environment, value);
            if (result != MOON_CONFIG_RUN) {
                return result;
            }
        }
    }
    const char *app = getenv("MOONGATE_APP");
    config->app = app == NULL ? config->app : app;
    return MOON_CONFIG_RUN;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static enum moon_config_result check(struct moon_config *config)
{
    static const char default_static_dir[] = "examples/chat";
    char init[4096];
    if (access(config->app, R_OK) != 0) {
        return bad("app", config->app, strerror(errno));
    }
    (void)snprintf(init, sizeof init, "%s/init.lua", config->app);
    if (is_folder(config->app) && access(init, R_OK) != 0) {
        return bad("app", config->app, "expected a folder with an init.lua");
    }
    if (config->static_dir == NULL && is_folder(default_static_dir)) {
        config->static_dir = default_static_dir;
    }
    if (config->static_dir != NULL && !is_folder(config->static_dir)) {
        return bad("--static", config->static_dir, "no such folder");
    }
    if (config->pong_timeout_ms >= config->ping_interval_ms) {
        char times[32];
        (void)snprintf(times, sizeof times, "%u and %u", config->pong_timeout_ms,
                       config->ping_interval_ms);
        return bad("--pong-timeout-ms and --ping-interval-ms", times,
                   "the first must be less than the second");
    }
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, config->host, address) != 1 &&
        inet_pton(AF_INET6, config->host, address) != 1) {
        return bad("--host", config->host, "expected an IP address");
    }
    return MOON_CONFIG_RUN;
}

static uint32_t default_threads(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus <= 2) {
        return 1;
    }
    return cpus > MOON_MAX_THREADS ? MOON_MAX_THREADS : (uint32_t)cpus - 1;
}

enum moon_config_result moon_config_read(struct moon_config *config, int argc,
                                         char **argv)
{
    *config = (struct moon_config){
        .app = "scripts",
        .host = "127.0.0.1",
        .origins = "",
        .port = 8080,
        .threads = default_threads(),
        .log_level = MOON_INFO,
        .max_connections = 65536,
        .max_message_bytes = 65536,
        .max_outbox_bytes = 1048576,
        .max_outbox_messages = 1024,
        .ping_interval_ms = 25000,
        .pong_timeout_ms = 10000,
        .close_timeout_ms = 5000,
    };
    enum moon_config_result result = read_environment(config);
    if (result == MOON_CONFIG_RUN) {
        result = read_options(config, argc, argv);
    }
    if (result != MOON_CONFIG_RUN) {
        return result;
    }
    if (optind >= argc || strcmp(argv[optind], "run") != 0) {
        return bad("usage:", "moongate run [options] [APP]",
                   optind < argc ? "unknown command" : "see --help");
    }
    if (argc - optind > 2) {
        return bad("argument", argv[optind + 2], "one APP at most");
    }
    if (argc - optind == 2) {
        config->app = argv[optind + 1];
    }
    return check(config);
}
