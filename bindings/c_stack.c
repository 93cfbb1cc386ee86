/* SPDX-License-Identifier: MIT */
#include "c_stack.h"
#include <dlfcn.h>
#include <pthread.h>
#include <ucontext.h>
#include <unwind.h>

enum {
    SCAN_BYTES = 1024,    /* of the stack, for who has called a library */
    MOST_BYTES = 2 << 20, /* of a stack: more is not looked at */
    WORD_BYTES = sizeof(uintptr_t),
    FRAME_BYTES = 2 * WORD_BYTES, /* the caller's frame, and where it goes on */
};

extern const char __executable_start[], etext[]; /* the linker's. NOLINT */

/* What is read here are words of a stack, whoever they belong to. */
#define UNCHECKED __attribute__((no_sanitize("address", "thread")))

struct place {
    uintptr_t pc, frame, stack;
};

static struct place place_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    const greg_t *at = context->uc_mcontext.gregs;
    return (struct place){(uintptr_t)at[REG_RIP], (uintptr_t)at[REG_RBP],
                          (uintptr_t)at[REG_RSP]};
#elif defined(__aarch64__)
    const mcontext_t *at = &context->uc_mcontext;
    return (struct place){at->pc, at->regs[29], at->sp};
#else
    (void)context;
    return (struct place){0};
#endif
}

bool moon_c_stack_is_ours(uintptr_t pc)
{
    return pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext;
}

UNCHECKED static uintptr_t word_at(uintptr_t address)
{
    const volatile uintptr_t *word = (const volatile uintptr_t *)address; /* NOLINT */
    return *word;
}

static uintptr_t caller_of_library(uintptr_t from, uintptr_t top)
{
    uintptr_t end = top - from > SCAN_BYTES ? from + SCAN_BYTES : top;
    for (uintptr_t at = from; at < end; at += WORD_BYTES) {
        if (moon_c_stack_is_ours(word_at(at))) {
            return word_at(at);
        }
    }
    return 0;
}

uint32_t moon_c_stack_walk(const void *context, uintptr_t top, uintptr_t *pcs,
                           uint32_t capacity)
{
    const struct place place = place_of(context);
    uint32_t depth = 0;
    uintptr_t frame = place.frame, least = place.stack;
    pcs[depth++] = place.pc;
    if (!moon_c_stack_is_ours(place.pc) && least < top && least % WORD_BYTES == 0) {
        uintptr_t caller = caller_of_library(least, top);
        if (caller == 0) {
            return depth;
        }
        pcs[depth++] = caller;
    }
    while (depth < capacity && frame >= least && frame % WORD_BYTES == 0 &&
           frame < top && top - frame > FRAME_BYTES) {
        uintptr_t caller = word_at(frame + WORD_BYTES);
        if (!moon_c_stack_is_ours(caller)) {
            break;
        }
        pcs[depth++] = caller;
        least = frame + WORD_BYTES;
        frame = word_at(frame);
    }
    return depth;
}

struct caller {
    bool is_library, is_compiled;
};

static _Unwind_Reason_Code look_at(struct _Unwind_Context *frame, void *data)
{
    struct caller *caller = data;
    uintptr_t pc = _Unwind_GetIP(frame);
    Dl_info unused;
    if (moon_c_stack_is_ours(pc)) {
        return caller->is_library ? _URC_END_OF_STACK : _URC_NO_REASON;
    }
    caller->is_library = true;
    caller->is_compiled = dladdr((void *)pc, &unused) == 0; /* NOLINT */
    return caller->is_compiled ? _URC_END_OF_STACK : _URC_NO_REASON;
}

bool moon_c_stack_is_compiled(void)
{
    struct caller caller = {0};
    _Unwind_Backtrace(look_at, &caller);
    return caller.is_compiled;
}

uintptr_t moon_c_stack_base(void)
{
    return (uintptr_t)__executable_start;
}

/* Returns its top; 0: it is not known. */
static uintptr_t look_at_stack(uintptr_t *bytes)
{
    pthread_attr_t attributes;
    void *lowest = NULL;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return 0;
    }
    pthread_attr_getstack(&attributes, &lowest, bytes);
    pthread_attr_destroy(&attributes);
    return (uintptr_t)lowest + *bytes;
}

uintptr_t moon_c_stack_top(void)
{
    uintptr_t unused = 0;
    return look_at_stack(&unused);
}

bool moon_c_stack_is_deep(void)
{
    static uintptr_t middle;
    if (middle == 0) {
        uintptr_t bytes = 0, top = look_at_stack(&bytes);
        bytes = bytes > MOST_BYTES ? MOST_BYTES : bytes; /* it may have no limit */
        middle = top - bytes / 2;
    }
    return (uintptr_t)__builtin_frame_address(0) < middle;
}
