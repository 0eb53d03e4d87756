/* The slots of a document: how many there are, read or not, and their vectors; those that are
 * given in their place. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/compress/windows.h"
#include "engine/engine_private.h"

size_t engine_count_slots(const struct engine *e, const struct engine_segment *segment,
                          struct arena *arena)
{
    struct arena_mark mark = arena_mark(arena);
    struct segment_plan layout;
    windows_layout(&e->settings, segment->tokens, &layout, arena);
    arena_release(arena, mark);
    return layout.slots;
}

/* Those of [first, first + n) over the document that are not muted. */
static size_t count_heard(const struct engine *e, size_t first, size_t n)
{
    size_t heard = 0;
    for (size_t j = first; j < first + n; j++)
        heard += !engine_slot_muted(e, j);
    return heard;
}

size_t engine_slots_asked(const struct engine *e, size_t from, size_t to, size_t *tokens,
                          struct arena *arena)
{
    size_t asked = 0, index = 0;
    *tokens = 0;
    for (size_t i = 0; i < e->n_segments; i++) {
        const struct engine_segment *segment = &e->segments[i];
        struct arena_mark mark = arena_mark(arena);
        struct segment_plan layout;
        windows_layout(&e->settings, segment->tokens, &layout, arena);
        for (size_t w = 0; w < layout.windows; w++) {
            const struct window_plan *window = &layout.window[w];
            size_t first = segment->first + window->first;
            if (first < to && first + window->tokens > from) {
                asked += count_heard(e, index, window->slots);
                *tokens += window->tokens;
            }
            index += window->slots;
        }
        arena_release(arena, mark);
    }
    return asked;
}

real *engine_slots(struct engine *e, size_t from, size_t to, size_t **source, size_t *count,
                   size_t *all, struct arena *arena)
{
    const struct snapshot *s = e->snapshot;
    size_t H = e->compressor.shape.H, total = 0;
    for (size_t i = 0; i < e->n_segments; i++)
        total += e->segments[i].n_slots;
    real *out = arena_array(arena, real, total * H);
    *source = arena_array(arena, size_t, total);
    *count = *all = 0;
    for (size_t i = 0; i < e->n_segments; i++) {
        const struct engine_segment *segment = &e->segments[i];
        const real *slot = segment->slots;
        if (!segment->read)
            *all += engine_count_slots(e, segment, arena);
        for (size_t w = 0; segment->read && w < segment->windows; w++) {
            const struct snapshot_window *window = s->window[segment->first_window + w];
            bool wanted = window->first < to && window->first + window->tokens > from;
            for (size_t j = 0; j < window->slots; j++, ++*all, slot += H) {
                if (!wanted || engine_slot_muted(e, *all))
                    continue;
                memcpy(out + *count * H, slot, H * sizeof(real));
                (*source)[(*count)++] = *all;
            }
        }
    }
    return out;
}

void engine_set_slots(struct engine *e, const float *slots, size_t n)
{
    size_t count = n * e->compressor.shape.H;
    free(e->given_slots);
    e->given_slots = NULL;
    e->n_given_slots = n;
    if (n == 0)
        return;
    e->given_slots = xcalloc(count, sizeof *e->given_slots);
    for (size_t i = 0; i < count; i++)
        e->given_slots[i] = (real)slots[i];
}
