/* SPDX-License-Identifier: MIT */
#include "tls.h"
#include "mem.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_FILE_BYTES = 1 << 20,
    PATH_END_BYTES = 200, /* two of them and a sentence fit into a problem */
    TIME_BYTES = sizeof "9999-12-31T23:59:59Z",
    SHA256_BYTES = 32,
};

struct moon_tls {
    X509 *leaf;
    STACK_OF(X509) *chain; /* who has signed the leaf, and so on; may be empty */
    EVP_PKEY *key;
    char *cert_path;
    int64_t not_after_s;
};

/* The end of a path names the file, so that is what a line keeps of a long one. */
static const char *end_of(const char *path)
{
    size_t length = strlen(path);
    return length > PATH_END_BYTES ? path + length - PATH_END_BYTES : path;
}

/* Returns false for its callers to return. */
static bool fail(char *problem, const char *path, const char *format, ...)
{
    int used = snprintf(problem, MOON_TLS_PROBLEM_BYTES, "%s: ", end_of(path));
    va_list values;
    va_start(values, format);
    (void)vsnprintf(problem + used, MOON_TLS_PROBLEM_BYTES - (size_t)used, format,
                    values);
    va_end(values);
    return false;
}

/* The whole file, so that what is checked is what is used, whoever writes to it
 * meanwhile. NULL, with *problem, when it cannot be read. Never waits: a pipe would. */
static char *read_file(const char *path, int *length, char *problem)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char *bytes = moon_alloc(MAX_FILE_BYTES + 1);
    ssize_t got = fd < 0 ? -1 : 1;
    size_t used = 0;
    while (got > 0 && used <= MAX_FILE_BYTES) {
        got = read(fd, bytes + used, MAX_FILE_BYTES + 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    int reason = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    *length = (int)used;
    if (got >= 0 && used <= MAX_FILE_BYTES) {
        return bytes;
    }
    if (got < 0) {
        (void)fail(problem, path, "cannot be read: %s", strerror(reason));
    } else {
        (void)fail(problem, path, "expected at most %d bytes", MAX_FILE_BYTES);
    }
    OPENSSL_cleanse(bytes, used);
    moon_free(bytes);
    return NULL;
}

/* Either file may hold the key. */
static void forget(char *bytes, int length)
{
    OPENSSL_cleanse(bytes, (size_t)length);
    moon_free(bytes);
}

/* Without a function of ours, OpenSSL would ask on the terminal. */
static int give_no_password(char *password, int password_bytes, int is_new,
                            void *was_asked)
{
    (void)password_bytes;
    (void)is_new;
    *password = '\0';
    *(bool *)was_asked = true;
    return -1;
}

/* Adds the certificates of the file, in their order, to `certs`. */
static bool parse_certificates(BIO *bio, STACK_OF(X509) *certs, const char *path,
                               char *problem)
{
    bool was_asked = false;
    X509 *cert = NULL;
    bool is_kept = true;
    do {
        cert = PEM_read_bio_X509(bio, NULL, give_no_password, &was_asked);
        is_kept = cert == NULL || sk_X509_push(certs, cert) > 0;
    } while (cert != NULL && is_kept);
    if (!is_kept) {
        X509_free(cert);
    }
    unsigned long reason = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(reason) == ERR_LIB_PEM &&
                  ERR_GET_REASON(reason) == PEM_R_NO_START_LINE;
    if (!is_end) {
        return fail(problem, path, "certificate %d cannot be parsed",
                    sk_X509_num(certs) + 1);
    }
    return sk_X509_num(certs) > 0 ||
           fail(problem, path, "expected a certificate in PEM");
}

static bool read_certificates(struct moon_tls *tls, const char *path, char *problem)
{
    int length = 0;
    char *bytes = read_file(path, &length, problem);
    if (bytes == NULL) {
        return false;
    }
    BIO *bio = BIO_new_mem_buf(bytes, length);
    tls->chain = sk_X509_new_null();
    bool is_good = parse_certificates(bio, tls->chain, path, problem);
    tls->leaf = sk_X509_shift(tls->chain);
    BIO_free(bio);
    forget(bytes, length);
    return is_good;
}

static bool read_key(struct moon_tls *tls, const char *path, char *problem)
{
    int length = 0;
    char *bytes = read_file(path, &length, problem);
    if (bytes == NULL) {
        return false;
    }
    bool was_asked = false;
    BIO *bio = BIO_new_mem_buf(bytes, length);
    tls->key = PEM_read_bio_PrivateKey(bio, NULL, give_no_password, &was_asked);
    BIO_free(bio);
    forget(bytes, length);
    return tls->key != NULL || fail(problem, path, "expected a private key in PEM%s",
                                    was_asked ? " without a password" : "");
}

static bool check_pair(const struct moon_tls *tls, const char *cert_path,
                       const char *key_path, char *problem)
{
    if (X509_check_private_key(tls->leaf, tls->key) == 1) {
        return true;
    }
    for (int i = 0; i < sk_X509_num(tls->chain); i++) {
        if (X509_check_private_key(sk_X509_value(tls->chain, i), tls->key) == 1) {
            return fail(problem, cert_path, "expected the certificate of %s first",
                        end_of(key_path));
        }
    }
    return fail(problem, key_path, "is not the key of %s", end_of(cert_path));
}

static bool parse_time(const ASN1_TIME *time, int64_t *time_s)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return false;
    }
    *time_s = timegm(&parts);
    return true;
}

static const char *write_time(int64_t time_s, char text[TIME_BYTES])
{
    struct tm parts;
    time_t time = (time_t)time_s;
    (void)strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &parts));
    return text;
}

/* The leaf only: it is common, and no harm, that one of several ways up has expired. */
static bool check_validity(struct moon_tls *tls, const char *path, int64_t now_s,
                           char *problem)
{
    char text[TIME_BYTES];
    int64_t not_before_s = 0;
    if (!parse_time(X509_get0_notBefore(tls->leaf), &not_before_s) ||
        !parse_time(X509_get0_notAfter(tls->leaf), &tls->not_after_s)) {
        return fail(problem, path, "expected a certificate with valid times");
    }
    if (now_s < not_before_s) {
        return fail(problem, path, "not valid before %s",
                    write_time(not_before_s, text));
    }
    if (now_s > tls->not_after_s) {
        return fail(problem, path, "expired on %s", write_time(tls->not_after_s, text));
    }
    return true;
}

/* OpenSSL also judges strength. Asked here, so that installing does not fail halfway
 * through several threads. */
static bool check_strength(const struct moon_tls *tls, char *problem)
{
    SSL_CTX *trial = SSL_CTX_new(TLS_server_method());
    bool is_good = trial == NULL
                       ? fail(problem, tls->cert_path, "OpenSSL cannot be used")
                       : moon_tls_install(tls, trial, problem);
    SSL_CTX_free(trial);
    return is_good;
}

static char *copy_of(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(moon_alloc(bytes), text, bytes);
}

/* The queue of errors is emptied before and after: what is left in it would be taken
 * for an error of the thread's next connection. */
struct moon_tls *moon_tls_load(const char *cert_path, const char *key_path,
                               int64_t now_s, char problem[MOON_TLS_PROBLEM_BYTES])
{
    assert(cert_path != NULL && key_path != NULL && problem != NULL);
    struct moon_tls *tls = moon_alloc(sizeof *tls);
    tls->cert_path = copy_of(cert_path);
    ERR_clear_error();
    bool is_good = read_certificates(tls, cert_path, problem) &&
                   read_key(tls, key_path, problem) &&
                   check_pair(tls, cert_path, key_path, problem) &&
                   check_validity(tls, cert_path, now_s, problem) &&
                   check_strength(tls, problem);
    ERR_clear_error();
    if (!is_good) {
        moon_tls_destroy(tls);
        return NULL;
    }
    return tls;
}

void moon_tls_destroy(struct moon_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    X509_free(tls->leaf);
    sk_X509_pop_free(tls->chain, X509_free);
    EVP_PKEY_free(tls->key);
    moon_free(tls->cert_path);
    moon_free(tls);
}

/* An SSL_CTX keeps a pair for each type of key, and a client may prefer the type that
 * has been replaced. So a connection forgets all pairs but the one that was put in
 * last. */
static int keep_newest(SSL *ssl, void *nothing)
{
    (void)nothing;
    STACK_OF(X509) *chain = NULL;
    X509 *leaf = SSL_get_certificate(ssl);
    EVP_PKEY *key = SSL_get_privatekey(ssl);
    if (leaf == NULL || key == NULL || SSL_get0_chain_certs(ssl, &chain) != 1) {
        return 0;
    }
    X509_up_ref(leaf);
    EVP_PKEY_up_ref(key);
    chain = chain == NULL ? NULL : X509_chain_up_ref(chain);
    SSL_certs_clear(ssl);
    int is_kept = SSL_use_cert_and_key(ssl, leaf, key, chain, 1);
    sk_X509_pop_free(chain, X509_free);
    EVP_PKEY_free(key);
    X509_free(leaf);
    return is_kept;
}

bool moon_tls_install(const struct moon_tls *tls, void *ssl_ctx,
                      char problem[MOON_TLS_PROBLEM_BYTES])
{
    assert(tls != NULL && ssl_ctx != NULL && problem != NULL);
    ERR_clear_error();
    bool is_good =
        SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION) == 1 &&
        SSL_CTX_use_cert_and_key(ssl_ctx, tls->leaf, tls->key, tls->chain, 1) == 1;
    if (is_good) {
        SSL_CTX_set_cert_cb(ssl_ctx, keep_newest, NULL);
    } else {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        (void)fail(problem, tls->cert_path, "refused by OpenSSL: %s",
                   reason == NULL ? "no reason given" : reason);
    }
    ERR_clear_error();
    return is_good;
}

int moon_tls_read(void *ssl, char *bytes, uint32_t room)
{
    int n = SSL_read(ssl, bytes, (int)room);
    if (n > 0) {
        return n;
    }
    int problem = SSL_get_error(ssl, n);
    bool comes_again =
        problem == SSL_ERROR_WANT_READ || problem == SSL_ERROR_WANT_WRITE;
    ERR_clear_error(); /* or the next connection's call takes it for its own */
    return comes_again ? 0 : -1;
}

uint32_t moon_tls_pending(const void *ssl)
{
    return (uint32_t)SSL_pending(ssl);
}

int64_t moon_tls_not_after_s(const struct moon_tls *tls)
{
    return tls->not_after_s;
}

bool moon_tls_is_same(const struct moon_tls *a, const struct moon_tls *b)
{
    int count = sk_X509_num(a->chain);
    bool is_same = X509_cmp(a->leaf, b->leaf) == 0 && count == sk_X509_num(b->chain);
    for (int i = 0; is_same && i < count; i++) {
        is_same = X509_cmp(sk_X509_value(a->chain, i), sk_X509_value(b->chain, i)) == 0;
    }
    return is_same;
}

void moon_tls_fingerprint(const struct moon_tls *tls, char text[65])
{
    unsigned char digest[SHA256_BYTES] = {0};
    (void)X509_digest(tls->leaf, EVP_sha256(), digest, NULL);
    for (int i = 0; i < SHA256_BYTES; i++) {
        (void)snprintf(text + 2 * (size_t)i, 3, "%02x", digest[i]);
    }
}

void *moon_tls_client_create(void)
{
    return SSL_CTX_new(TLS_client_method());
}

void moon_tls_client_destroy(void *ssl_ctx)
{
    SSL_CTX_free(ssl_ctx);
}
