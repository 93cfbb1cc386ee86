/* main.c - the moongate command: reads the configuration, starts everything, stops it
 * again. `moongate bench`, `check`, `ctl`, `new` and `test` are other programs in the
 * same file: bench/, check.c, ctl.c, new.c, testing.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "../bench/bench.h"
#include "../core/admin.h"
#include "../core/config.h"
#include "../core/gate.h"
#include "../core/log.h"
#include "check.h"
#include "ctl.h"
#include "new.h"
#include "signals.h"
#include "testing.h"
#include "vm.h"
#include "watch.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    BAD_START = 2,    /* exit status when the server cannot start as asked */
    DESCRIPTORS = 48, /* for a start, and some clients */
    DESCRIPTORS_FOR_SCRIPTS = 1024,
    DESCRIPTORS_FOR_ADMIN = 10,
    DESCRIPTORS_PER_THREAD = 12,
};

struct server {
    struct moon_gate *gate;
    struct moon_admin *admin; /* NULL: nobody has asked for it */
    struct moon_watch *watch;
};

static void renew(void *owner)
{
    struct server *server = owner;
    moon_watch_renew(server->watch);
    moon_gate_renew(server->gate);
    moon_gate_post(server->gate, MOON_CHANGED, 0);
}

static void stop(void *owner)
{
    struct server *server = owner;
    moon_watch_destroy(server->watch);
    moon_gate_stop(server->gate);
}

static struct moon_signals *watch_signals(struct server *server,
                                          const struct moon_config *config)
{
    static const struct moon_signals_calls calls = {renew, stop};
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a store that may not grow says so itself */
    return moon_signals_create(moon_gate_loop(server->gate), config->stop_grace_ms,
                               &calls, server);
}

/* Every connection takes one: as many as there may be, and not more, because
 * libwebsockets goes through a table of that size for each newcomer. libuv aborts when
 * it gets none at the start, so that is asked for here. */
static bool has_descriptors(const struct moon_config *config)
{
    struct rlimit limit;
    rlim_t least = DESCRIPTORS + (rlim_t)config->threads * DESCRIPTORS_PER_THREAD +
                   (config->admin == NULL ? 0 : DESCRIPTORS_FOR_ADMIN);
    rlim_t most = least + DESCRIPTORS_FOR_SCRIPTS + config->max_connections +
                  config->max_handshakes;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur < least) {
            (void)fprintf(stderr,
                          "moongate: %lu descriptors allowed (ulimit -n), at least %lu "
                          "are needed\n",
                          (unsigned long)limit.rlim_cur, (unsigned long)least);
            return false;
        }
    }
    return true;
}

static void announce(const struct moon_config *config, uint32_t port)
{
    bool is_any =
        strcmp(config->host, "0.0.0.0") == 0 || strcmp(config->host, "::") == 0;
    bool is_v6 = strchr(config->host, ':') != NULL && !is_any;
    const char *scheme = config->tls_cert == NULL ? "http" : "https";
    printf("moongate is ready at %s://%s%s%s:%u/\n", scheme, is_v6 ? "[" : "",
           is_any ? "localhost" : config->host, is_v6 ? "]" : "", port);
    (void)fflush(stdout);
}

/* Before the scripts run: a second server by mistake should leave no trace. */
static bool open_admin(struct server *server, const struct moon_config *config)
{
    if (config->admin != NULL) {
        server->admin = moon_admin_create(server->gate, config);
        moon_api_bind_admin(server->admin);
    }
    return config->admin == NULL || server->admin != NULL;
}

static int run(const struct moon_config *config)
{
    struct server server = {.gate = moon_gate_create(config)};
    if (server.gate == NULL) {
        return BAD_START;
    }
    moon_api_bind(server.gate, config);
    if (!open_admin(&server, config)) {
        return BAD_START; /* no thread runs yet: the system takes everything back */
    }
    struct moon_vm *vm = moon_vm_create(config);
    if (vm == NULL) {
        moon_admin_destroy(server.admin); /* but this file */
        return BAD_START;
    }
    server.watch = moon_watch_create(server.gate, config->app);
    struct moon_signals *signals = watch_signals(&server, config);
    announce(config, moon_gate_port(server.gate));
    moon_gate_run(server.gate, moon_vm_enter, vm);
    moon_vm_destroy(vm); /* what a script has left to be done then may hang, too */
    moon_signals_destroy(signals);
    moon_admin_destroy(server.admin);
    moon_gate_destroy(server.gate);
    moon_log(MOON_INFO, "moongate", "stopped");
    return 0;
}

static const struct program {
    const char *name;
    int (*main)(int argc, char **argv); /* argv[0] is the name */
} programs[] = {
    {"bench", moon_bench_main}, {"check", moon_check_main},  {"ctl", moon_ctl_main},
    {"new", moon_new_main},     {"test", moon_testing_main},
};

int main(int argc, char **argv)
{
    struct moon_config config;
    for (size_t i = 0; argc > 1 && i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            return programs[i].main(argc - 1, argv + 1);
        }
    }
    switch (moon_config_read(&config, argc, argv)) {
    case MOON_CONFIG_DONE:
        return 0;
    case MOON_CONFIG_BAD:
        return BAD_START;
    case MOON_CONFIG_RUN:
        break;
    }
    moon_log_set_level((enum moon_level)config.log_level);
    /* libwebsockets asks for the local time in several threads: with the zone named,
     * the C library reads it once, here. */
    (void)setenv("TZ", ":/etc/localtime", 0);
    tzset();
    return has_descriptors(&config) ? run(&config) : BAD_START;
}
