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

#define FORWARD(name, vector, of, at, sigmoid)                                         \
    SIMD_BODY void name(real *y, const real *gate, const real *up)                     \
    {                                                                                  \
        vector g = of(gate), s = g;                                                    \
        sigmoid(&s);                                                                   \
        at(y) = g * s * of(up);                                                        \
    }
FORWARD(forward_lanes, lanes, LANES_OF, LANES_AT, lanes_sigmoid)
FORWARD(forward_wide, lanes_wide, WIDE_OF, WIDE_AT, wide_sigmoid)

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
#define BACKWARD(name, vector, of, at, sigmoid)                                        \
    SIMD_BODY void name(real *dgate, real *dup, const real *dy, const real *gate,      \
                        const real *up)                                                \
    {                                                                                  \
        vector g = of(gate), s = g, d = of(dy);                                        \
        sigmoid(&s);                                                                   \
        vector silu = g * s;                                                           \
        at(dup) = d * silu;                                                            \
        at(dgate) = d * of(up) * (s + silu * (1 - s));                                 \
    }
BACKWARD(backward_lanes, lanes, LANES_OF, LANES_AT, lanes_sigmoid)
BACKWARD(backward_wide, lanes_wide, WIDE_OF, WIDE_AT, wide_sigmoid)

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
