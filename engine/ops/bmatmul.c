/* Layout and division of work; the loops inside are in bkernel.c. */
#include "engine/ops/bmatmul.h"

#include <stdlib.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/team.h"
#include "engine/ops/bkernel.h"
#include "engine/ops/half.h"

enum {
    PART_WORK = 1 << 18, /* multiply-adds that a thread takes at a time */
    PART_VALUES = 1 << 14, /* and values that it rounds */
    CHUNK_ROWS = 10 * BTILE_ROWS, /* of so many rows of x ... */
    CHUNK_PAIRS = 768, /* ... so many pairs stay in a core's cache, beside those of the panels */
    GROUP_ROWS = BTILE_PANELS * BPANEL /* rows of a matrix that a task takes */
};

static size_t pair_count(size_t cols)
{
    return size_div_up(cols, 2);
}

static uint16_t *panel_of(const struct bmatrix *w, size_t row)
{
    return w->panels + row / BPANEL * 2 * BPANEL * pair_count(w->cols);
}

size_t bmatrix_bytes(size_t rows, size_t cols)
{
    return size_div_up(rows, BPANEL) * BPANEL * 2 * pair_count(cols) * sizeof(uint16_t);
}

void bmatrix_set_row(const struct bmatrix *w, size_t row, const real *values)
{
    uint16_t *at = panel_of(w, row) + 2 * (row % BPANEL);
    for (size_t c = 0; c < w->cols; c++)
        at[c / 2 * 2 * BPANEL + c % 2] = bfloat_from_float((float)values[c]);
}

void bmatrix_set_column(const struct bmatrix *w, size_t column, const real *values)
{
    for (size_t first = 0; first < w->rows; first += BPANEL) {
        uint16_t *at = panel_of(w, first) + column / 2 * 2 * BPANEL + column % 2;
        for (size_t r = 0; r < size_min(BPANEL, w->rows - first); r++)
            at[2 * r] = bfloat_from_float((float)values[first + r]);
    }
}

struct job {
    const struct bproduct *products;
    bkernel *kernel;
    size_t n, cols, pairs;
    size_t chunk;  /* rows of x of a task */
    size_t groups; /* of GROUP_ROWS rows, of all products together */
    const real *values; /* [n, cols] */
    uint16_t *x;   /* [n, 2 pairs]: the same rounded */
};

static void round_row(uint16_t *out, const real *x, size_t cols)
{
    bfloats_from_reals(out, x, cols);
    if (cols % 2)
        out[cols] = 0;
}

static void store(const struct bproduct *p, size_t row, size_t first, size_t rows,
                  btile_sums sums, bool add)
{
    size_t ldy = p->w->rows;
    for (size_t i = 0; i < BTILE_PANELS && first + i * BPANEL < ldy; i++)
        for (size_t t = 0; t < rows; t++) {
            real *y = p->y + (row + t) * ldy + first + i * BPANEL;
            size_t count = size_min(BPANEL, ldy - first - i * BPANEL);
            for (size_t r = 0; r < count; r++)
                y[r] = (add ? y[r] : 0) + (real)sums[i][t][r];
        }
}

/* A group of panels of one product times one chunk of x. */
static void multiply_chunk(const struct job *job, size_t task)
{
    size_t group = task % job->groups, from = task / job->groups * job->chunk;
    const struct bproduct *p = job->products;
    for (; group >= size_div_up(p->w->rows, GROUP_ROWS); p++)
        group -= size_div_up(p->w->rows, GROUP_ROWS);
    size_t first = group * GROUP_ROWS, to = size_min(job->n, from + job->chunk);
    struct btile tile = {.n_panels = p->w->rows - first > BPANEL ? BTILE_PANELS : 1,
                         .panel_step = 2 * BPANEL * job->pairs,
                         .x_step = 2 * job->pairs};
    for (size_t pair = 0; pair < job->pairs; pair += CHUNK_PAIRS)
        for (size_t row = from; row < to; row += BTILE_ROWS) {
            btile_sums sums;
            tile.panels = panel_of(p->w, first) + pair * 2 * BPANEL;
            tile.x = job->x + 2 * (row * job->pairs + pair);
            tile.rows = size_min(BTILE_ROWS, to - row);
            tile.pairs = size_min(CHUNK_PAIRS, job->pairs - pair);
            job->kernel(sums, &tile);
            store(p, row, first, tile.rows, sums, p->add || pair > 0);
        }
}

static void round_rows(const void *loop, size_t first, size_t last)
{
    const struct job *job = loop;
    for (size_t t = first; t < last; t++)
        round_row(job->x + t * 2 * job->pairs, job->values + t * job->cols, job->cols);
}

static void multiply_chunks(const void *loop, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++)
        multiply_chunk(loop, i);
}

void bmatmul(const struct bproduct *products, size_t count, const real *x, size_t n)
{
    if (n == 0 || count == 0)
        return;
    size_t cols = products->w->cols, chunks = size_div_up(n, CHUNK_ROWS);
    struct job job = {.products = products,
                      .kernel = bkernel_best(),
                      .n = n,
                      .cols = cols,
                      .values = x,
                      .pairs = pair_count(cols)};
    job.chunk = size_div_up(size_div_up(n, chunks), BTILE_ROWS) * BTILE_ROWS;
    for (size_t i = 0; i < count; i++) {
        CHECK(products[i].w->cols == cols);
        job.groups += size_div_up(products[i].w->rows, GROUP_ROWS);
    }
    job.x = xmalloc_aligned(n * 2 * job.pairs, sizeof *job.x);
    team_run(round_rows, &job, n, team_grain(cols, PART_VALUES));
    team_run(multiply_chunks, &job, size_div_up(n, job.chunk) * job.groups,
             team_grain(size_min(n, job.chunk) * GROUP_ROWS * cols, PART_WORK));
    free(job.x);
}

bool bmatmul_is_fast(void)
{
    return bkernel_avx512() != NULL;
}
