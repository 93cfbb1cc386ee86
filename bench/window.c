/* SPDX-License-Identifier: MIT */
#include "window.h"

void moon_window_init(struct moon_window *window, uint32_t *heard, uint32_t size,
                      uint32_t members)
{
    *window = (struct moon_window){.size = size, .members = members};
    window->heard = heard;
}

bool moon_window_has_room(const struct moon_window *window)
{
    return window->next - window->first < window->size;
}

static bool advance(struct moon_window *window)
{
    uint32_t before = window->first;
    while (window->first != window->next &&
           window->heard[window->first % window->size] >= window->members) {
        window->first++;
    }
    return window->first != before;
}

void moon_window_sent(struct moon_window *window)
{
    window->heard[window->next % window->size] = window->absent;
    window->next++;
}

bool moon_window_heard(struct moon_window *window, uint32_t sequence, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        window->heard[(sequence + i) % window->size]++;
    }
    return advance(window);
}

bool moon_window_left(struct moon_window *window, uint32_t sequence)
{
    window->absent++;
    return moon_window_heard(window, sequence, window->next - sequence);
}
