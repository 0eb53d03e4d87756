#include "engine/ops/swiglu.h"

#include <string.h>

#include "engine/base/team.h"
#include "engine/ops/simd_math.h"

/* Work is handed out in blocks; inside one, the last few values are padded to
 * eight lanes, so that a value's bits do not depend on its place. */
enum { BLOCK = 4096 };

struct blocks {
    real *y, *dgate, *dup;
    const real *dy, *gate, *up;
};

SIMD_BODY void forward_lanes(real *y, const real *gate, const real *up)
{
    lanes g = LANES_OF(gate), s = g;
    lanes_sigmoid(&s);
    LANES_AT(y) = g * s * LANES_OF(up);
}

SIMD_BODY void forward_wide(real *y, const real *gate, const real *up)
{
    lanes_wide g = WIDE_OF(gate), s = g;
    wide_sigmoid(&s);
    WIDE_AT(y) = g * s * WIDE_OF(up);
}

SIMD_BODY void forward_block_body(real *y, const real *gate, const real *up, size_t n,
                                  const bool wide)
{
    size_t i = 0;
    for (; wide && i + WIDE <= n; i += WIDE)
        forward_wide(y + i, gate + i, up + i);
    for (; i + LANES <= n; i += LANES)
        forward_lanes(y + i, gate + i, up + i);
    if (i < n) {
        real rest[3][LANES] = {{0}};
        memcpy(rest[0], gate + i, (n - i) * sizeof *gate);
        memcpy(rest[1], up + i, (n - i) * sizeof *up);
        forward_lanes(rest[2], rest[0], rest[1]);
        memcpy(y + i, rest[2], (n - i) * sizeof *y);
    }
}
SIMD_DISPATCH_WIDE(forward_block, (real *y, const real *gate, const real *up, size_t n),
                   (y, gate, up, n))

static void forward_part(const void *loop, size_t first, size_t last)
{
    const struct blocks *b = loop;
    forward_block(b->y + first, b->gate + first, b->up + first, last - first);
}

void swiglu_forward(real *y, const real *gate, const real *up, size_t n)
{
    const struct blocks blocks = {.y = y, .gate = gate, .up = up};
    team_run(forward_part, &blocks, n, BLOCK);
}

/* silu'(x) = s + x s (1 - s), s the logistic function. */
SIMD_BODY void backward_lanes(real *dgate, real *dup, const real *dy, const real *gate,
                              const real *up)
{
    lanes g = LANES_OF(gate), s = g, d = LANES_OF(dy);
    lanes_sigmoid(&s);
    lanes silu = g * s;
    LANES_AT(dup) = d * silu;
    LANES_AT(dgate) = d * LANES_OF(up) * (s + silu * (1 - s));
}

SIMD_BODY void backward_wide(real *dgate, real *dup, const real *dy, const real *gate,
                             const real *up)
{
    lanes_wide g = WIDE_OF(gate), s = g, d = WIDE_OF(dy);
    wide_sigmoid(&s);
    lanes_wide silu = g * s;
    WIDE_AT(dup) = d * silu;
    WIDE_AT(dgate) = d * WIDE_OF(up) * (s + silu * (1 - s));
}

SIMD_BODY void backward_block_body(real *dgate, real *dup, const real *dy, const real *gate,
                                   const real *up, size_t n, const bool wide)
{
    size_t i = 0;
    for (; wide && i + WIDE <= n; i += WIDE)
        backward_wide(dgate + i, dup + i, dy + i, gate + i, up + i);
    for (; i + LANES <= n; i += LANES)
        backward_lanes(dgate + i, dup + i, dy + i, gate + i, up + i);
    if (i < n) {
        size_t bytes = (n - i) * sizeof(real);
        real rest[5][LANES] = {{0}};
        memcpy(rest[2], dy + i, bytes);
        memcpy(rest[3], gate + i, bytes);
        memcpy(rest[4], up + i, bytes);
        backward_lanes(rest[0], rest[1], rest[2], rest[3], rest[4]);
        memcpy(dgate + i, rest[0], bytes);
        memcpy(dup + i, rest[1], bytes);
    }
}
SIMD_DISPATCH_WIDE(backward_block,
                   (real *dgate, real *dup, const real *dy, const real *gate, const real *up,
                    size_t n),
                   (dgate, dup, dy, gate, up, n))

static void backward_part(const void *loop, size_t first, size_t last)
{
    const struct blocks *b = loop;
    backward_block(b->dgate + first, b->dup + first, b->dy + first, b->gate + first,
                   b->up + first, last - first);
}

void swiglu_backward(real *dgate, real *dup, const real *dy, const real *gate, const real *up,
                     size_t n)
{
    const struct blocks blocks = {
        .dgate = dgate, .dup = dup, .dy = dy, .gate = gate, .up = up};
    team_run(backward_part, &blocks, n, BLOCK);
}
