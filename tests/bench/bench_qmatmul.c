/* Times quantised products and those in bfloat16 against float ones on the shapes of a model:
 * bench_qmatmul [tokens] [repeat]. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/ops/bmatmul.h"
#include "engine/ops/half.h"
#include "engine/ops/matmul.h"
#include "engine/ops/qmatmul.h"

static struct qmatrix random_matrix(enum qmatrix_kind kind, size_t rows, size_t cols,
                                    struct rng *rng)
{
    struct qmatrix w = {.kind = kind, .rows = rows, .cols = cols};
    w.panels = mem_try(qmatrix_bytes(kind, rows, cols), 1, "matrix", NULL);
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < cols / QBLOCK; b++) {
            uint8_t q[QBLOCK];
            for (size_t i = 0; i < QBLOCK; i++)
                q[i] = (uint8_t)rng_below(rng, 256);
            uint16_t d = half_from_float(0.01f);
            if (kind == QMATRIX_4)
                qmatrix_set_4(&w, r, b, q, d, d);
            else
                qmatrix_set_8(&w, r, b, (const int8_t *)q, d);
        }
    return w;
}

/* Best of the repetitions after the first, in milliseconds. */
static double time_bfloats(const real *dense, const real *x, real *y, size_t n, size_t rows,
                           size_t cols, size_t repeat)
{
    struct bmatrix w = {.rows = rows, .cols = cols};
    w.panels = mem_try(bmatrix_bytes(rows, cols), 1, "matrix", NULL);
    for (size_t r = 0; r < rows; r++)
        bmatrix_set_row(&w, r, dense + r * cols);
    double best = 1e30;
    for (size_t i = 0; i <= repeat; i++) {
        const struct bproduct product = {&w, y, false};
        double start = clock_ms();
        bmatmul(&product, 1, x, n);
        double ms = clock_ms() - start;
        best = i && ms < best ? ms : best;
    }
    free(w.panels);
    return best;
}

static void time_shape(size_t n, size_t rows, size_t cols, size_t repeat)
{
    struct rng rng;
    rng_seed(&rng, 1);
    real *x = xcalloc(n * cols, sizeof *x), *y = xcalloc(n * rows, sizeof *y);
    real *dense = xcalloc(rows * cols, sizeof *dense);
    for (size_t i = 0; i < n * cols; i++)
        x[i] = (real)rng_uniform(&rng) - REAL(0.5);
    printf("%5zu x %6zu x %5zu:", n, rows, cols);
    static const char *const names[] = {"f32", "4 bits, x 8", "8 bits", "4 bits, x 15"};
    double work = 2.0 * (double)(n * rows * cols) * 1e-6;
    for (int kind = -1; kind <= 2; kind++) {
        struct qmatrix w = {0};
        if (kind >= 0)
            w = random_matrix(kind == 1 ? QMATRIX_8 : QMATRIX_4, rows, cols, &rng);
        double best = 1e30;
        for (size_t i = 0; i <= repeat; i++) {
            const struct qproduct product = {&w, y, false};
            double start = clock_ms();
            if (kind < 0)
                matmul_nt(y, x, dense, 0, n, rows, cols);
            else
                qmatmul(&product, 1, x, n, kind < 2 ? QROUNDING_8 : QROUNDING_15);
            double ms = clock_ms() - start;
            best = i && ms < best ? ms : best;
        }
        printf("  %s %8.3f ms %7.1f G/s", names[kind + 1], best, work / best);
        free(w.panels);
    }
    double bfloats = time_bfloats(dense, x, y, n, rows, cols, repeat);
    printf("  bf16 %8.3f ms %7.1f G/s\n", bfloats, work / bfloats);
    free(x);
    free(y);
    free(dense);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 512;
    size_t repeat = argc > 2 ? strtoul(argv[2], NULL, 10) : 9;
    static const size_t shapes[][2] = {
        {576, 576}, {1536, 576}, {576, 1536}, {49152, 576}, {960, 576}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        time_shape(n, shapes[i][0], shapes[i][1], repeat);
    return 0;
}
