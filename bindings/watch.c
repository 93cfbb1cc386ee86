/* SPDX-License-Identifier: MIT */
#include "watch.h"
#include "../core/log.h"
#include "../core/mem.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    QUIET_MS = 50, /* an editor writes, renames and touches: wait until it is through */
    MAX_FOLDERS = 64,
    PATH_BYTES = 4096,
};

struct moon_watch {
    struct moon_gate *gate;
    uv_timer_t quiet;
    uv_fs_event_t folders[MAX_FOLDERS];
    unsigned count,
        open; /* handles in use; handles not yet closed, the timer included */
};

static void on_quiet(uv_timer_t *timer)
{
    struct moon_watch *watch = timer->data;
    moon_gate_post(watch->gate, MOON_CHANGED, 0);
}

static void on_change(uv_fs_event_t *event, const char *file, int events, int status)
{
    struct moon_watch *watch = event->data;
    size_t length = file == NULL ? 0 : strlen(file);
    (void)events, (void)status;
    if (length > 4 && strcmp(file + length - 4, ".lua") == 0) {
        uv_timer_start(&watch->quiet, on_quiet, QUIET_MS, 0);
    }
}

static void watch_folder(struct moon_watch *watch, const char *path)
{
    if (watch->count == MAX_FOLDERS) {
        moon_log(MOON_WARN, "watch",
                 "more than %d folders: %s is not watched, use SIGHUP", MAX_FOLDERS,
                 path);
        return;
    }
    uv_fs_event_t *folder = &watch->folders[watch->count++];
    uv_fs_event_init(moon_gate_loop(watch->gate), folder);
    folder->data = watch;
    watch->open++;
    int status = uv_fs_event_start(folder, on_change, path, 0);
    if (status != 0) {
        moon_log(MOON_WARN, "watch", "cannot watch %s (%s): use SIGHUP to reload", path,
                 uv_strerror(status));
    }
}

static void watch_subfolders(struct moon_watch *watch, const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry = NULL;
    char child[PATH_BYTES];
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        struct stat status;
        if (entry->d_name[0] != '.' && stat(child, &status) == 0 &&
            S_ISDIR(status.st_mode)) {
            watch_folder(watch, child);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

struct moon_watch *moon_watch_create(struct moon_gate *gate, const char *app)
{
    struct moon_watch *watch = moon_alloc(sizeof *watch);
    struct stat status;
    char path[PATH_BYTES];
    watch->gate = gate;
    watch->open = 1;
    uv_timer_init(moon_gate_loop(gate), &watch->quiet);
    watch->quiet.data = watch;
    if (stat(app, &status) == 0 && S_ISDIR(status.st_mode)) {
        watch_folder(watch, app);
        watch_subfolders(watch, app);
        return watch;
    }
    /* Editors replace a file: watch its folder, or the watch would end with the old
     * one. */
    const char *slash = strrchr(app, '/');
    (void)snprintf(path, sizeof path, "%.*s",
                   slash == NULL ? 1 : (int)(slash - app + 1),
                   slash == NULL ? "." : app);
    watch_folder(watch, path);
    return watch;
}

static void on_closed(uv_handle_t *handle)
{
    struct moon_watch *watch = handle->data;
    if (--watch->open == 0) {
        moon_free(watch);
    }
}

void moon_watch_destroy(struct moon_watch *watch)
{
    for (unsigned i = 0; i < watch->count; i++) {
        uv_close((uv_handle_t *)&watch->folders[i], on_closed);
    }
    uv_close((uv_handle_t *)&watch->quiet, on_closed);
}
