/* SPDX-License-Identifier: MIT */
#include "certificate.h"
#include "log.h"
#include "mem.h"
#include "tls.h"
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What tells a file from the one that was there before. */
struct trace {
    uint64_t device, inode, size, changed_s, changed_ns;
};

struct moon_certificate {
    const char *paths[2]; /* certificate and key */
    struct trace seen[2]; /* at the last look */
    struct moon_tls *tls; /* the pair in force */
    bool is_settling;     /* the files have changed at the last look */
};

static struct trace trace_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return (struct trace){0};
    }
    return (struct trace){
        .device = status.st_dev,
        .inode = status.st_ino,
        .size = (uint64_t)status.st_size,
        .changed_s = (uint64_t)status.st_mtim.tv_sec,
        .changed_ns = (uint64_t)status.st_mtim.tv_nsec,
    };
}

static bool look_at_files(struct moon_certificate *certificate)
{
    const struct trace now[2] = {trace_of(certificate->paths[0]),
                                 trace_of(certificate->paths[1])};
    bool differs = memcmp(now, certificate->seen, sizeof now) != 0;
    memcpy(certificate->seen, now, sizeof now);
    return differs;
}

static void announce(const struct moon_tls *tls)
{
    enum {
        SHOWN = 16, /* digits of the fingerprint */
    };

    char fingerprint[65], until[32];
    time_t end = (time_t)moon_tls_not_after_s(tls);
    struct tm utc;
    moon_tls_fingerprint(tls, fingerprint);
    gmtime_r(&end, &utc);
    (void)strftime(until, sizeof until, "%Y-%m-%dT%H:%M:%SZ", &utc);
    moon_log(MOON_INFO, "tls", "certificate %.*s is in force until %s", SHOWN,
             fingerprint, until);
}

static struct moon_tls *load(const struct moon_certificate *certificate, char *problem)
{
    return moon_tls_load(certificate->paths[0], certificate->paths[1],
                         (int64_t)time(NULL), problem);
}

bool moon_certificate_look(struct moon_certificate *certificate)
{
    char problem[MOON_TLS_PROBLEM_BYTES];
    (void)look_at_files(certificate);
    certificate->is_settling = false;
    struct moon_tls *tls = load(certificate, problem);
    if (tls == NULL) {
        moon_log(MOON_ERROR, "tls", "not renewed, the old certificate stays: %s",
                 problem);
        return false;
    }
    if (moon_tls_is_same(tls, certificate->tls)) {
        moon_tls_destroy(tls);
        return false;
    }
    moon_tls_destroy(certificate->tls);
    certificate->tls = tls;
    announce(tls);
    return true;
}

bool moon_certificate_has_changed(struct moon_certificate *certificate)
{
    if (look_at_files(certificate)) {
        certificate->is_settling = true; /* the other file may follow */
        return false;
    }
    return certificate->is_settling && moon_certificate_look(certificate);
}

struct moon_certificate *moon_certificate_create(const char *cert_path,
                                                 const char *key_path)
{
    struct moon_certificate *certificate = moon_alloc(sizeof *certificate);
    char problem[MOON_TLS_PROBLEM_BYTES];
    certificate->paths[0] = cert_path;
    certificate->paths[1] = key_path;
    (void)look_at_files(certificate);
    certificate->tls = load(certificate, problem);
    if (certificate->tls == NULL) {
        moon_log(MOON_ERROR, "tls", "%s", problem);
        moon_certificate_destroy(certificate);
        return NULL;
    }
    announce(certificate->tls);
    return certificate;
}

void moon_certificate_destroy(struct moon_certificate *certificate)
{
    if (certificate != NULL) {
        moon_tls_destroy(certificate->tls);
    }
    moon_free(certificate);
}
