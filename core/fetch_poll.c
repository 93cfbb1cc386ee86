/* SPDX-License-Identifier: MIT */
#include "fetch_state.h"
#include "mem.h"

enum {
    KEPT_CONNECTIONS = 64, /* idle ones included */
};

/* A socket that libcurl wants to be told of. */
struct watch {
    uv_poll_t poll;
    struct moon_fetcher *fetcher;
    curl_socket_t fd;
    int events; /* enum uv_poll_event */
};

static void conclude_all(struct moon_fetcher *fetcher)
{
    CURLMsg *message = NULL;
    int left = 0;
    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        char *errand = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &errand);
        moon_errand_conclude((struct moon_errand *)(void *)errand, code);
    }
}

/* After an error libuv watches no longer. Something may have come before it, such as
 * the refusal of a body that is still on its way: so libcurl is to read up to it. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct moon_fetcher *fetcher = watch->fetcher;
    int running = 0;
    int ready = status < 0 ? watch->events : events;
    int flags = ((ready & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                ((ready & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(fetcher->multi, watch->fd, flags, &running);
    conclude_all(fetcher);
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll)) {
        uv_poll_start(poll, watch->events, on_ready);
    }
}

static void free_watch(uv_handle_t *handle)
{
    moon_free(handle->data);
}

static struct watch *watch_socket(struct moon_fetcher *fetcher, curl_socket_t fd)
{
    struct watch *watch = moon_alloc(sizeof *watch);
    watch->fetcher = fetcher;
    watch->fd = fd;
    watch->poll.data = watch;
    uv_poll_init_socket(&fetcher->worker.loop.uv, &watch->poll, fd);
    curl_multi_assign(fetcher->multi, fd, watch);
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *known)
{
    struct moon_fetcher *fetcher = owner;
    struct watch *watch = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, free_watch);
            curl_multi_assign(fetcher->multi, fd, NULL);
        }
        return 0;
    }
    if (watch == NULL) {
        watch = watch_socket(fetcher, fd);
    }
    watch->events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                    ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    uv_poll_start(&watch->poll, watch->events, on_ready);
    return 0;
}

static void on_time(uv_timer_t *timer)
{
    struct moon_fetcher *fetcher = timer->data;
    int running = 0;
    curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    conclude_all(fetcher);
}

static int on_timer(CURLM *multi, long timeout_ms, void *owner)
{
    struct moon_fetcher *fetcher = owner;
    (void)multi;
    if (timeout_ms < 0) {
        uv_timer_stop(&fetcher->timer);
    } else {
        uv_timer_start(&fetcher->timer, on_time, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

void moon_fetcher_open(struct moon_fetcher *fetcher)
{
    uv_timer_init(&fetcher->worker.loop.uv, &fetcher->timer);
    fetcher->timer.data = fetcher;
    fetcher->multi = curl_multi_init();
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
}

void moon_fetcher_close(struct moon_fetcher *fetcher)
{
    curl_multi_cleanup(fetcher->multi); /* may still speak of its sockets */
    uv_close((uv_handle_t *)&fetcher->timer, NULL);
}
