/* SPDX-License-Identifier: MIT */
#include "ws_state.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    ETAG_BYTES = 40,
    FILE_BYTES = 4096, /* longest path in the file system */
};

/* What libwebsockets does not know. */
static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".mjs", "text/javascript"}, {".wasm", "application/wasm"},
        {".webp", "image/webp"},     {".avif", "image/avif"},
        {".pdf", "application/pdf"}, {".webmanifest", "application/manifest+json"},
        {".md", "text/markdown"},    {".map", "application/json"},
        {".mp3", "audio/mpeg"},      {".mp4", "video/mp4"},
    };
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t ending = strlen(types[i][0]);
        if (length > ending && strcmp(path + length - ending, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    const char *known = lws_get_mimetype(path, NULL);
    return known == NULL || known[0] == '\0' ? "application/octet-stream" : known;
}

/* Finds the file of a path; false when there is none. Files and folders that begin with
 * a dot are not served. */
static bool find_file(const char *folder, const char *path, char *file,
                      struct stat *status)
{
    bool is_folder = path[strlen(path) - 1] == '/';
    int length = snprintf(file, FILE_BYTES, "%s%s%s", folder, path,
                          is_folder ? "index.html" : "");
    return length < FILE_BYTES && strstr(path, "/.") == NULL &&
           stat(file, status) == 0 && S_ISREG(status->st_mode);
}

static bool has_it(struct lws *wsi, const char *etag)
{
    char seen[MOON_WS_HEADER_BYTES];
    bool is_bad = false;
    return moon_ws_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, seen, sizeof seen,
                          &is_bad) != NULL &&
           !is_bad && strstr(seen, etag) != NULL;
}

int moon_ws_serve_file(struct lws *wsi, const char *path)
{
    static const char missing[] = "nothing is served at this path\n";
    char file[FILE_BYTES], etag[ETAG_BYTES], headers[2 * ETAG_BYTES];
    const char *folder = moon_ws_of(wsi)->config->static_dir;
    struct stat status;
    if (folder == NULL || !find_file(folder, path, file, &status)) {
        return moon_ws_answer(wsi, 404, "", missing, sizeof missing - 1);
    }
    (void)snprintf(etag, sizeof etag, "\"%llX-%llX\"",
                   (unsigned long long)status.st_size,
                   (unsigned long long)status.st_mtime);
    int length = snprintf(headers, sizeof headers, "ETag: %s\r\n", etag);
    if (has_it(wsi, etag)) {
        return moon_ws_answer(wsi, 304, headers, "", 0);
    }
    moon_io_sends_file(moon_ws_conn_of(wsi));
    int sent = lws_serve_http_file(wsi, file, type_of(file), headers, length);
    return sent == 0 ? 0 : -1; /* 0: the rest follows, then the connection ends */
}
