#include "app/undo.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

struct engine_edits edits_for_engine(const struct edits *edits)
{
    bool rebalance = edits_rebalanced(edits);
    return (struct engine_edits){
        .tokens = edits->tokens,
        .n_tokens = edits->token_count,
        .layer_off = edits->layer_off,
        .n_layers = EDIT_LAYERS_MAX,
        .slot_off = rebalance ? edits->muted : NULL,
        .n_slots = rebalance ? edits->muted_count : 0,
    };
}

struct edits edits_copy(const struct edits *edits)
{
    struct edits copy = *edits;
    copy.muted = NULL;
    if (edits->muted_count) {
        copy.muted = xcalloc(edits->muted_count, sizeof *copy.muted);
        memcpy(copy.muted, edits->muted, edits->muted_count * sizeof *copy.muted);
    }
    copy.tokens = NULL;
    if (edits->token_count) {
        copy.tokens = xcalloc(edits->token_count, sizeof *copy.tokens);
        memcpy(copy.tokens, edits->tokens, edits->token_count * sizeof *copy.tokens);
    }
    return copy;
}

void edits_free(struct edits *edits)
{
    free(edits->muted);
    free(edits->tokens);
    *edits = (struct edits){0};
}

void edits_assign(struct edits *to, const struct edits *from)
{
    struct edits copy = edits_copy(from);
    edits_free(to);
    *to = copy;
}

bool edits_is_muted(const struct edits *edits, size_t slot)
{
    return slot < edits->muted_count && edits->muted[slot];
}

static bool same_settings(const struct compress_settings *a, const struct compress_settings *b)
{
    return a->window == b->window && !(a->ratio < b->ratio || a->ratio > b->ratio) &&
           !(a->eps < b->eps || a->eps > b->eps) && a->iters == b->iters &&
           a->align == b->align && a->ablations == b->ablations &&
           (a->order_seed == b->order_seed || !(a->ablations & ABLATE_ORDER));
}

bool edits_same_muted(const struct edits *a, const struct edits *b)
{
    size_t count = a->muted_count > b->muted_count ? a->muted_count : b->muted_count;
    for (size_t i = 0; i < count; i++)
        if (edits_is_muted(a, i) != edits_is_muted(b, i))
            return false;
    return true;
}

static bool same_tokens(const struct edits *a, const struct edits *b)
{
    if (a->token_count != b->token_count)
        return false;
    for (size_t i = 0; i < a->token_count; i++) {
        const struct token_edit *x = &a->tokens[i], *y = &b->tokens[i];
        if (x->token != y->token || x->factor < y->factor || x->factor > y->factor)
            return false;
    }
    return true;
}

bool edits_rebalanced(const struct edits *edits)
{
    return edits->rebalance && edits_muted(edits) > 0;
}

static bool same_balance(const struct edits *a, const struct edits *b)
{
    return edits_rebalanced(a) == edits_rebalanced(b) &&
           (!edits_rebalanced(a) || edits_same_muted(a, b));
}

bool edits_same_method(const struct edits *a, const struct edits *b)
{
    return same_balance(a, b) && same_settings(&a->settings, &b->settings) &&
           a->segment == b->segment && same_tokens(a, b) &&
           memcmp(a->layer_off, b->layer_off, sizeof a->layer_off) == 0;
}

bool edits_equal(const struct edits *a, const struct edits *b)
{
    return edits_same_muted(a, b) && edits_same_method(a, b);
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
    edits->rebalance = false;
}

/* ---- by hand ----------------------------------------------------------------- */

/* Where the token's edit is, or would be. */
static size_t place_of(const struct edits *edits, size_t token)
{
    size_t i = 0;
    while (i < edits->token_count && edits->tokens[i].token < token)
        i++;
    return i;
}

double edits_token(const struct edits *edits, size_t token)
{
    size_t i = place_of(edits, token);
    return i < edits->token_count && edits->tokens[i].token == token ? edits->tokens[i].factor : 1;
}

void edits_set_token(struct edits *edits, size_t token, double factor)
{
    size_t i = place_of(edits, token), rest;
    bool there = i < edits->token_count && edits->tokens[i].token == token;
    bool is_one = !(factor < 1 || factor > 1);
    if (there && is_one) {
        rest = --edits->token_count - i;
        memmove(edits->tokens + i, edits->tokens + i + 1, rest * sizeof *edits->tokens);
    } else if (there) {
        edits->tokens[i].factor = factor;
    } else if (!is_one) {
        edits->tokens = xrealloc(edits->tokens, edits->token_count + 1, sizeof *edits->tokens);
        rest = edits->token_count++ - i;
        memmove(edits->tokens + i + 1, edits->tokens + i, rest * sizeof *edits->tokens);
        edits->tokens[i] = (struct token_edit){token, factor};
    }
}

size_t edits_layers_off(const struct edits *edits)
{
    size_t count = 0;
    for (size_t l = 0; l < EDIT_LAYERS_MAX; l++)
        count += edits->layer_off[l];
    return count;
}

size_t edits_count(const struct edits *edits)
{
    return edits_muted(edits) + edits->token_count + edits_layers_off(edits);
}

bool edits_change_method(const struct edits *edits)
{
    return edits_count(edits) > edits_muted(edits) || edits_rebalanced(edits);
}

void edits_drop(struct edits *edits)
{
    edits_unmute_all(edits);
    free(edits->tokens);
    edits->tokens = NULL;
    edits->token_count = 0;
    memset(edits->layer_off, 0, sizeof edits->layer_off);
}

/* ---- the way back ------------------------------------------------------------- */

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
