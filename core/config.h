/* config.h - what an operator may set: command line before environment before default.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "address.h"
#include "reach.h"
#include "types.h"

struct moon_config {
    const char *app;        /* folder with an init.lua, or one plugin file */
    const char *host;       /* address to listen on */
    const char *static_dir; /* files served at /; NULL for none */
    const char *origins;    /* beside the server's own; comma-separated */
    const char *tls_cert;   /* PEM files; NULL: plain text */
    const char *tls_key;
    const char *admin;        /* path of the operators' socket; NULL for none */
    const char *token_cookie; /* name of the cookie that may hold a token */
    const char *store;        /* SQLite file; NULL: none */
    const char *proxies_text, *metrics_text; /* the two lists below, as given */
    struct moon_networks proxies;      /* whose word on the client's address counts */
    struct moon_networks metrics_from; /* who may read /metrics */
    const char *fetch_ca;              /* PEM file of authorities; NULL: the system's */
    const char *fetch_proxy;       /* URL; NULL: none, whatever the environment says */
    const char *fetch_allow;       /* what the next is made of, as given */
    struct moon_reach fetch_reach; /* where fetches may go */
    struct moon_limits limits;     /* of a connection */
    uint32_t port;                 /* 0: any free one */
    uint32_t threads;              /* I/O threads */
    uint32_t log_level;            /* enum moon_level */
    uint32_t development;          /* 1: scripts are watched more closely */
    uint32_t store_sync;           /* enum moon_sync */
    uint32_t proxy_protocol;       /* 1: proxies begin with a PROXY header */
    uint32_t max_connections;
    uint32_t max_handshakes; /* sockets at once that are no WebSocket (yet) */
    uint32_t max_per_address;
    uint32_t address_bits_v4, address_bits_v6; /* what counts as one address */
    uint32_t handshakes_per_second;
    uint32_t memory_budget_mb;
    uint32_t script_memory_mb;
    uint32_t max_rooms_per_connection;
    uint32_t max_message_bytes;
    uint32_t max_fragments; /* of one message */
    uint32_t max_body_bytes;
    uint32_t ping_interval_ms;
    uint32_t pong_timeout_ms;
    uint32_t handshake_timeout_ms;
    uint32_t auth_timeout_ms;
    uint32_t close_timeout_ms;
    uint32_t http_timeout_ms;
    uint32_t admin_timeout_ms;
    uint32_t stop_grace_ms; /* for a script that does not return */
};

/* When what is stored is pushed to the disk. */
enum moon_sync {
    MOON_SYNC_FULL = 0, /* before it is answered */
    MOON_SYNC_NORMAL,   /* now and then: a power cut may lose the last of it */
    MOON_SYNC_OFF,      /* when the kernel likes: it may leave a damaged file, too */
};

enum moon_config_result {
    MOON_CONFIG_RUN,
    MOON_CONFIG_DONE, /* --help or --version: all has been said */
    MOON_CONFIG_BAD,  /* one line is on stderr */
};

/* Borrows the strings of argv and the environment. */
enum moon_config_result moon_config_read(struct moon_config *config, int argc,
                                         char **argv);
