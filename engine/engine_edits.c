/* Edits by hand of the computation: sender mass of tokens, layers of the gates. */
#include "engine/engine_private.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

static bool layer_is_off(const bool *off, size_t n, size_t layer)
{
    return layer < n && off[layer];
}

static void *copied(const void *from, size_t bytes)
{
    return bytes ? memcpy(xmalloc(bytes), from, bytes) : NULL;
}

void engine_set_edits(struct engine *e, const struct engine_edits *edits)
{
    size_t layers = size_max(edits->n_layers, e->n_layer_off);
    for (size_t l = 0; l < layers; l++)
        if (layer_is_off(edits->layer_off, edits->n_layers, l) !=
            layer_is_off(e->layer_off, e->n_layer_off, l))
            e->gates_edited = true;
    struct token_edit *tokens = copied(edits->tokens, edits->n_tokens * sizeof *tokens);
    bool *layer_off = copied(edits->layer_off, edits->n_layers * sizeof *layer_off);
    free(e->token_edits);
    free(e->layer_off);
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
        count += off[l] = layer_is_off(e->layer_off, e->n_layer_off, l);
    return count > 0 && count < M ? off : NULL;
}

void engine_edits_begin(struct engine *e, const struct engine_segment *segment,
                        struct arena *arena)
{
    struct compress_edits *edits = arena_array(arena, struct compress_edits, 1);
    edits->mass = mass_factors(e, segment, arena);
    edits->layer_off = layers_off(e, arena);
    e->settings.edits = edits;
}

void engine_edits_end(struct engine *e)
{
    e->settings.edits = NULL;
}
