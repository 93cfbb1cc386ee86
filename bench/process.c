/* SPDX-License-Identifier: MIT */
#include "process.h"
#include "../core/mem.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    PATH_BYTES = 320, /* a name in a folder has up to 255 */
    LINE_BYTES = 1024,
    THREADS = 16, /* by which a table grows */
};

/* The first line of the file; false when there is none. */
static bool read_line(const char *path, char *line)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool is_read = fgets(line, LINE_BYTES, file) != NULL;
    (void)fclose(file);
    return is_read;
}

/* The entry of the thread, a new one when it has none. */
static struct moon_process_thread *thread_of(struct moon_process *process, uint32_t id)
{
    for (uint32_t i = 0; i < process->count; i++) {
        if (process->threads[i].id == id) {
            return &process->threads[i];
        }
    }
    if (process->count == process->capacity) {
        process->capacity += THREADS;
        process->threads = moon_realloc(process->threads,
                                        process->capacity * sizeof *process->threads);
    }
    process->threads[process->count] = (struct moon_process_thread){.id = id};
    return &process->threads[process->count++];
}

/* The first word of schedstat is the time on a CPU. */
static void look_at_threads(struct moon_process *process)
{
    char path[PATH_BYTES], line[LINE_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%u/task", process->pid);
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(folder)) != NULL) {
        (void)snprintf(path, sizeof path, "/proc/%u/task/%s/schedstat", process->pid,
                       entry->d_name);
        if (entry->d_name[0] != '.' && read_line(path, line)) {
            uint32_t id = (uint32_t)strtoul(entry->d_name, NULL, 10);
            thread_of(process, id)->cpu_ns = strtoull(line, NULL, 10);
        }
    }
    (void)closedir(folder);
}

/* 0 when the kernel keeps no such books. */
static uint64_t scheduled_ns(struct moon_process *process)
{
    uint64_t sum = 0;
    look_at_threads(process);
    for (uint32_t i = 0; i < process->count; i++) {
        sum += process->threads[i].cpu_ns;
    }
    return sum;
}

/* proc(5): utime and stime are the 12th and 13th words behind the name. */
static bool ticks_of(uint32_t pid, uint64_t *ticks)
{
    char path[PATH_BYTES], line[LINE_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%u/stat", pid);
    if (!read_line(path, line)) {
        return false;
    }
    const char *at = strrchr(line, ')');
    for (int word = 0; at != NULL && word < 12; word++) {
        at = strchr(at + 1, ' ');
    }
    if (at == NULL) {
        return false;
    }
    char *end = NULL;
    uint64_t user = strtoull(at, &end, 10);
    *ticks = user + strtoull(end, NULL, 10);
    return true;
}

void moon_process_fini(struct moon_process *process)
{
    moon_free(process->threads);
    process->threads = NULL;
}

bool moon_process_cpu_ns(struct moon_process *process, uint64_t *cpu_ns)
{
    uint64_t ticks = 0;
    if (!ticks_of(process->pid, &ticks)) {
        return false;
    }
    uint64_t scheduled = scheduled_ns(process);
    uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    *cpu_ns = scheduled > 0 ? scheduled : ticks * tick_ns;
    return true;
}

uint64_t moon_process_main_cpu_ns(const struct moon_process *process)
{
    for (uint32_t i = 0; i < process->count; i++) {
        if (process->threads[i].id == process->pid) {
            return process->threads[i].cpu_ns;
        }
    }
    return 0;
}

bool moon_process_rss_bytes(const struct moon_process *process, uint64_t *rss_bytes)
{
    char path[PATH_BYTES], line[LINE_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%u/statm", process->pid);
    if (!read_line(path, line)) {
        return false;
    }
    char *end = NULL;
    (void)strtoull(line, &end, 10);
    *rss_bytes = strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

static uint64_t ns_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}

uint64_t moon_process_own_cpu_ns(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime);
}
