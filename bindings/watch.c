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
    MAX_FOLDERS = 256,
    MAX_DEPTH = 8,
    PATH_BYTES = 4096,
};

struct moon_watch {
    struct moon_gate *gate;
    const char *app;
    uv_timer_t quiet;
    uv_fs_event_t *folders[MAX_FOLDERS];
    unsigned count;
};

static void free_handle(uv_handle_t *handle)
{
    moon_free(handle);
}

static void unwatch(struct moon_watch *watch)
{
    while (watch->count > 0) {
        uv_close((uv_handle_t *)watch->folders[--watch->count], free_handle);
    }
}

static void on_quiet(uv_timer_t *timer)
{
    struct moon_watch *watch = timer->data;
    moon_watch_renew(watch); /* folders may have come and gone */
    moon_gate_post(watch->gate, MOON_CHANGED, 0);
}

/* A script, or what may be a folder of scripts that comes or goes; but not a log that
 * is written here, or each line about a reload would be the reason for another. */
static bool is_of_interest(const char *file, int events)
{
    const char *dot = strrchr(file, '.');
    return dot == NULL ? (events & UV_RENAME) != 0 : strcmp(dot, ".lua") == 0;
}

static void on_change(uv_fs_event_t *event, const char *file, int events, int status)
{
    struct moon_watch *watch = event->data;
    (void)status;
    if (file != NULL && is_of_interest(file, events)) {
        uv_timer_start(&watch->quiet, on_quiet, QUIET_MS, 0);
    }
}

static void watch_folder(struct moon_watch *watch, const char *path)
{
    if (watch->count == MAX_FOLDERS) {
        moon_log(MOON_WARN, "watch", "over %d folders: %s is not watched, use SIGHUP",
                 MAX_FOLDERS, path);
        return;
    }
    uv_fs_event_t *folder = moon_alloc(sizeof *folder);
    uv_fs_event_init(moon_gate_loop(watch->gate), folder);
    folder->data = watch;
    watch->folders[watch->count++] = folder;
    int status = uv_fs_event_start(folder, on_change, path, 0);
    if (status != 0) {
        moon_log(MOON_WARN, "watch", "cannot watch %s (%s): use SIGHUP to reload", path,
                 uv_strerror(status));
    }
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* A folder and those in it. A link to a folder above ends at MAX_DEPTH. */
static void watch_tree(struct moon_watch *watch, const char *path, int depth)
{
    char child[PATH_BYTES];
    struct dirent *entry = NULL;
    watch_folder(watch, path);
    DIR *folder = depth == MAX_DEPTH ? NULL : opendir(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && is_folder(child)) {
            watch_tree(watch, child, depth + 1);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

static void watch_app(struct moon_watch *watch)
{
    char path[PATH_BYTES];
    if (is_folder(watch->app)) {
        watch_tree(watch, watch->app, 1);
        return;
    }
    /* Editors replace a file: watch its folder, or the watch would end with the old
     * one. */
    const char *slash = strrchr(watch->app, '/');
    (void)snprintf(path, sizeof path, "%.*s",
                   slash == NULL ? 1 : (int)(slash - watch->app + 1),
                   slash == NULL ? "." : watch->app);
    watch_folder(watch, path);
}

struct moon_watch *moon_watch_create(struct moon_gate *gate, const char *app)
{
    struct moon_watch *watch = moon_alloc(sizeof *watch);
    watch->gate = gate;
    watch->app = app;
    uv_timer_init(moon_gate_loop(gate), &watch->quiet);
    watch->quiet.data = watch;
    watch_app(watch);
    return watch;
}

void moon_watch_renew(struct moon_watch *watch)
{
    unwatch(watch);
    watch_app(watch);
}

static void on_closed(uv_handle_t *handle)
{
    moon_free(handle->data);
}

void moon_watch_destroy(struct moon_watch *watch)
{
    unwatch(watch);
    uv_close((uv_handle_t *)&watch->quiet, on_closed);
}
