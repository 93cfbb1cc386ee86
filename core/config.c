/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "conn.h"
#include "log.h"
#include "settings.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HELP = 1000,
    VERSION,
    MB_PER_THREAD = 4, /* twice what its rings take */
};

static enum moon_config_result bad(const char *what, const char *value,
                                   const char *expected)
{
    (void)fprintf(stderr, "moongate: %s %s: %s\n", what, value, expected);
    return MOON_CONFIG_BAD;
}

/* The same for the checks after reading. */
static bool complain(const char *what, const char *value, const char *expected)
{
    return bad(what, value, expected) == MOON_CONFIG_RUN;
}

/* The place of `word` in a list separated by spaces, or -1. */
static int place_of(const char *word, const char *list)
{
    size_t length = strlen(word);
    for (int place = 0; *list != '\0'; place++) {
        size_t end = strcspn(list, " ");
        if (end == length && memcmp(list, word, length) == 0) {
            return place;
        }
        list += end + strspn(list + end, " ");
    }
    return -1;
}

static enum moon_config_result apply(struct moon_config *config,
                                     const struct moon_setting *setting,
                                     const char *what, const char *value)
{
    void *field = (char *)config + setting->offset;
    char expected[80];
    char *end = NULL;
    if (setting->kind == MOON_SETTING_TEXT) {
        *(const char **)field = value;
        return MOON_CONFIG_RUN;
    }
    if (setting->kind == MOON_SETTING_WORD) {
        int place = place_of(value, setting->words);
        if (place < 0) {
            (void)snprintf(expected, sizeof expected, "expected one of: %s",
                           setting->words);
            return bad(what, value, expected);
        }
        *(uint32_t *)field = (uint32_t)place + setting->min;
        return MOON_CONFIG_RUN;
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
        "       moongate bench SCENARIO [options] URL    puts a server under load: "
        "moongate bench --help\n"
        "       moongate ctl COMMAND [arguments]         talks to a running server: "
        "moongate ctl --help\n"
        "       moongate check [options] [APP]           whether it would start, and "
        "what "
        "is odd: moongate check --help\n"
        "       moongate new plugin NAME                 writes what a plugin begins "
        "with: "
        "moongate new --help\n"
        "       moongate test [PATH...]                  runs the specs of plugins: "
        "moongate test --help\n"
        "\n"
        "APP is a folder with an init.lua or one plugin file (MOONGATE_APP, scripts).\n"
        "SIGHUP reloads it and the certificate, as saving a file does; SIGTERM and "
        "SIGINT\nstop the server.\n"
        "\n"
        "options, each also as an environment variable:");
    for (int i = 0; i < MOON_SETTINGS; i++) {
        printf("  --%-29s %s\n  %-31s %s\n", moon_settings[i].name,
               moon_settings[i].environment, "", moon_settings[i].help);
    }
    puts("  --help                          this text\n"
         "  --version                       the version");
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
    struct option options[MOON_SETTINGS + 3];
    memset(options, 0, sizeof options);
    for (int i = 0; i < MOON_SETTINGS; i++) {
        options[i] = (struct option){moon_settings[i].name, required_argument, NULL, i};
    }
    options[MOON_SETTINGS] = (struct option){"help", no_argument, NULL, HELP};
    options[MOON_SETTINGS + 1] = (struct option){"version", no_argument, NULL, VERSION};
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
        (void)snprintf(what, sizeof what, "--%s", moon_settings[choice].name);
        enum moon_config_result result =
            apply(config, &moon_settings[choice], what, optarg);
        if (result != MOON_CONFIG_RUN) {
            return result;
        }
    }
    return MOON_CONFIG_RUN;
}

static enum moon_config_result read_environment(struct moon_config *config)
{
    for (int i = 0; i < MOON_SETTINGS; i++) {
        const char *value = getenv(moon_settings[i].environment);
        if (value != NULL) {
            enum moon_config_result result =
                apply(config, &moon_settings[i], moon_settings[i].environment, value);
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

static bool check_app(const struct moon_config *config)
{
    char init[4096];
    if (access(config->app, R_OK) != 0) {
        return complain("app", config->app, strerror(errno));
    }
    (void)snprintf(init, sizeof init, "%s/init.lua", config->app);
    if (is_folder(config->app) && access(init, R_OK) != 0) {
        return complain("app", config->app, "expected a folder with an init.lua");
    }
    return true;
}

static bool check_networks(const char *what, const char *text,
                           struct moon_networks *networks)
{
    const char *element = NULL;
    if (!moon_networks_parse(text, networks, &element)) {
        return complain(what, element,
                        "expected addresses or networks, as 192.0.2.0/24");
    }
    return true;
}

static bool check_tls(const struct moon_config *config)
{
    if ((config->tls_cert == NULL) != (config->tls_key == NULL)) {
        return complain(config->tls_cert == NULL ? "--tls-key" : "--tls-cert",
                        config->tls_cert == NULL ? config->tls_key : config->tls_cert,
                        "--tls-cert and --tls-key come together");
    }
    return true;
}

static bool is_proxy(const char *url)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://",
                                          "socks5h://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t length = strlen(schemes[i]);
        if (strncmp(url, schemes[i], length) == 0) {
            return url[length] != '\0';
        }
    }
    return false;
}

static bool check_fetch(struct moon_config *config)
{
    const char *element = NULL;
    if (!moon_reach_parse(config->fetch_allow, &config->fetch_reach, &element)) {
        return complain("--fetch-allow", element,
                        "expected addresses or networks, as 192.0.2.0/24, or * alone");
    }
    if (config->fetch_ca != NULL && access(config->fetch_ca, R_OK) != 0) {
        return complain("--fetch-ca", config->fetch_ca, strerror(errno));
    }
    if (config->fetch_proxy != NULL && !is_proxy(config->fetch_proxy)) {
        return complain("--fetch-proxy", config->fetch_proxy,
                        "expected a URL, as http://proxy.example:3128");
    }
    return true;
}

static bool check_numbers(const struct moon_config *config)
{
    char numbers[32];
    if (config->pong_timeout_ms >= config->ping_interval_ms) {
        (void)snprintf(numbers, sizeof numbers, "%u and %u", config->pong_timeout_ms,
                       config->ping_interval_ms);
        return complain("--pong-timeout-ms and --ping-interval-ms", numbers,
                        "the first must be less than the second");
    }
    uint32_t least_mb = config->threads * MB_PER_THREAD;
    if (config->memory_budget_mb < least_mb) {
        char expected[80];
        (void)snprintf(numbers, sizeof numbers, "%u", config->memory_budget_mb);
        (void)snprintf(expected, sizeof expected,
                       "%u threads need at least %u: their rings count",
                       config->threads, least_mb);
        return complain("--memory-budget-mb", numbers, expected);
    }
    return true;
}

static bool check_listener(struct moon_config *config)
{
    static const char default_static_dir[] = "examples/chat";
    struct moon_address address;
    if (config->static_dir == NULL && is_folder(default_static_dir)) {
        config->static_dir = default_static_dir;
    }
    if (config->static_dir != NULL && !is_folder(config->static_dir)) {
        return complain("--static", config->static_dir, "no such folder");
    }
    if (!moon_address_parse(config->host, &address)) {
        return complain("--host", config->host, "expected an IP address");
    }
    return true;
}

/* SQLite has meanings of its own for these. */
static bool check_store(const struct moon_config *config)
{
    if (config->store != NULL &&
        (config->store[0] == '\0' || config->store[0] == ':')) {
        return complain("--store", config->store, "expected the path of a file");
    }
    return true;
}

static enum moon_config_result check(struct moon_config *config)
{
    bool is_good =
        check_app(config) && check_listener(config) && check_tls(config) &&
        check_store(config) && check_numbers(config) && check_fetch(config) &&
        check_networks("--proxies", config->proxies_text, &config->proxies) &&
        check_networks("--metrics-from", config->metrics_text, &config->metrics_from);
    return is_good ? MOON_CONFIG_RUN : MOON_CONFIG_BAD;
}

static uint32_t default_threads(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus <= 2) {
        return 1;
    }
    return cpus > MOON_MAX_THREADS ? MOON_MAX_THREADS : (uint32_t)cpus - 1;
}

static const struct moon_config defaults = {
    .app = "scripts",
    .host = "127.0.0.1",
    .origins = "",
    .token_cookie = "moongate_token",
    .proxies_text = "",
    .metrics_text = "127.0.0.0/8, ::1",
    .fetch_allow = "",
    .limits =
        {
            .outbox_bytes = 1048576,
            .outbox_messages = 1024,
            .outbox_age_ms = 15000,
            .rate_messages = 10000,
            .burst_messages = 20000,
            .rate_bytes = 16777216,
            .burst_bytes = 16777216,
            .flood_action = MOON_FLOOD_PAUSE,
        },
    .port = 8080,
    .log_level = MOON_INFO,
    .max_connections = 65536,
    .max_handshakes = 4096,
    .max_per_address = 2048,
    .address_bits_v4 = 32,
    .address_bits_v6 = 64,
    .handshakes_per_second = 5000,
    .memory_budget_mb = 1024,
    .script_memory_mb = 1024,
    .max_rooms_per_connection = 1000,
    .max_message_bytes = 65536,
    .max_fragments = 1024,
    .max_body_bytes = 65536,
    .ping_interval_ms = 25000,
    .pong_timeout_ms = 10000,
    .handshake_timeout_ms = 10000,
    .auth_timeout_ms = 10000,
    .close_timeout_ms = 5000,
    .http_timeout_ms = 10000,
    .admin_timeout_ms = 60000,
    .stop_grace_ms = 5000,
};

enum moon_config_result moon_config_read(struct moon_config *config, int argc,
                                         char **argv)
{
    *config = defaults;
    config->threads = default_threads();
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
