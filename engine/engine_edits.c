/* Edits by hand of the computation: sender mass of tokens, layers of the gates, slots that
 * are left out. */
#include "engine/engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

static bool is_off(const bool *off, size_t n, size_t i)
{
    return i < n && off[i];
}

static void *copied(const void *from, size_t bytes)
{
    return bytes ? memcpy(xmalloc(bytes), from, bytes) : NULL;
}

void engine_set_edits(struct engine *e, const struct engine_edits *edits)
{
    size_t layers = size_max(edits->n_layers, e->n_layer_off);
    for (size_t l = 0; l < layers; l++)
        if (is_off(edits->layer_off, edits->n_layers, l) !=
            is_off(e->layer_off, e->n_layer_off, l))
            e->gates_edited = true;
    struct token_edit *tokens = copied(edits->tokens, edits->n_tokens * sizeof *tokens);
    bool *layer_off = copied(edits->layer_off, edits->n_layers * sizeof *layer_off);
    bool *slot_off = copied(edits->slot_off, edits->n_slots * sizeof *slot_off);
    free(e->token_edits);
    free(e->layer_off);
    free(e->slot_off);
    e->slot_off = slot_off;
    e->n_slot_off = edits->n_slots;
    e->token_edits = tokens;
    e->n_token_edits = edits->n_tokens;
    e->layer_off = layer_off;
    e->n_layer_off = edits->n_layers;
}

/* [tokens] factors, or NULL when no token of the segment is edited. */
static const real *mass_factors(const struct engine *e, const struct engine_segment *segment,
                                struct arena *arena)
{
    real *factor = NULL;
    for (size_t i = 0; i < e->n_token_edits; i++) {
        size_t token = e->token_edits[i].token;
        if (token < segment->first || token >= segment->first + segment->tokens)
            continue;
        if (!factor) {
            factor = arena_array(arena, real, segment->tokens);
            for (size_t t = 0; t < segment->tokens; t++)
                factor[t] = 1;
        }
        factor[token - segment->first] *= (real)e->token_edits[i].factor;
    }
    return factor;
}

/* [M], or NULL when all layers are open; when none was left open, all are. */
static const bool *layers_off(const struct engine *e, struct arena *arena)
{
    size_t M = e->compressor.shape.M, count = 0;
    bool *off = arena_array(arena, bool, M);
    for (size_t l = 0; l < M; l++)
        count += off[l] = is_off(e->layer_off, e->n_layer_off, l);
    return count > 0 && count < M ? off : NULL;
}

/* [slots of the segment], or NULL when all may receive. */
static const bool *slots_off(const struct engine *e, const struct engine_segment *segment,
                             struct arena *arena)
{
    size_t first = 0, count = 0;
    for (const struct engine_segment *s = e->segments; s < segment && e->n_slot_off; s++)
        first += engine_count_slots(e, s, arena);
    if (first >= e->n_slot_off)
        return NULL;
    size_t slots = engine_count_slots(e, segment, arena);
    bool *off = arena_array(arena, bool, slots);
    for (size_t j = 0; j < slots; j++)
        count += off[j] = is_off(e->slot_off, e->n_slot_off, first + j);
    return count > 0 ? off : NULL;
}

void engine_edits_begin(struct engine *e, const struct engine_segment *segment,
                        struct arena *arena)
{
    struct compress_edits *edits = arena_array(arena, struct compress_edits, 1);
    edits->mass = mass_factors(e, segment, arena);
    edits->layer_off = layers_off(e, arena);
    edits->slot_off = slots_off(e, segment, arena);
    e->settings.edits = edits;
}

void engine_edits_end(struct engine *e)
{
    e->settings.edits = NULL;
}

/* ---- what a plan is made with ------------------------------------------------ */

/* FNV-1a. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3ull;
    return hash;
}

static uint64_t mix_number(uint64_t hash, double x)
{
    return mix(hash, &x, sizeof x);
}

static uint64_t mix_off(uint64_t hash, const bool *off, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = off[i] ? mix_number(hash, (double)i) : hash;
    return mix_number(hash, -1);
}

/* Settings and edits as one number: what was made with the same ones is the same. */
static uint64_t origin(const struct engine *e)
{
    const struct compress_settings *s = &e->settings;
    const double numbers[] = {(double)s->window, s->ratio, s->eps, s->iters, s->align, s->gate_tau,
                              s->source_tau, s->lambda_floor, s->ablations, s->order_seed,
                              (double)e->segment};
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        hash = mix_number(hash, numbers[i]);
    for (size_t i = 0; i < e->n_token_edits; i++) {
        hash = mix_number(hash, (double)e->token_edits[i].token);
        hash = mix_number(hash, e->token_edits[i].factor);
    }
    hash = mix_off(hash, e->layer_off, e->n_layer_off);
    return mix_off(hash, e->slot_off, e->n_slot_off);
}

/* ---- muted slots ------------------------------------------------------------ */

static bool is_muted(const struct engine *e, enum muted_set set, size_t slot)
{
    return slot < e->muted[set].n && e->muted[set].muted[slot];
}

bool engine_slot_muted(const struct engine *e, size_t slot)
{
    return is_muted(e, MUTED_NOW, slot);
}

static void set_muted(struct engine *e, enum muted_set set, const bool *muted, size_t n)
{
    bool *copy = copied(muted, n * sizeof *copy);
    free(e->muted[set].muted);
    e->muted[set] = (struct muted_slots){copy, n};
}

void engine_unmute(struct engine *e, enum muted_set which)
{
    set_muted(e, which, NULL, 0);
}

void engine_remember_muted(struct engine *e, enum muted_set what)
{
    set_muted(e, what, e->muted[MUTED_NOW].muted, e->muted[MUTED_NOW].n);
    if (what != MUTED_ANSWER)
        return;
    e->outdated = false;
    e->answer_origin = origin(e);
}

/* Was it made without the slots that are muted now, and with all others? */
static bool as_now(const struct engine *e, enum muted_set set)
{
    size_t n = size_max(e->muted[MUTED_NOW].n, e->muted[set].n);
    for (size_t i = 0; i < n; i++)
        if (is_muted(e, MUTED_NOW, i) != is_muted(e, set, i))
            return false;
    return true;
}

void engine_mark_answer(const struct engine *e, struct snapshot *next)
{
    const struct snapshot_answer *answer = next->answer[ANSWER_COMPRESSED];
    bool stale = e->outdated || !as_now(e, MUTED_ANSWER) || origin(e) != e->answer_origin;
    if (!answer || answer->stale == stale)
        return;
    struct snapshot_answer *changed = snapshot_answer_copy(answer);
    changed->stale = stale;
    snapshot_set_answer(next, ANSWER_COMPRESSED, changed);
}

void engine_set_muted(struct engine *e, const bool *muted, size_t n)
{
    set_muted(e, MUTED_NOW, muted, n);
    struct snapshot *next = snapshot_derive(e->snapshot);
    engine_mark_answer(e, next);
    next->loss_stale = next->loss && !as_now(e, MUTED_LOSS);
    next->control.stale = next->control.tokens && !as_now(e, MUTED_CONTROL);
    engine_publish(e, next);
}
