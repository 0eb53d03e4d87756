/* Layout of quantised matrices, quantisation of x, and who multiplies what. The loops
 * inside are in qkernel.c. */
#include "engine/ops/qmatmul.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/qkernel.h"
#include "engine/ops/simd.h"

enum {
    PART_WORK = 1 << 18, /* multiply-adds that a thread takes at a time */
    CHUNK_ROWS = 64, /* rows of x that one task takes: they stay in its core's cache */
    ROUNDED_TILES = 4 /* tiles of x that a thread rounds at a time */
};

/* ---- matrices ---------------------------------------------------------------------- */

static size_t block_bytes(enum qmatrix_kind kind)
{
    return kind == QMATRIX_4 ? QBLOCK_4_BYTES : QBLOCK_8_BYTES;
}

static size_t panel_bytes(const struct qmatrix *w)
{
    return w->cols / QBLOCK * block_bytes(w->kind);
}

static size_t panel_count(const struct qmatrix *w)
{
    return size_div_up(w->rows, QPANEL);
}

size_t qmatrix_bytes(enum qmatrix_kind kind, size_t rows, size_t cols)
{
    const struct qmatrix w = {.kind = kind, .rows = rows, .cols = cols};
    return panel_count(&w) * panel_bytes(&w);
}

static uint8_t *block_of(const struct qmatrix *w, size_t row, size_t block)
{
    return w->panels + row / QPANEL * panel_bytes(w) + block * block_bytes(w->kind);
}

void qmatrix_set_4(const struct qmatrix *w, size_t row, size_t block, const uint8_t q[16],
                   uint16_t d, uint16_t m)
{
    uint8_t *at = block_of(w, row, block);
    size_t r = row % QPANEL;
    for (size_t i = 0; i < 4; i++)
        memcpy(at + 4 * (QPANEL * i + r), q + 4 * i, 4);
    memcpy(at + 256 + 2 * r, &d, sizeof d);
    memcpy(at + 288 + 2 * r, &m, sizeof m);
}

void qmatrix_set_8(const struct qmatrix *w, size_t row, size_t block,
                   const int8_t q[QBLOCK], uint16_t d)
{
    uint8_t *at = block_of(w, row, block);
    size_t r = row % QPANEL;
    for (size_t i = 0; i < QBLOCK / 4; i++)
        memcpy(at + 4 * (QPANEL * i + r), q + 4 * i, 4);
    memcpy(at + 512 + 2 * r, &d, sizeof d);
}

/* ---- x ----------------------------------------------------------------------------- */

/* Adding it rounds a small number to an integer, which stands in the last bits. */
static const real to_integer =
    sizeof(real) == 4 ? REAL(12582912.0) : REAL(6755399441055744.0);

/* The bits of a real, where it stands. */
#ifdef REAL_DOUBLE
typedef int64_t real_bits __attribute__((may_alias));
#else
typedef int32_t real_bits __attribute__((may_alias));
#endif

/* Eight of the integers. */
typedef int32_t lanes_integers __attribute__((vector_size(LANES * sizeof(int32_t))));

/* The largest size among 32 values; NaN when one is not finite. Bits without their sign are
 * in the order of the sizes, and what is not finite comes last. */
SIMD_BODY real largest(const real *x)
{
    const real_bits *bits = (const real_bits *)x;
    const real_bits sign = (real_bits)((uint64_t)1 << (8 * sizeof(real) - 1));
    real_bits most = 0;
    real top;
    for (size_t i = 0; i < QBLOCK; i++) {
        real_bits size = bits[i] & ~sign;
        most = size > most ? size : most;
    }
    memcpy(&top, &most, sizeof top);
    return top + (top - top);
}

/* q[32] = x, of which `top` is the largest, in units of top / most, rounded to nearest;
 * zeros where top is not a number. */
SIMD_BODY void quantise(int32_t q[QBLOCK], const real *x, real top, real most)
{
    const real least = REAL(1e-30); /* below, the factor would overflow */
    if (!(top > least)) {
        memset(q, 0, QBLOCK * sizeof *q);
        return;
    }
    real factor = most / top;
    for (size_t i = 0; i < QBLOCK; i += LANES) {
        lanes shifted = LANES_OF(x + i) * factor + to_integer;
        lanes_bits bits = (lanes_bits)shifted - (lanes_bits)((lanes){0} + to_integer);
        lanes_integers integers = __builtin_convertvector(bits, lanes_integers);
        memcpy(q + i, &integers, sizeof integers);
    }
}

SIMD_BODY real mean_square(const real *x, size_t n)
{
    lanes sum = {0};
    for (size_t i = 0; i < n; i += LANES)
        sum += LANES_OF(x + i) * LANES_OF(x + i);
    return LANES_SUM(sum) / (real)n;
}

/* `rows` rows of x as one tile of the kernel: see enum qformat. A block of a row whose
 * largest value is at most `stand_out` times the row's root mean square has no low part. */
SIMD_BODY void quantise_bytes(uint8_t *out, const real *x, size_t rows, size_t cols,
                              const size_t parts, const real stand_out, const bool whole_sum)
{
    real limit[QTILE_ROWS] = {0};
    for (size_t t = 0; stand_out > 0 && t < rows; t++)
        limit[t] = stand_out * real_sqrt(mean_square(x + t * cols, cols));
    for (size_t b = 0; b < cols / QBLOCK; b++, out += rows * (parts * QBLOCK + 8))
        for (size_t t = 0; t < rows; t++) {
            int32_t q[QBLOCK], total = 0;
            int8_t high[QBLOCK], low[QBLOCK];
            const real *block = x + t * cols + b * QBLOCK;
            real top = largest(block);
            bool fine = parts == 2 && top > limit[t];
            /* 127 * 128 + 63: the largest whose high part is 127 */
            int32_t most = fine ? 16319 : 127, unit = parts == 2 && !fine ? 128 : 1;
            quantise(q, block, top, (real)most);
            for (size_t i = 0; i < QBLOCK; i++) {
                int32_t upper = fine ? (q[i] + 64) >> 7 : q[i];
                high[i] = (int8_t)upper;
                low[i] = (int8_t)(fine ? q[i] - 128 * upper : 0);
                total += q[i];
            }
            float scale = (float)(top / (real)(most * unit)), sum = scale * (float)(total * unit);
            uint8_t *scales = out + parts * rows * QBLOCK;
            memcpy(out + t * QBLOCK, high, QBLOCK);
            if (parts == 2)
                memcpy(out + (rows + t) * QBLOCK, low, QBLOCK);
            memcpy(scales + 4 * t, &scale, sizeof scale);
            if (whole_sum)
                memcpy(scales + 4 * (rows + t), &total, sizeof total);
            else
                memcpy(scales + 4 * (rows + t), &sum, sizeof sum);
        }
}

SIMD_BODY void quantise_x_8_body(uint8_t *out, const real *x, size_t rows, size_t cols)
{
    quantise_bytes(out, x, rows, cols, 1, 0, false);
}
SIMD_DISPATCH(quantise_x_8, (uint8_t * out, const real *x, size_t rows, size_t cols),
              (out, x, rows, cols))

SIMD_BODY void quantise_x_15_body(uint8_t *out, const real *x, size_t rows, size_t cols)
{
    quantise_bytes(out, x, rows, cols, 2, 0, false);
}
SIMD_DISPATCH(quantise_x_15, (uint8_t * out, const real *x, size_t rows, size_t cols),
              (out, x, rows, cols))

SIMD_BODY void quantise_x_mixed_body(uint8_t *out, const real *x, size_t rows, size_t cols)
{
    quantise_bytes(out, x, rows, cols, 2, QSTAND_OUT, false);
}
SIMD_DISPATCH(quantise_x_mixed, (uint8_t * out, const real *x, size_t rows, size_t cols),
              (out, x, rows, cols))

SIMD_BODY void quantise_x_16_body(uint8_t *out, const real *x, size_t rows, size_t cols)
{
    for (size_t b = 0; b < cols / QBLOCK; b++, out += rows * QROW_X_16_BYTES)
        for (size_t t = 0; t < rows; t++) {
            int32_t q[QBLOCK];
            int16_t ordered[QBLOCK];
            real top = largest(x + t * cols + b * QBLOCK);
            float scale = (float)(top / 32767);
            quantise(q, x + t * cols + b * QBLOCK, top, 32767);
            for (size_t i = 0; i < QBLOCK; i++)
                ordered[i] = (int16_t)q[i / 4 * 4 + (i % 4 % 3 ? i % 4 ^ 3 : i % 4)];
            memcpy(out + t * sizeof ordered, ordered, sizeof ordered);
            memcpy(out + rows * sizeof ordered + 4 * t, &scale, sizeof scale);
        }
}
SIMD_DISPATCH(quantise_x_16, (uint8_t * out, const real *x, size_t rows, size_t cols),
              (out, x, rows, cols))

SIMD_BODY void quantise_x_8_8_body(uint8_t *out, const real *x, size_t rows, size_t cols)
{
    quantise_bytes(out, x, rows, cols, 1, 0, true);
}
SIMD_DISPATCH(quantise_x_8_8, (uint8_t * out, const real *x, size_t rows, size_t cols),
              (out, x, rows, cols))

static const struct {
    size_t bytes; /* of a block of a row of x */
    void (*quantise)(uint8_t *out, const real *x, size_t rows, size_t cols);
} formats[QFORMATS] = {
    [QFORMAT_X_8] = {QROW_X_8_BYTES, quantise_x_8},
    [QFORMAT_X_15] = {QROW_X_15_BYTES, quantise_x_15},
    [QFORMAT_X_16] = {QROW_X_16_BYTES, quantise_x_16},
    [QFORMAT_X_8_8] = {QROW_X_8_8_BYTES, quantise_x_8_8},
};

/* ---- products ---------------------------------------------------------------------- */

struct job {
    const struct qproduct *products;
    const struct qkernels *kernels;
    size_t count, n, cols;
    size_t chunk;  /* rows of x of a task */
    size_t panels; /* of a matrix, of a task */
    size_t groups; /* of so many panels, of all products together */
    enum qrounding rounding;
    const real *values;   /* [n, cols] */
    uint8_t *x[QFORMATS]; /* the same rounded; NULL: no product wants it */
};

static enum qformat format_of(const struct job *job, const struct qmatrix *w)
{
    if (job->rounding == QROUNDING_BOTH_8)
        return QFORMAT_X_8_8;
    if (w->kind == QMATRIX_8)
        return QFORMAT_X_16;
    return job->rounding == QROUNDING_8 ? QFORMAT_X_8 : QFORMAT_X_15;
}

static size_t row_bytes(enum qformat format, size_t cols)
{
    return cols / QBLOCK * formats[format].bytes;
}

static size_t group_count(const struct job *job, const struct qmatrix *w)
{
    return size_div_up(panel_count(w), job->panels);
}

/* Where the sums of row `row` of x and panel `panel` go. */
static real *place_of(const struct qproduct *p, size_t row, size_t panel)
{
    return p->y + row * p->w->rows + panel * QPANEL;
}

/* The lines that a tile's sums go to are asked for before the sums are made. */
static void expect(const struct qproduct *p, size_t panel, size_t row, const struct qtile *tile)
{
    for (size_t t = 0; t < tile->rows; t++)
        for (size_t i = 0; i < tile->n_panels; i++)
            __builtin_prefetch(place_of(p, row + t, panel + i), 1);
}

static void store(const struct qproduct *p, size_t panel, size_t row, const struct qtile *tile,
                  qtile_sums sums)
{
    for (size_t i = 0; i < tile->n_panels; i++)
        for (size_t t = 0; t < tile->rows; t++) {
            size_t count = size_min(QPANEL, p->w->rows - (panel + i) * QPANEL);
            real *y = place_of(p, row + t, panel + i);
            if (p->add)
                for (size_t r = 0; r < count; r++)
                    y[r] += (real)sums[i][t][r];
            else if (sizeof(real) == sizeof(float) && count == QPANEL)
                memcpy(y, sums[i][t], QPANEL * sizeof(float));
            else
                for (size_t r = 0; r < count; r++)
                    y[r] = (real)sums[i][t][r];
        }
}

/* A group of panels of one product times one chunk of x. */
static void run_task(const struct job *job, size_t task)
{
    size_t group = task % job->groups, from = task / job->groups * job->chunk;
    const struct qproduct *p = job->products;
    while (group >= group_count(job, p->w))
        group -= group_count(job, p++->w);
    const struct qmatrix *w = p->w;
    size_t panel = group * job->panels, to = size_min(job->n, from + job->chunk);
    struct qtile tile = {
        .panels = w->panels + panel * panel_bytes(w),
        .panel_bytes = panel_bytes(w),
        .n_panels = size_min(job->panels, panel_count(w) - panel),
        .blocks = w->cols / QBLOCK,
    };
    enum qformat format = format_of(job, w);
    for (size_t t = from; t < to; t += QTILE_ROWS) {
        qtile_sums sums;
        tile.x = job->x[format] + t * row_bytes(format, w->cols);
        tile.rows = size_min(QTILE_ROWS, to - t);
        expect(p, panel, t, &tile);
        job->kernels->multiply[format](sums, &tile);
        store(p, panel, t, &tile, sums);
    }
}

/* The tile of x that begins with row t. */
static void round_tile(const struct job *job, size_t t)
{
    size_t rows = size_min(QTILE_ROWS, job->n - t);
    for (size_t f = 0; f < QFORMATS; f++) {
        if (!job->x[f])
            continue;
        bool mixed = f == QFORMAT_X_15 && job->rounding == QROUNDING_MIXED;
        (mixed ? quantise_x_mixed : formats[f].quantise)(
            job->x[f] + t * row_bytes((enum qformat)f, job->cols), job->values + t * job->cols,
            rows, job->cols);
    }
}

static void round_tiles(const void *loop, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++)
        round_tile(loop, i * QTILE_ROWS);
}

static void run_tasks(const void *loop, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++)
        run_task(loop, i);
}

static void run(const struct job *job)
{
    size_t task_work = size_min(job->chunk, job->n) * job->panels * QPANEL * job->cols;
    team_run(round_tiles, job, size_div_up(job->n, QTILE_ROWS), ROUNDED_TILES);
    team_run(run_tasks, job, size_div_up(job->n, job->chunk) * job->groups,
             team_grain(task_work, PART_WORK));
}

void qmatmul(const struct qproduct *products, size_t count, const real *x, size_t n,
             enum qrounding rounding)
{
    if (n == 0 || count == 0)
        return;
    struct job job = {.products = products,
                      .kernels = qkernels_best(),
                      .count = count,
                      .n = n,
                      .cols = products->w->cols,
                      .values = x,
                      .rounding = rounding};
    /* A single row reads the matrix once, as one stream. */
    job.panels = n == 1 ? 1 : QTILE_PANELS;
    /* Chunks of about the same size, so that as many cores as there are finish together.
     */
    size_t chunks = size_div_up(n, CHUNK_ROWS);
    job.chunk = size_div_up(size_div_up(n, chunks), QTILE_ROWS) * QTILE_ROWS;
    for (size_t i = 0; i < count; i++) {
        const struct qmatrix *w = products[i].w;
        CHECK(w->cols == job.cols && w->cols % QBLOCK == 0);
        CHECK(rounding != QROUNDING_BOTH_8 || w->kind == QMATRIX_8);
        job.groups += group_count(&job, w);
        enum qformat format = format_of(&job, w);
        if (!job.x[format])
            job.x[format] = xmalloc_aligned(n, row_bytes(format, w->cols));
    }
    run(&job);
    for (size_t f = 0; f < QFORMATS; f++)
        free(job.x[f]);
}

bool qmatmul_is_fast(void)
{
    return qkernels_best() != &qkernels_portable;
}

bool qmatmul_skips(void)
{
    return qkernels_best() == qkernels_avx512();
}

const char *qmatmul_kernels(void)
{
    return qkernels_best()->name;
}
