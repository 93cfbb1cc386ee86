/* SPDX-License-Identifier: MIT */
#include "testing.h"
#include "../core/mem.h"
#include "vm.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
    BAD = 2,
    MEMORY_MB = 1024,
    FIXED_WORDS = 3, /* the app, how the specs are run, and the end of the paths */
};

struct words {
    char **list;
    int count;
};

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "moongate test: %s: %s\n", what, why);
    return BAD;
}

static int print_help(void)
{
    puts(
        "usage: moongate test [options] [PATH...] [-- BUSTED-OPTIONS...]\n"
        "\n"
        "Runs the specs of an app's plugins with busted (Debian: lua-busted): over "
        "the\n"
        "real bindings and a core without sockets, with a clock of its own. PATHs are\n"
        "spec files, or folders of *_spec.lua; without one, the folder spec of the "
        "app.\n"
        "docs/lua-api.md, Testing, says what a spec can do.\n"
        "\n"
        "options:\n"
        "  --app DIR          the folder of the plugins (.)\n"
        "  --live             against real servers, over real sockets (Debian: "
        "lua-socket)\n"
        "  --help             this text\n"
        "\n"
        "exit status: 0 all have passed, 1 some have not, 2 it was not asked as it "
        "should\n"
        "be, or something is not installed");
    return 0;
}

/* What follows the first "--" is for busted: getopt_long() would lose the place. */
static int words_before_dashes(int argc, char **argv)
{
    int count = 0;
    while (count < argc && strcmp(argv[count], "--") != 0) {
        count++;
    }
    return count;
}

/* APP, "fake" or "live", PATH..., "--", BUSTED-OPTION... */
static int run(const char *app, int is_live, struct words paths, struct words options)
{
    int count = FIXED_WORDS + paths.count + options.count;
    const char **words = moon_alloc((size_t)count * sizeof *words);
    int at = 0;
    words[at++] = app;
    words[at++] = is_live ? "live" : "fake";
    for (int i = 0; i < paths.count; i++) {
        words[at++] = paths.list[i];
    }
    words[at++] = "--";
    for (int i = 0; i < options.count; i++) {
        words[at++] = options.list[i];
    }
    int status = moon_vm_run(MEMORY_MB, "moongate.test.runner", count, words);
    moon_free(words);
    return status;
}

int moon_testing_main(int argc, char **argv)
{
    const char *app = ".";
    int is_live = 0;
    const struct option options[] = {{"app", required_argument, NULL, 'a'},
                                     {"live", no_argument, &is_live, 1},
                                     {"help", no_argument, NULL, 'h'},
                                     {0}};
    int own = words_before_dashes(argc, argv);
    int rest = own < argc ? own + 1 : argc;
    int choice = 0;
    opterr = 0;
    while ((choice = getopt_long(own, argv, ":", options, NULL)) != -1) {
        if (choice == 'h') {
            return print_help();
        }
        if (choice == ':') {
            return complain(argv[optind - 1], "a value is missing");
        }
        if (choice == '?') {
            return complain(argv[optind - 1], "unknown option; see --help");
        }
        if (choice == 'a') {
            app = optarg;
        }
    }
    return run(app, is_live, (struct words){argv + optind, own - optind},
               (struct words){argv + rest, argc - rest});
}
