/* vm.h - the Lua state and its one door: C enters Lua in moon_vm_enter() and nowhere
 * else.
 *
 * Thread: logic.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include "../core/admin.h"
#include "../core/config.h"
#include "../core/gate.h"
#include <lua.h>

struct moon_vm;

/* The gate and the facts behind the functions of api.h; call before
 * moon_vm_create(). */
void moon_api_bind(struct moon_gate *gate, const struct moon_config *config);

/* Where moon_tell() goes. */
void moon_api_bind_admin(struct moon_admin *admin);

/* Loads the bindings and the app. NULL when the app does not load; one line is on
 * stderr. */
struct moon_vm *moon_vm_create(const struct moon_config *config);
void moon_vm_destroy(struct moon_vm *vm);

enum { MOON_VM_FAILED = 2 };

/* For commands that are written in Lua: calls main(argv[0], ...) of a module of the
 * bindings, in a state of its own. Returns the exit status that it returns, or
 * MOON_VM_FAILED with one line on stderr when it raises. */
int moon_vm_run(uint32_t memory_mb, const char *module, int argc,
                const char *const *argv);
/* require "moongate.x" finds what the binary carries, whatever package.path says: for
 * another state, of a process without a server. */
void moon_vm_preload(lua_State *L);

/* Lets the scripts take the events that wait. `argument` is a struct moon_vm. */
void moon_vm_enter(void *argument);
