/* config.h - what an operator may set: command line before environment before default.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct moon_config {
    const char *app;        /* folder with an init.lua, or one plugin file */
    const char *host;       /* address to listen on */
    const char *static_dir; /* files served at /; NULL for none */
    const char *origins;    /* beside the server's own; comma-separated */
    uint32_t port;          /* 0: any free one */
    uint32_t threads;       /* I/O threads */
    uint32_t log_level;     /* enum moon_level */
    uint32_t max_connections;
    uint32_t max_message_bytes;
    uint32_t max_outbox_bytes;
    uint32_t max_outbox_messages;
    uint32_t ping_interval_ms;
    uint32_t pong_timeout_ms;
    uint32_t close_timeout_ms;
};

enum moon_config_result {
    MOON_CONFIG_RUN,
    MOON_CONFIG_DONE, /* --help or --version: all has been said */
    MOON_CONFIG_BAD,  /* one line is on stderr */
};

/* Borrows the strings of argv and the environment. */
enum moon_config_result moon_config_read(struct moon_config *config, int argc,
                                         char **argv);
