/* SPDX-License-Identifier: MIT */
#include "settings.h"
#include "config.h"
#include "conn.h"

#define AT(field) offsetof(struct moon_config, field)
#define NUMBER(name, environment, field, min, max, help)                               \
    {                                                                                  \
        name, "MOONGATE_" environment, MOON_SETTING_NUMBER, AT(field), min, max, NULL, \
            help                                                                       \
    }
#define TEXT(name, environment, field, help)                                          \
    {                                                                                 \
        name, "MOONGATE_" environment, MOON_SETTING_TEXT, AT(field), 0, 0, NULL, help \
    }
#define WORD(name, environment, field, first, words, help)                            \
    {                                                                                 \
        name, "MOONGATE_" environment, MOON_SETTING_WORD, AT(field), first, 0, words, \
            help                                                                      \
    }

const struct moon_setting moon_settings[MOON_SETTINGS] = {
    NUMBER("port", "PORT", port, 0, 65535,
           "TCP port to listen on; 0 takes a free one (8080)"),
    TEXT("host", "HOST", host,
         "IP address to listen on (127.0.0.1; 0.0.0.0 or :: for all)"),
    NUMBER("threads", "THREADS", threads, 1, MOON_MAX_THREADS,
           "I/O threads (CPUs less one, at least 1)"),
    WORD("log", "LOG", log_level, 0, "error warn info debug",
         "error, warn, info or debug (info)"),
    WORD("mode", "MODE", development, 0, "production development",
         "development checks after each hook what the scripts keep (production)"),
    TEXT("static", "STATIC", static_dir,
         "folder of files to serve at / (examples/chat if it is there)"),
    TEXT("tls-cert", "TLS_CERT", tls_cert,
         "PEM file: certificate and its chain; with it the port speaks TLS 1.2+ only"),
    TEXT("tls-key", "TLS_KEY", tls_key, "PEM file: its private key"),
    TEXT("origin", "ORIGIN", origins,
         "origins that may connect beside the server's own, comma-separated"),
    TEXT("token-cookie", "TOKEN_COOKIE", token_cookie,
         "cookie that may hold a client's token (moongate_token)"),
    TEXT("proxies", "PROXIES", proxies_text,
         "addresses and networks whose X-Forwarded-For counts (none)"),
    WORD("proxy-protocol", "PROXY_PROTOCOL", proxy_protocol, 0, "off on",
         "on: those proxies begin with a PROXY protocol version 2 header (off)"),
    TEXT("metrics-from", "METRICS_FROM", metrics_text,
         "addresses and networks that may read /metrics (127.0.0.0/8, ::1)"),
    TEXT("store", "STORE", store,
         "SQLite file of what scripts store (none: it ends with the process)"),
    WORD("store-sync", "STORE_SYNC", store_sync, MOON_SYNC_FULL, "full normal off",
         "what a power cut may cost it: full nothing, normal the last writes, off all "
         "(full)"),
    NUMBER("max-connections", "MAX_CONNECTIONS", max_connections, 1, 1000000,
           "WebSockets in all, shared out evenly to the threads (65536)"),
    NUMBER("max-handshakes", "MAX_HANDSHAKES", max_handshakes, 1, 1000000,
           "sockets at once that are no WebSocket (yet), shared out (4096)"),
    NUMBER("max-connections-per-address", "MAX_CONNECTIONS_PER_ADDRESS",
           max_per_address, 1, 1000000,
           "the same from one address, shared out; beyond it 429 (2048)"),
    NUMBER("address-bits-v4", "ADDRESS_BITS_V4", address_bits_v4, 8, 32,
           "bits that make an IPv4 address another one (32)"),
    NUMBER("address-bits-v6", "ADDRESS_BITS_V6", address_bits_v6, 16, 128,
           "the same for IPv6 (64)"),
    NUMBER("handshakes-per-second", "HANDSHAKES_PER_SECOND", handshakes_per_second, 1,
           1000000, "upgrades a second, shared out; beyond it 503 (5000)"),
    NUMBER("max-rooms-per-connection", "MAX_ROOMS_PER_CONNECTION",
           max_rooms_per_connection, 1, 100000,
           "rooms that a connection may be in at once (1000)"),
    NUMBER("script-memory-mb", "SCRIPT_MEMORY_MB", script_memory_mb, 16, 65536,
           "for the scripts: who needs more is aborted (1024)"),
    NUMBER(
        "memory-budget-mb", "MEMORY_BUDGET_MB", memory_budget_mb, 16, 1048576,
        "for all that clients can make grow: queues, rings, partial messages (1024)"),
    NUMBER("max-message-bytes", "MAX_MESSAGE_BYTES", max_message_bytes, 125, 262144,
           "longest message from a client, else it is closed with 1009 (65536)"),
    NUMBER("max-fragments", "MAX_FRAGMENTS", max_fragments, 1, 65535,
           "frames that one message may come in, else 1009 (1024)"),
    NUMBER("max-body-bytes", "MAX_BODY_BYTES", max_body_bytes, 0, 262144,
           "longest body of an HTTP request, else 413 (65536)"),
    NUMBER("max-outbox-bytes", "MAX_OUTBOX_BYTES", limits.outbox_bytes, 1024, 268435456,
           "write queue of a connection, else it is closed with 4008 (1048576)"),
    NUMBER("max-outbox-messages", "MAX_OUTBOX_MESSAGES", limits.outbox_messages, 1,
           1000000, "the same in messages (1024)"),
    NUMBER("max-outbox-age-ms", "MAX_OUTBOX_AGE_MS", limits.outbox_age_ms, 100, 3600000,
           "the same in age of the oldest message (15000)"),
    NUMBER("rate-messages", "RATE_MESSAGES", limits.rate_messages, 1, 10000000,
           "messages a second that a client may send (10000)"),
    NUMBER("burst-messages", "BURST_MESSAGES", limits.burst_messages, 1, 10000000,
           "and at once, after a silence (20000)"),
    NUMBER("rate-bytes", "RATE_BYTES", limits.rate_bytes, 1, 1000000000,
           "bytes a second that a client may send (16777216)"),
    NUMBER("burst-bytes", "BURST_BYTES", limits.burst_bytes, 1, 1000000000,
           "and at once, after a silence (16777216)"),
    WORD("flood", "FLOOD", limits.flood_action, 1, "pause refuse close",
         "who sends more is read later (pause), told so (refuse) or closed with 4010 "
         "(pause)"),
    NUMBER("ping-interval-ms", "PING_INTERVAL_MS", ping_interval_ms, 100, 3600000,
           "time between pings to a client (25000)"),
    NUMBER("pong-timeout-ms", "PONG_TIMEOUT_MS", pong_timeout_ms, 50, 3600000,
           "silence after a ping until it is closed with 4009 (10000)"),
    NUMBER("handshake-timeout-ms", "HANDSHAKE_TIMEOUT_MS", handshake_timeout_ms, 50,
           600000, "from accept to a whole request, TLS included (10000)"),
    NUMBER("auth-timeout-ms", "AUTH_TIMEOUT_MS", auth_timeout_ms, 50, 600000,
           "until a script must have admitted it, else 4408 (10000)"),
    NUMBER("close-timeout-ms", "CLOSE_TIMEOUT_MS", close_timeout_ms, 100, 60000,
           "patience for a client's answer to a Close (5000)"),
    NUMBER("http-timeout-ms", "HTTP_TIMEOUT_MS", http_timeout_ms, 50, 600000,
           "for a request's body, and for a script's answer, else 504 (10000)"),
    TEXT("admin", "ADMIN", admin,
         "path of a Unix socket for moongate ctl; who may write to it rules (none)"),
    NUMBER("admin-timeout-ms", "ADMIN_TIMEOUT_MS", admin_timeout_ms, 50, 600000,
           "there, for a whole request, for its answer, and to take it (60000)"),
    NUMBER("stop-grace-ms", "STOP_GRACE_MS", stop_grace_ms, 50, 600000,
           "at a stop, for a script that does not return; then it ends without (5000)"),
    TEXT("fetch-allow", "FETCH_ALLOW", fetch_allow,
         "networks that gate:fetch may reach beside the public ones; * for all (none)"),
    TEXT("fetch-ca", "FETCH_CA", fetch_ca,
         "PEM file: authorities it trusts instead of the system's"),
    TEXT("fetch-proxy", "FETCH_PROXY", fetch_proxy,
         "URL of the proxy that its requests go through (none)"),
};
