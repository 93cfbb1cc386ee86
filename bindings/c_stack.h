/* c_stack.h - who has called whom in C, for a signal handler.
 *
 * Follows frame pointers, which our own code has: what calls it in a library is not
 * seen, and who has called a library is the first of our functions that stands on the
 * stack. Reads nothing but registers and the stack of the thread that is interrupted;
 * knows x86-64 and AArch64, elsewhere there are no frames.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Where the stack of this thread begins: frames are below. 0: it is not known, and then
 * only the function is seen that runs. Not for a signal handler. */
uintptr_t moon_c_stack_top(void);

/* Whether half of this thread's stack, or a megabyte, is used up. Always of the same
 * thread. */
bool moon_c_stack_is_deep(void);

/* The innermost frames first: the address that runs, then addresses behind calls. */
uint32_t moon_c_stack_walk(const void *context, uintptr_t top, uintptr_t *pcs,
                           uint32_t capacity);

/* Whether an address is one of the program's own code. */
bool moon_c_stack_is_ours(uintptr_t pc);

/* Whether the library that called us was itself called by code that is in no file,
 * which is what a JIT compiler writes. Slow, and not for a signal handler. */
bool moon_c_stack_is_compiled(void);

/* Where the program is loaded. */
uintptr_t moon_c_stack_base(void);
