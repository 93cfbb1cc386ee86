/* SPDX-License-Identifier: MIT
 * Header values, one a line, "-" for one that was not sent, and then letters that say
 * what holds for newcomers: whatever the client writes, a grant has its reasons. */
#include "../../core/handshake.h"
#include "fuzz.h"

enum {
    PATH,
    UPGRADE,
    CONNECTION,
    VERSION,
    KEY,
    HOST,
    ORIGIN,
    PROTOCOLS,
    AUTHORIZATION,
    COOKIE,
    HEADERS,
};

static const char routes[] = "GET /page\n"
                             "ws /ws moongate.v1.json mqtt bearer.x\n"
                             "ws /relay/{room}\n"
                             "ws /quiet +auth json\n"
                             "ws /secret +token +auth json\n"
                             "ws /long 2345678-2345678-2345678-2345678-" /* too long */
                             "2345678-2345678-2345678-2345678-\n";

static bool is_within(const struct moon_verdict *verdict, const char *value)
{
    return value != NULL && verdict->token >= value &&
           verdict->token + verdict->token_bytes <= value + strlen(value);
}

static bool is_offered(const char *protocols, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = protocols; (at = strstr(at, name)) != NULL; at++) {
        bool starts = at == protocols || strchr(", \t", at[-1]) != NULL;
        if (starts && strchr(", \t", at[length]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Whether the page's host is the one that it asked for, ports aside. */
static bool is_own(const char *origin, const char *host)
{
    const char *at = strstr(origin, "://");
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    return at != NULL && strncasecmp(at + 3, host, length) == 0 &&
           strchr(":", at[3 + length]) != NULL;
}

static void judge_request(const struct moon_handshake *asked)
{
    EXPECT(asked->is_get && asked->is_http_1_1);
    EXPECT(strcmp(asked->version, "13") == 0 && strlen(asked->key) == 24);
    EXPECT(strcasestr(asked->upgrade, "websocket") != NULL);
    EXPECT(strcasestr(asked->connection, "upgrade") != NULL);
    EXPECT(strpbrk(asked->host, ", \t@/") == NULL);
}

static void judge_grant(const struct moon_handshake *asked,
                        const struct moon_admission *admission,
                        const struct moon_verdict *verdict)
{
    EXPECT(!admission->is_stopping && !admission->is_full && !admission->is_crowded);
    EXPECT(!admission->is_denied && !admission->is_too_fast);
    EXPECT(!admission->is_out_of_room && admission->reason == NULL);
    EXPECT(asked->origin != NULL || asked->cookie == NULL);
    EXPECT(asked->origin == NULL || admission->origins[0] != '\0' ||
           is_own(asked->origin, asked->host));
    EXPECT((asked->protocols == NULL) == (verdict->protocol[0] == '\0'));
    EXPECT(asked->protocols == NULL || is_offered(asked->protocols, verdict->protocol));
    EXPECT(strncmp(verdict->protocol, "bearer.", 7) != 0);
    bool is_secret = strcmp(asked->path, "/secret") == 0;
    EXPECT(!is_secret || verdict->token != NULL);
    EXPECT(verdict->wants_auth == (is_secret || strcmp(asked->path, "/quiet") == 0));
    EXPECT(verdict->message[0] == '\0' && verdict->retry_after_s == 0);
}

static void judge_token(const struct moon_handshake *asked,
                        const struct moon_verdict *verdict)
{
    static const char never[] = " \t,;\"\\";
    EXPECT(is_within(verdict, asked->authorization) ||
           is_within(verdict, asked->protocols) || is_within(verdict, asked->cookie));
    EXPECT(verdict->token_bytes > 0 && verdict->token_bytes <= MOON_TOKEN_BYTES);
    EXPECT(strcspn(verdict->token, never) >= verdict->token_bytes);
}

static void judge(const struct moon_handshake *asked,
                  const struct moon_admission *admission)
{
    struct moon_verdict verdict;
    memset(&verdict, 0xa5, sizeof verdict);
    moon_handshake_judge(asked, routes, admission, &verdict);
    EXPECT((verdict.status == 101) == (verdict.refusal == 0));
    EXPECT(memchr(verdict.protocol, '\0', sizeof verdict.protocol) != NULL);
    if (verdict.token != NULL) {
        judge_token(asked, &verdict);
    }
    if (verdict.status == 101) {
        judge_request(asked);
        judge_grant(asked, admission, &verdict);
    } else {
        EXPECT(verdict.status >= 400 && verdict.status <= 503);
        EXPECT(verdict.message[0] != '\0' && strpbrk(verdict.message, "\r\n") == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fuzz fuzz = {data, data + bytes};
    char *values[HEADERS];
    for (int i = 0; i < HEADERS; i++) {
        values[i] = fuzz_text(&fuzz, "\n");
        if (strcmp(values[i], "-") == 0 && i != PATH) {
            free(values[i]);
            values[i] = NULL;
        }
    }
    char *letters = fuzz_text(&fuzz, "\n");
    const struct moon_handshake asked = {
        values[PATH],
        values[UPGRADE],
        values[CONNECTION],
        values[VERSION],
        values[KEY],
        values[HOST],
        values[ORIGIN],
        values[PROTOCOLS],
        values[AUTHORIZATION],
        values[COOKIE],
        .is_get = strchr(letters, 'p') == NULL,
        .is_http_1_1 = strchr(letters, '0') == NULL,
        .is_tls = strchr(letters, 't') != NULL,
    };
    const struct moon_admission admission = {
        .origins =
            strchr(letters, 'o') ? "https://chat.test, http://b.test:81, null" : "",
        .token_cookie = strchr(letters, 'n') ? NULL : "session",
        .reason = strchr(letters, 'w') ? "" : NULL,
        .is_stopping = strchr(letters, 's') != NULL,
        .is_full = strchr(letters, 'f') != NULL,
        .is_crowded = strchr(letters, 'c') != NULL,
        .is_denied = strchr(letters, 'd') != NULL,
        .is_too_fast = strchr(letters, 'r') != NULL,
        .is_out_of_room = strchr(letters, 'm') != NULL,
    };
    judge(&asked, &admission);
    for (int i = 0; i < HEADERS; i++) {
        free(values[i]);
    }
    free(letters);
    return 0;
}
