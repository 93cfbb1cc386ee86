/* SPDX-License-Identifier: MIT */
#include "check.h"
#include "../core/certificate.h"
#include "../core/config.h"
#include "../core/log.h"
#include "../core/mem.h"
#include "vm.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRONG = 1, BAD = 2, OWN_OPTIONS = 3 };

static int print_help(void)
{
    puts("usage: moongate check [--strict] [--json] [options] [APP]\n"
         "\n"
         "Reads the configuration and the certificate, and loads all scripts, as "
         "moongate "
         "run\n"
         "with the same options and environment would; nothing is listened on, and no "
         "store is\n"
         "opened. Prints the plugins with their options and the way of each request; "
         "what "
         "is\n"
         "wrong goes to stderr. If luacheck is installed, it looks at the files, too.\n"
         "APP is by default what it is for moongate run, or the folder you are in if "
         "it has an\n"
         "init.lua and no folder scripts.\n"
         "\n"
         "options, beside those of moongate run:\n"
         "  --strict           warnings fail, too\n"
         "  --json             print one object for programs\n"
         "  --help             this text\n"
         "\n"
         "exit status: 0 fine, 1 something is wrong, 2 it was not asked as it should "
         "be: "
         "what\n"
         "moongate run would not start with either, before it looks at a script");
    return 0;
}

static int check(const struct moon_config *config, const char *strictness,
                 const char *form)
{
    struct moon_certificate *certificate = NULL;
    if (config->tls_cert != NULL) {
        certificate = moon_certificate_create(config->tls_cert, config->tls_key);
    }
    bool is_right = config->tls_cert == NULL || certificate != NULL;
    moon_certificate_destroy(certificate);
    moon_api_bind(NULL, config); /* idle.lua keeps the scripts from the gate */
    const char *const arguments[] = {config->app, strictness, form};
    int status = moon_vm_run(config->script_memory_mb, "moongate.checkup",
                             sizeof arguments / sizeof arguments[0], arguments);
    return status == 0 && !is_right ? WRONG : status;
}

/* Within an app's folder it is that app, as for moongate test. */
static void take_folder(void)
{
    if (access("scripts", F_OK) != 0 && access("init.lua", F_OK) == 0) {
        (void)setenv("MOONGATE_APP", ".", 0); /* what is given comes before it */
    }
}

/* What is left is for moongate run to read. */
int moon_check_main(int argc, char **argv)
{
    const char *strictness = "", *form = "text";
    char run[] = "run";
    char **left = moon_alloc(((size_t)argc + OWN_OPTIONS) * sizeof *left);
    int count = 0;
    left[count++] = argv[0];
    left[count++] = run;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            moon_free(left);
            return print_help();
        }
        if (strcmp(argv[i], "--strict") == 0) {
            strictness = "strict";
        } else if (strcmp(argv[i], "--json") == 0) {
            form = "json";
        } else {
            left[count++] = argv[i];
        }
    }
    left[count] = NULL;
    take_folder();
    struct moon_config config;
    enum moon_config_result result = moon_config_read(&config, count, left);
    int status = result == MOON_CONFIG_DONE ? 0 : BAD;
    if (result == MOON_CONFIG_RUN) {
        moon_log_set_level((enum moon_level)config.log_level);
        status = check(&config, strictness, form);
    }
    moon_free(left);
    return status;
}
