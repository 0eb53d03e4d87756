#include "engine/model/llama_block.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/norm.h"
#include "engine/ops/swiglu.h"

enum { PART_ELEMENTS = 1 << 14 };

static real *take(real *block, size_t *used, size_t count)
{
    real *at = block ? block + *used : NULL;
    *used += size_div_up(count, 16) * 16; /* keeps every array on a cache line */
    return at;
}

size_t llama_rows_layout(struct llama_rows *rows, const struct llama_config *config, size_t n,
                         real *block)
{
    size_t used = 0, wide = size_min(n, LLAMA_FFN_ROWS) * config->ffn;
    size_t q = n * config->heads * config->head_dim, turns = n * config->head_dim / 2;
    rows->n = n;
    rows->normed = take(block, &used, n * config->hidden);
    rows->q = take(block, &used, q);
    rows->attended = take(block, &used, q);
    rows->gate = take(block, &used, wide);
    rows->up = take(block, &used, wide);
    rows->cosine = take(block, &used, turns);
    rows->sine = take(block, &used, turns);
    return used;
}

struct attention_shape llama_attention_shape(const struct llama_config *config)
{
    return (struct attention_shape){config->heads, config->kv_heads, config->head_dim};
}

enum rope_layout llama_rope_layout(const struct llama_config *config)
{
    return config->rope_interleaved ? ROPE_NEIGHBOURS : ROPE_HALVES;
}

void llama_rows_turns(struct llama_rows *rows, const struct llama_config *config,
                      const struct llama_weights *weights, const int32_t *positions)
{
    size_t pairs = config->head_dim / 2;
    double *frequency = xcalloc(pairs, sizeof *frequency);
    rope_frequencies(frequency, config->rope_theta, pairs);
    if (config->rope_scaling == ROPE_SCALING_LINEAR)
        rope_scale_linear(frequency, config->rope_factor, pairs);
    if (config->rope_scaling == ROPE_SCALING_LLAMA3)
        rope_scale_llama3(frequency, config->rope_factor, config->rope_low_freq,
                          config->rope_high_freq, (double)config->rope_original_positions, pairs);
    if (weights->rope_divisors)
        rope_divide(frequency, weights->rope_divisors, pairs);
    rope_table(rows->cosine, rows->sine, frequency, positions, rows->n, pairs);
    free(frequency);
}

void llama_block_project(struct llama_layer *layer, const struct llama_config *config,
                         struct llama_rows *rows, const real *x, real *k, real *v)
{
    size_t n = rows->n, pairs = config->head_dim / 2;
    enum rope_layout layout = llama_rope_layout(config);
    rmsnorm_forward(rows->normed, NULL, x, layer->attention_norm, (real)config->rms_eps, n,
                    config->hidden);
    const struct weight_use uses[] = {{rows->q, &layer->q, layer->q_bias, false},
                                      {k, &layer->k, layer->k_bias, false},
                                      {v, &layer->v, layer->v_bias, false}};
    weights_forward(uses, 3, rows->normed, n);
    rope_forward(rows->q, rows->cosine, rows->sine, layout, n, config->heads, pairs);
    rope_forward(k, rows->cosine, rows->sine, layout, n, config->kv_heads, pairs);
}

void llama_block_attended(struct llama_layer *layer, const struct llama_rows *rows, real *x)
{
    const struct weight_use use = {x, &layer->o, layer->o_bias, true};
    weights_forward(&use, 1, rows->attended, rows->n);
}

void llama_block_ffn(struct llama_layer *layer, const struct llama_config *config,
                     struct llama_rows *rows, real *x, real *gate, real *up)
{
    size_t H = config->hidden, F = config->ffn;
    for (size_t first = 0; first < rows->n; first += LLAMA_FFN_ROWS) {
        size_t n = size_min(LLAMA_FFN_ROWS, rows->n - first);
        real *panel = x + first * H;
        real *g = gate ? gate + first * F : rows->gate, *u = up ? up + first * F : rows->up;
        rmsnorm_forward(rows->normed, NULL, panel, layer->ffn_norm, (real)config->rms_eps, n, H);
        const struct weight_use uses[] = {{g, &layer->gate, layer->gate_bias, false},
                                          {u, &layer->up, layer->up_bias, false}};
        weights_forward(uses, 2, rows->normed, n);
        swiglu_forward(rows->gate, g, u, n * F);
        const struct weight_use use = {panel, &layer->down, layer->down_bias, true};
        weights_forward(&use, 1, rows->gate, n);
    }
}

/* Two arrays. */
struct pair {
    real *x;
    const real *y;
};

static void add_part(const void *loop, size_t first, size_t last)
{
    const struct pair *p = loop;
    for (size_t i = first; i < last; i++)
        p->x[i] += p->y[i];
}

void llama_add(real *x, const real *y, size_t count)
{
    const struct pair pair = {x, y};
    team_run(add_part, &pair, count, PART_ELEMENTS);
}

static void copy_part(const void *loop, size_t first, size_t last)
{
    const struct pair *p = loop;
    memcpy(p->x + first, p->y + first, (last - first) * sizeof *p->x);
}

/* Shared out, so that the rows stay in the caches of those who go on with them. */
void llama_copy(real *x, const real *y, size_t count)
{
    const struct pair pair = {x, y};
    team_run(copy_part, &pair, count, PART_ELEMENTS);
}
