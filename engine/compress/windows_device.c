#include "engine/compress/windows_device.h"

#include <string.h>

#include "engine/base/err.h"
#include "engine/base/size.h"
#include "engine/compress/windows.h"

/* The layouts of all segments, one behind the other. */
static struct window_plan *lay_out(const struct compress_settings *s, const size_t *starts,
                                   size_t segments, struct device_windows *all, size_t *slot_start,
                                   struct arena *arena)
{
    for (size_t i = 0; i < segments; i++)
        all->count += size_div_up(starts[i + 1] - starts[i], s->window);
    struct window_plan *window = arena_array(arena, struct window_plan, all->count);
    size_t next = 0;
    for (size_t i = 0; i < segments; i++) {
        struct segment_plan plan;
        CHECK(starts[i + 1] > starts[i]);
        windows_layout(s, starts[i + 1] - starts[i], &plan, arena);
        memcpy(window + next, plan.window, plan.windows * sizeof *window);
        next += plan.windows;
        slot_start[i + 1] = slot_start[i] + plan.slots;
    }
    return window;
}

/* Puts window w behind those that *all counts. */
static void add_window(struct device_windows *all, const struct window_plan *w,
                       struct device_window *out, int32_t *span, int32_t *home)
{
    *out = (struct device_window){
        .cell = (int64_t)all->cells,
        .first = (int32_t)all->n,
        .tokens = (int32_t)w->tokens,
        .slot = (int32_t)all->S,
        .slots = (int32_t)w->slots,
        .ghosts = (int32_t)(w->K - w->slots),
    };
    for (size_t j = 0; j < w->slots; j++) {
        span[all->S + j] = (int32_t)(all->n + w->span[j]);
        for (size_t t = w->span[j]; t < w->span[j + 1]; t++)
            home[all->n + t] = (int32_t)(all->S + j);
    }
    all->n += w->tokens;
    all->S += w->slots;
    all->cells += w->tokens * w->slots;
    all->tokens_most = size_max(all->tokens_most, w->tokens);
    all->slots_most = size_max(all->slots_most, w->slots);
}

void windows_device_init(struct device *d, const struct compress_settings *s, const size_t *starts,
                         size_t segments, struct windows_device *out, struct arena *arena)
{
    size_t *slot_start = arena_array(arena, size_t, segments + 1), n = starts[segments];
    struct device_windows all = {0};
    CHECK(n <= INT32_MAX);
    out->window = lay_out(s, starts, segments, &all, slot_start, arena);
    out->slot_start = slot_start;
    struct device_window *window = arena_array(arena, struct device_window, all.count);
    int32_t *span = arena_array(arena, int32_t, slot_start[segments] + 1);
    int32_t *home = arena_array(arena, int32_t, n);
    for (size_t i = 0; i < all.count; i++)
        add_window(&all, &out->window[i], &window[i], span, home);
    span[all.S] = (int32_t)all.n;
    struct device_window *on_device = d->ops->take(d, all.count * sizeof *window);
    d->ops->upload(d, on_device, window, all.count * sizeof *window);
    all.window = on_device;
    all.span = device_ints_of(d, span, all.S + 1);
    all.home = device_ints_of(d, home, n);
    out->all = all;
}
