/* SPDX-License-Identifier: MIT */
#include "fetch_state.h"
#include "mem.h"
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    CONNECT_MS = 5000,
    AUTHORITIES_S = 3600, /* then their file is read again */
};

/* What is the same for all requests. */
static const struct {
    CURLoption option;
    long value;
} numbers[] = {
    {CURLOPT_NOSIGNAL, 1},   /* the process has threads */
    {CURLOPT_QUICK_EXIT, 1}, /* to give up does not wait for the resolver */
    {CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS},
    {CURLOPT_FOLLOWLOCATION, 0}, /* done here, with rules of our own */
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_CA_CACHE_TIMEOUT, AUTHORITIES_S},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_PROXY_SSL_VERIFYPEER, 1},
    {CURLOPT_PROXY_SSL_VERIFYHOST, 2},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1}, /* a proxy's are no part of the response */
    {CURLOPT_TCP_KEEPALIVE, 1},
};

/* ---- where to ---- */

void moon_target_fini(struct moon_target *target)
{
    curl_url_cleanup(target->url);
    curl_free(target->scheme);
    curl_free(target->host);
    curl_free(target->port);
}

const char *moon_target_init(struct moon_target *target, const char *url)
{
    memset(target, 0, sizeof *target);
    target->url = curl_url();
    CURLUcode code = curl_url_set(target->url, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    if (code == CURLUE_USER_NOT_ALLOWED) {
        return "a name or password in the URL: they belong into a header";
    }
    if (code != CURLUE_OK) {
        return curl_url_strerror(code);
    }
    curl_url_get(target->url, CURLUPART_SCHEME, &target->scheme, 0);
    curl_url_get(target->url, CURLUPART_HOST, &target->host, 0);
    curl_url_get(target->url, CURLUPART_PORT, &target->port, CURLU_DEFAULT_PORT);
    bool is_web =
        strcmp(target->scheme, "http") == 0 || strcmp(target->scheme, "https") == 0;
    return is_web ? NULL : "a URL of http or https is needed";
}

static bool read_address(const void *any, int family, struct moon_address *address)
{
    *address = (struct moon_address){{[10] = 0xff, [11] = 0xff}};
    if (family == AF_INET6) {
        memcpy(address->bytes, &((const struct sockaddr_in6 *)any)->sin6_addr, 16);
    } else if (family == AF_INET) {
        memcpy(address->bytes + 12, &((const struct sockaddr_in *)any)->sin_addr, 4);
    }
    return family == AF_INET6 || family == AF_INET;
}

/* With a proxy the address is the operator's choice, and the rest is the proxy's. */
static curl_socket_t on_connect(void *owner, curlsocktype purpose,
                                struct curl_sockaddr *to)
{
    struct moon_errand *errand = owner;
    const struct moon_config *config = errand->fetcher->config;
    struct moon_address address;
    (void)purpose;
    if (config->fetch_proxy == NULL &&
        !(read_address(&to->addr, to->family, &address) &&
          moon_reach_has(&config->fetch_reach, &address))) {
        errand->refused = address;
        errand->has_refused = true;
        return CURL_SOCKET_BAD;
    }
    errand->connects++;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* ---- what goes out ---- */

static void set_number(struct moon_errand *errand, CURLoption option, long value)
{
    curl_easy_setopt(errand->easy, option, value);
}

static void set_text(struct moon_errand *errand, CURLoption option, const char *value)
{
    curl_easy_setopt(errand->easy, option, value);
}

/* A line without a value libcurl takes for one to leave out, unless it ends in a
 * semicolon. */
static void add_line(struct moon_errand *errand, const char *line, uint64_t length)
{
    char *text = moon_alloc(length + 2);
    memcpy(text, line, length);
    char *colon = strchr(text, ':');
    if (colon[1 + strspn(colon + 1, " \t")] == '\0') {
        colon[0] = ';';
        colon[1] = '\0';
    }
    errand->lines = curl_slist_append(errand->lines, text);
    moon_free(text);
}

static bool is_credential(const char *line)
{
    return moon_inquiry_is_named(line, "Authorization") ||
           moon_inquiry_is_named(line, "Cookie");
}

/* All that scripts want but what a redirect has taken away. */
static void set_headers(struct moon_errand *errand, bool has_body)
{
    const char *at = errand->inquiry.headers;
    const char *line = NULL;
    uint64_t length = 0;
    bool has_type = false;
    while (moon_inquiry_next_line(&at, &line, &length)) {
        bool is_of_body = strncasecmp(line, "Content-", 8) == 0;
        has_type = has_type || moon_inquiry_is_named(line, "Content-Type");
        if (!(errand->has_lost_body && is_of_body) &&
            !(errand->has_left && is_credential(line))) {
            add_line(errand, line, length);
        }
    }
    if (has_body && !has_type) { /* or libcurl would call it a form */
        errand->lines = curl_slist_append(errand->lines, "Content-Type:");
    }
    curl_easy_setopt(errand->easy, CURLOPT_HTTPHEADER, errand->lines);
}

static void set_request(struct moon_errand *errand)
{
    const struct moon_inquiry *inquiry = &errand->inquiry;
    const char *method = inquiry->method;
    bool is_head = strcmp(method, "HEAD") == 0;
    bool has_body = !is_head && (inquiry->body_length > 0 || method[0] == 'P');
    curl_easy_setopt(errand->easy, CURLOPT_CURLU, errand->target.url);
    if (has_body) { /* POST, PUT and PATCH have one, even if it is empty */
        curl_easy_setopt(errand->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)inquiry->body_length);
        set_text(errand, CURLOPT_POSTFIELDS, inquiry->body);
    }
    set_number(errand, CURLOPT_NOBODY, is_head);
    set_text(errand, CURLOPT_CUSTOMREQUEST, method);
    set_headers(errand, has_body);
}

static void set_house_rules(struct moon_errand *errand)
{
    const struct moon_config *config = errand->fetcher->config;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        set_number(errand, numbers[i].option, numbers[i].value);
    }
    set_text(errand, CURLOPT_PROTOCOLS_STR, "http,https");
    set_text(errand, CURLOPT_ACCEPT_ENCODING, ""); /* all that libcurl can undo */
    set_text(errand, CURLOPT_USERAGENT, "moongate/" MOONGATE_VERSION);
    /* An empty text keeps libcurl from looking into the environment. */
    set_text(errand, CURLOPT_PROXY,
             config->fetch_proxy == NULL ? "" : config->fetch_proxy);
    set_text(errand, CURLOPT_NOPROXY, "");
    /* One file of authorities, which libcurl keeps in memory; a folder it would read at
     * each handshake. */
    set_text(errand, CURLOPT_CAPATH, NULL);
    if (config->fetch_ca != NULL) {
        set_text(errand, CURLOPT_CAINFO, config->fetch_ca);
    }
}

static void set_callbacks(struct moon_errand *errand)
{
    CURL *easy = errand->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)errand);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, errand->problem);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_connect);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, errand);
}

void moon_errand_begin(struct moon_errand *errand)
{
    errand->easy = curl_easy_init();
    errand->problem[0] = '\0';
    errand->connects = 0;
    errand->has_refused = false;
    set_house_rules(errand);
    set_callbacks(errand);
    set_request(errand);
    moon_errand_listen(errand);
    curl_multi_add_handle(errand->fetcher->multi, errand->easy);
}

void moon_errand_detach(struct moon_errand *errand)
{
    curl_multi_remove_handle(errand->fetcher->multi, errand->easy);
    curl_easy_cleanup(errand->easy);
    curl_slist_free_all(errand->lines);
    errand->easy = NULL;
    errand->lines = NULL;
}

void moon_errand_empty(struct moon_errand *errand)
{
    moon_target_fini(&errand->target);
    moon_free(errand->head.bytes);
    moon_free(errand->body.bytes);
    moon_free(errand->record);
}
