/* SPDX-License-Identifier: MIT */
#include "new.h"
#include "vm.h"

enum { MEMORY_MB = 64 };

/* All of it is in new.lua. */
int moon_new_main(int argc, char **argv)
{
    return moon_vm_run(MEMORY_MB, "moongate.new", argc - 1,
                       (const char *const *)argv + 1);
}
