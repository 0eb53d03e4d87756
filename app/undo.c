#include "app/undo.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

struct edits edits_copy(const struct edits *edits)
{
    struct edits copy = *edits;
    copy.muted = NULL;
    if (edits->muted_count) {
        copy.muted = xcalloc(edits->muted_count, sizeof *copy.muted);
        memcpy(copy.muted, edits->muted, edits->muted_count * sizeof *copy.muted);
    }
    return copy;
}

void edits_free(struct edits *edits)
{
    free(edits->muted);
    *edits = (struct edits){0};
}

bool edits_is_muted(const struct edits *edits, size_t slot)
{
    return slot < edits->muted_count && edits->muted[slot];
}

static bool same_settings(const struct compress_settings *a, const struct compress_settings *b)
{
    return a->window == b->window && !(a->ratio < b->ratio || a->ratio > b->ratio) &&
           !(a->eps < b->eps || a->eps > b->eps) && a->iters == b->iters && a->align == b->align;
}

bool edits_equal(const struct edits *a, const struct edits *b)
{
    size_t count = a->muted_count > b->muted_count ? a->muted_count : b->muted_count;
    for (size_t i = 0; i < count; i++)
        if (edits_is_muted(a, i) != edits_is_muted(b, i))
            return false;
    return same_settings(&a->settings, &b->settings) && a->segment == b->segment;
}

size_t edits_muted(const struct edits *edits)
{
    size_t count = 0;
    for (size_t i = 0; i < edits->muted_count; i++)
        count += edits->muted[i];
    return count;
}

void edits_mute(struct edits *edits, size_t slot, bool muted)
{
    if (slot >= edits->muted_count) {
        if (!muted)
            return;
        edits->muted = xrealloc(edits->muted, slot + 1, sizeof *edits->muted);
        memset(edits->muted + edits->muted_count, 0, slot + 1 - edits->muted_count);
        edits->muted_count = slot + 1;
    }
    edits->muted[slot] = muted;
}

void edits_unmute_all(struct edits *edits)
{
    free(edits->muted);
    edits->muted = NULL;
    edits->muted_count = 0;
}

static void push(struct edits **list, size_t *count, size_t *capacity, struct edits edits)
{
    if (*count == UNDO_MAX) {
        edits_free(&(*list)[0]);
        memmove(*list, *list + 1, (UNDO_MAX - 1) * sizeof **list);
        --*count;
    }
    MEM_GROW(*list, *capacity, *count + 1);
    (*list)[(*count)++] = edits;
}

static void drop_all(struct edits *list, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        edits_free(&list[i]);
    *count = 0;
}

void undo_remember(struct undo *undo, const struct edits *now)
{
    push(&undo->past, &undo->n_past, &undo->past_capacity, edits_copy(now));
    drop_all(undo->future, &undo->n_future);
}

bool undo_back(struct undo *undo, struct edits *now)
{
    if (!undo->n_past)
        return false;
    push(&undo->future, &undo->n_future, &undo->future_capacity, *now);
    *now = undo->past[--undo->n_past];
    return true;
}

bool undo_forward(struct undo *undo, struct edits *now)
{
    if (!undo->n_future)
        return false;
    push(&undo->past, &undo->n_past, &undo->past_capacity, *now);
    *now = undo->future[--undo->n_future];
    return true;
}

void undo_free(struct undo *undo)
{
    drop_all(undo->past, &undo->n_past);
    drop_all(undo->future, &undo->n_future);
    free(undo->past);
    free(undo->future);
    *undo = (struct undo){0};
}
