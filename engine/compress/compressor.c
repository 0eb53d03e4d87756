#include "engine/compress/compressor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/compress/gate.h"
#include "engine/compress/plan.h"
#include "engine/compress/projector.h"

enum { DIMENSION_MAX = 1 << 16, NAME_SIZE = 64 };

static bool check_shape(const struct compressor_shape *s, struct err *err)
{
    const struct {
        const char *name;
        size_t value, limit;
    } dims[] = {
        {"hidden states", s->M, DIMENSION_MAX}, {"hidden size", s->H, DIMENSION_MAX},
        {"gate width", s->D, DIMENSION_MAX},    {"metric width", s->E, DIMENSION_MAX},
        {"projector depth", s->depth, COMPRESSOR_DEPTH_MAX},
    };
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
        if (dims[i].value < 1 || dims[i].value > dims[i].limit)
            return err_set(err, ERR_INPUT, "compressor: %s: %zu is not in 1..%zu", dims[i].name,
                           dims[i].value, dims[i].limit);
    return true;
}

static void add_tensor(struct compressor *c, const char *name, size_t rows, size_t cols)
{
    size_t count = rows * (cols ? cols : 1);
    c->tensors[c->n_tensors++] = (struct compressor_tensor){
        .name = xstrdup(name), .rows = rows, .cols = cols, .offset = c->count, .count = count};
    c->count += count;
}

static void list_tensors(struct compressor *c)
{
    const size_t M = c->shape.M, H = c->shape.H, D = c->shape.D, E = c->shape.E;
    size_t published = 0;
#define COUNT(member, name, rows, cols, init) published++;
    COMPRESSOR_PARAMS(COUNT)
#undef COUNT
    c->tensors = xcalloc(published + 2 * c->shape.depth, sizeof *c->tensors);
#define ADD(member, name, rows, cols, init) add_tensor(c, name, rows, cols);
    COMPRESSOR_PARAMS(ADD)
#undef ADD
    for (size_t i = 0; i < c->shape.depth; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "projector.mlp.%zu.weight", 2 * i);
        add_tensor(c, name, H, H);
        snprintf(name, sizeof name, "projector.mlp.%zu.bias", 2 * i);
        add_tensor(c, name, H, 0);
    }
}

bool compressor_init(struct compressor *c, const struct compressor_shape *shape, struct err *err)
{
    *c = (struct compressor){0};
    if (!check_shape(shape, err))
        return false;
    c->shape = *shape;
    list_tensors(c);
    c->block = mem_try(c->count, sizeof *c->block, "the compressor|a smaller model needs less",
                       err);
    if (!c->block) {
        compressor_free(c);
        return false;
    }
    compressor_view(c, c->block, &c->params);
    return true;
}

void compressor_free(struct compressor *c)
{
    for (size_t i = 0; i < c->n_tensors; i++)
        free((char *)c->tensors[i].name);
    free(c->tensors);
    free(c->block);
    *c = (struct compressor){0};
}

void compressor_view(const struct compressor *c, real *block, struct compressor_params *params)
{
    const struct compressor_tensor *t = c->tensors;
#define POINT(member, name, rows, cols, init) params->member = block + t++->offset;
    COMPRESSOR_PARAMS(POINT)
#undef POINT
    for (size_t i = 0; i < c->shape.depth; i++) {
        params->projector_w[i] = block + t++->offset;
        params->projector_b[i] = block + t++->offset;
    }
}

/* What compressor_backward needs beside the tape's public part. */
struct tape_saved {
    struct gate_saved gate;
    struct plan_saved plan;
    struct projector_saved projector;
};

bool compressor_forward(const struct compressor *c, const struct compress_settings *s,
                        const real *hidden, size_t stride, size_t T, struct compress_tape *tape,
                        struct arena *arena, const struct progress *progress, struct err *err)
{
    const size_t M = c->shape.M, H = c->shape.H, D = c->shape.D;
    struct tape_saved *saved = arena_array(arena, struct tape_saved, 1);
    saved->gate = (struct gate_saved){
        .pooled = arena_raw(arena, real, T * H),
        .query = arena_raw(arena, real, T * D),
        .alpha = arena_raw(arena, real, T * M),
        .mixed = arena_raw(arena, real, T * H),
    };
    *tape = (struct compress_tape){
        .settings = *s,
        .hidden = hidden,
        .stride = stride,
        .T = T,
        .alpha = saved->gate.alpha,
        .mixed = saved->gate.mixed,
        .anchors = arena_raw(arena, real, T * H),
        .saved = saved,
    };
    gate_forward_saved(c, s, hidden, stride, T, &saved->gate, tape->anchors, arena);
    plan_prepare(c, s, T, true, &tape->plan, arena);
    if (!plan_run(c, s, tape->anchors, T, &tape->plan, &saved->plan, arena, progress, err))
        return false;
    tape->slots = arena_raw(arena, real, tape->plan.slots * H);
    projector_forward_saved(c, tape->plan.raw_slots, tape->plan.slots, tape->slots,
                            &saved->projector, arena);
    return true;
}

void compressor_backward(const struct compressor *c, const struct compress_tape *tape,
                         const real *dslots, const struct compressor_params *grads,
                         struct arena *scratch)
{
    const struct tape_saved *saved = tape->saved;
    const struct compress_settings *s = &tape->settings;
    size_t H = c->shape.H, S = tape->plan.slots, T = tape->T;
    struct arena_mark mark = arena_mark(scratch);
    real *draw_slots = arena_array(scratch, real, S * H);
    real *danchors = arena_array(scratch, real, T * H);
    projector_backward(c, tape->plan.raw_slots, S, &saved->projector, dslots, draw_slots, grads,
                       scratch);
    plan_backward(c, s, &tape->plan, &saved->plan, T, draw_slots, danchors, grads, scratch);
    gate_backward(c, s, tape->hidden, tape->stride, T, &saved->gate, danchors, grads, scratch);
    arena_release(scratch, mark);
}
