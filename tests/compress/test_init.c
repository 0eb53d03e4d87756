/* The two starting points, and the linear algebra of the warm one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/compress/compressor.h"
#include "engine/compress/ridge.h"
#include "engine/compress/whiten.h"
#include "tests/support/gradcheck.h"

static const struct compressor_shape shape = {.M = 5, .H = 32, .D = 16, .E = 12, .depth = 2};

static void test_cholesky(void **state)
{
    (void)state;
    enum { N = 17 };
    struct rng rng;
    rng_seed(&rng, 1);
    double a[N * N], s[N * N], L[N * N];
    for (size_t i = 0; i < N * N; i++)
        a[i] = rng_normal(&rng);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            s[i * N + j] = i == j ? 0.1 : 0;
            for (size_t p = 0; p < N; p++)
                s[i * N + j] += a[i * N + p] * a[j * N + p];
        }
    memcpy(L, s, sizeof L);
    assert_true(whiten_cholesky(L, N));
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t p = 0; p < N; p++)
                sum += L[i * N + p] * L[j * N + p];
            assert_true(fabs(sum - s[i * N + j]) < 1e-10);
            assert_true(j <= i || L[i * N + j] == 0);
        }
    double rows[2 * N], back[2 * N] = {0};
    for (size_t i = 0; i < 2 * N; i++)
        rows[i] = a[i];
    whiten_rows(rows, 2, L, N);
    for (size_t r = 0; r < 2; r++)
        for (size_t i = 0; i < N; i++)
            for (size_t p = 0; p < N; p++)
                back[r * N + i] += rows[r * N + p] * L[p * N + i];
    for (size_t i = 0; i < 2 * N; i++)
        assert_true(fabs(back[i] - a[i]) < 1e-10);
    double indefinite[4] = {1, 2, 2, 1};
    assert_false(whiten_cholesky(indefinite, 2));
}

/* More rows than columns: groups, each orthonormal. */
static void test_orthonormal_rows(void **state)
{
    (void)state;
    enum { M = 11, N = 7 };
    struct rng rng;
    rng_seed(&rng, 2);
    double rows[M * N];
    whiten_orthonormal_rows(rows, M, N, &rng);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j <= i; j++) {
            if (i / N != j / N)
                continue;
            double dot = 0;
            for (size_t p = 0; p < N; p++)
                dot += rows[i * N + p] * rows[j * N + p];
            assert_true(fabs(dot - (i == j ? 1 : 0)) < 1e-12);
        }
}

static void range(const real *x, size_t n, double *low, double *high)
{
    *low = HUGE_VAL;
    *high = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        *low = fmin(*low, (double)x[i]);
        *high = fmax(*high, (double)x[i]);
    }
}

/* All values within the bound, and reaching near it on both sides. */
static void expect_uniform(const real *x, size_t n, double bound)
{
    double low, high;
    range(x, n, &low, &high);
    assert_true(low >= -bound && high <= bound && low < -0.7 * bound && high > 0.7 * bound);
}

static void expect_constant(const real *x, size_t n, double value)
{
    double low, high;
    range(x, n, &low, &high);
    assert_true(low == value && high == value);
}

static void test_published(void **state)
{
    (void)state;
    struct err err;
    struct rng rng;
    struct compressor c;
    rng_seed(&rng, 3);
    assert_true(compressor_init(&c, &shape, &err));
    memset(c.block, 0xff, c.count * sizeof *c.block);
    compressor_init_published(&c, &rng);
    const struct compressor_params *p = &c.params;
    const size_t H = shape.H, D = shape.D, E = shape.E;
    double bound = 1 / sqrt((double)H), sum = 0, square = 0;
    expect_uniform(p->wq, D * H, bound);
    expect_uniform(p->wk, D * H, bound);
    expect_uniform(p->wv, H * H, bound);
    expect_uniform(p->wc, E * H, bound);
    expect_uniform(p->wu, H * H, bound);
    expect_uniform(p->bu, H, bound);
    expect_constant(p->query_fusion, shape.M, 0);
    expect_constant(p->wm, H, 0);
    expect_constant(p->bm, 1, 0);
    expect_constant(p->metric_ln_w, H, 1);
    expect_constant(p->value_ln_b, H, 0);
    for (size_t i = 0; i < 2; i++) {
        expect_uniform(p->projector_w[i], H * H, 0.4 * sqrt(6.0 / (double)(H + H)));
        expect_constant(p->projector_b[i], H, 0);
    }
    for (size_t i = 0; i < shape.M * D; i++) {
        sum += (double)p->layer_embedding[i];
        square += (double)(p->layer_embedding[i] * p->layer_embedding[i]);
    }
    assert_true(fabs(sum / (double)(shape.M * D)) < 0.01);
    assert_true(fabs(sqrt(square / (double)(shape.M * D)) - 0.02) < 0.005);
    compressor_free(&c);
}

struct start {
    struct compressor c;
    real *embeddings, *hidden;
    size_t n;
};

/* Embeddings with unequal variances and a mean; deeper states far larger. */
static void make_start(struct start *s, size_t n)
{
    struct err err;
    struct rng rng;
    rng_seed(&rng, 4);
    const size_t H = shape.H;
    s->n = n;
    s->embeddings = random_reals(&rng, n * H, 1);
    s->hidden = random_reals(&rng, shape.M * n * H, 20);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < H; i++) {
            real *x = &s->embeddings[t * H + i];
            *x = REAL(0.1) * (*x * (i % 4 == 0 ? 3 : 1) + (i == 5 ? 2 : 0));
            s->hidden[t * H + i] = *x;
        }
    assert_true(compressor_init(&s->c, &shape, &err));
    struct warm_start start = {.embeddings = s->embeddings, .n = n, .gate = 12};
    compressor_init_warm(&s->c, &start, &rng);
}

static void free_start(struct start *s)
{
    compressor_free(&s->c);
    free(s->embeddings);
    free(s->hidden);
}

/* The purpose of the warm start: at ratio 1 and a sharp plan, slots are embeddings. */
static void test_warm_slots_are_embeddings(void **state)
{
    (void)state;
    struct start s;
    struct err err;
    struct arena arena = {0};
    struct compress_tape tape;
    struct compress_settings settings = compress_settings_default;
    make_start(&s, 300);
    settings.window = 16;
    settings.ratio = 1;
    settings.eps = 0.02;
    settings.iters = 200;
    assert_true(compressor_forward(&s.c, &settings, s.hidden, s.n, 32, &tape, &arena, NULL, &err));
    for (size_t t = 0; t < 32; t++) {
        assert_true(tape.alpha[t * shape.M] > REAL(0.9));
        const real *slot = tape.slots + t * shape.H, *want = s.embeddings + t * shape.H;
        double dot = 0, a = 0, b = 0, mean = 0;
        for (size_t i = 0; i < shape.H; i++)
            mean += (double)want[i] / (double)shape.H;
        for (size_t i = 0; i < shape.H; i++) {
            double x = (double)slot[i], y = (double)want[i] - mean;
            dot += x * y;
            a += x * x;
            b += y * y;
        }
        assert_true(dot / sqrt(a * b) > 0.8);
        assert_true(sqrt(a / b) > 0.4 && sqrt(a / b) < 2.5);
    }
    arena_free(&arena);
    free_start(&s);
}

/* The whitened metric of the text it was made from: no direction stands out, so
 * that the cosine of two unrelated tokens is small. */
static void test_warm_metric_is_white(void **state)
{
    (void)state;
    struct start s;
    make_start(&s, 4000);
    const size_t H = shape.H, E = shape.E;
    double *second = xcalloc(E * E, sizeof *second), trace = 0;
    for (size_t t = 0; t < s.n; t++) {
        const real *x = s.embeddings + t * H;
        double mean = 0, square = 0, y[12] = {0};
        for (size_t i = 0; i < H; i++)
            mean += (double)x[i] / (double)H;
        for (size_t i = 0; i < H; i++)
            square += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)H;
        for (size_t e = 0; e < E; e++)
            for (size_t i = 0; i < H; i++)
                y[e] += (double)s.c.params.wc[e * H + i] *
                        (((double)x[i] - mean) / sqrt(square) +
                         (double)s.c.params.metric_ln_b[i]);
        for (size_t e = 0; e < E * E; e++)
            second[e] += y[e / E] * y[e % E] / (double)s.n;
    }
    for (size_t e = 0; e < E; e++)
        trace += second[e * E + e] / (double)E;
    for (size_t e = 0; e < E * E; e++)
        assert_true(fabs(second[e] / trace - (e / E == e % E ? 1 : 0)) < 0.15);
    free(second);
    free_start(&s);
}

static void test_same_seed_same_start(void **state)
{
    (void)state;
    struct start a, b;
    make_start(&a, 300);
    make_start(&b, 300);
    assert_memory_equal(a.c.block, b.c.block, a.c.count * sizeof *a.c.block);
    free_start(&a);
    free_start(&b);
}

/* The list of parameters tiles the block, and views point into it. */
static void test_parameter_list(void **state)
{
    (void)state;
    struct err err;
    struct compressor c;
    struct compressor_params view;
    assert_true(compressor_init(&c, &shape, &err));
    size_t offset = 0;
    for (size_t i = 0; i < c.n_tensors; i++) {
        assert_int_equal(c.tensors[i].offset, offset);
        offset += c.tensors[i].count;
    }
    assert_int_equal(offset, c.count);
    real *other = xcalloc(c.count, sizeof *other);
    compressor_view(&c, other, &view);
    assert_true(view.wu - other == c.params.wu - c.block);
    assert_true(view.projector_b[1] + shape.H == other + c.count);
    assert_string_equal(c.tensors[c.n_tensors - 1].name, "projector.mlp.2.bias");
    free(other);
    compressor_free(&c);
}

/* A map that is linear is found again, whatever unit a channel has. */
static void test_ridge(void **state)
{
    (void)state;
    enum { N = 400, SIZE = 6 };
    struct rng rng;
    rng_seed(&rng, 11);
    real *x = random_reals(&rng, (size_t)N * SIZE, 1), *y = xcalloc((size_t)N * SIZE, sizeof *y);
    real *truth = random_reals(&rng, (size_t)SIZE * SIZE, 1), w[SIZE * SIZE], b[SIZE];
    for (size_t t = 0; t < N; t++) {
        x[t * SIZE + 2] = x[t * SIZE + 2] * 500 + 300;
        for (size_t o = 0; o < SIZE; o++) {
            y[t * SIZE + o] = REAL(0.25) * (real)o;
            for (size_t i = 0; i < SIZE; i++)
                y[t * SIZE + o] += truth[o * SIZE + i] * x[t * SIZE + i] / (i == 2 ? 500 : 1);
        }
    }
    ridge_fit(w, b, x, y, N, SIZE, 1e-6);
    for (size_t t = 0; t < N; t++)
        for (size_t o = 0; o < SIZE; o++) {
            double sum = (double)b[o];
            for (size_t i = 0; i < SIZE; i++)
                sum += (double)w[o * SIZE + i] * (double)x[t * SIZE + i];
            assert_true(fabs(sum - (double)y[t * SIZE + o]) < 1e-3);
        }
    for (size_t t = 0; t < N; t++)
        x[t * SIZE + 4] = 1;
    ridge_fit(w, b, x, y, N, SIZE, 1e-6);
    for (size_t o = 0; o < SIZE; o++)
        assert_true(w[o * SIZE + 4] == 0 && isfinite(b[o]) && isfinite(w[o * SIZE]));
    free(x);
    free(y);
    free(truth);
}

/* Deep states that hold the embedding in other channels and far larger: the gate
 * takes from all layers, and the anchors are the embeddings again. */
static void test_warm_spread(void **state)
{
    (void)state;
    struct start s;
    struct err err;
    struct rng rng;
    struct arena arena = {0};
    const size_t H = shape.H, M = shape.M, n = 600;
    double weights[16], sum = 0;
    make_start(&s, n);
    compressor_warm_weights(0.3, M, weights);
    for (size_t l = 0; l < M; l++)
        sum += weights[l];
    assert_true(fabs(sum - 1) < 1e-12 && fabs(weights[0] - 0.7) < 1e-12 && weights[1] > weights[2]);
    real *mixture = xcalloc(n * H, sizeof *mixture);
    for (size_t l = 0; l < M; l++)
        for (size_t t = 0; t < n; t++)
            for (size_t i = 0; i < H; i++) {
                real *x = &s.hidden[(l * n + t) * H + i];
                if (l > 0)
                    *x = 20 * s.embeddings[t * H + (i + l) % H] + (i == 3 ? 50 : 0);
                mixture[t * H + i] += (real)weights[l] * *x;
            }
    struct warm_start start = {
        .embeddings = s.embeddings, .mixture = mixture, .n = n, .spread = 0.3};
    rng_seed(&rng, 5);
    compressor_init_warm(&s.c, &start, &rng);
    struct compress_tape tape;
    assert_true(compressor_forward(&s.c, &compress_settings_default, s.hidden, n, n, &tape, &arena,
                                   NULL, &err));
    double error = 0, size = 0, top = 0;
    for (size_t t = 0; t < n; t++) {
        top += (double)tape.alpha[t * M] / (double)n;
        for (size_t i = 0; i < H; i++) {
            double want = (double)s.embeddings[t * H + i];
            double d = (double)tape.anchors[t * H + i] - want;
            error += d * d;
            size += want * want;
        }
    }
    assert_true(fabs(top - 0.7) < 0.1);
    assert_true(error < 0.15 * size);
    free(mixture);
    arena_free(&arena);
    free_start(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cholesky),
        cmocka_unit_test(test_orthonormal_rows),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_warm_slots_are_embeddings),
        cmocka_unit_test(test_warm_metric_is_white),
        cmocka_unit_test(test_ridge),
        cmocka_unit_test(test_warm_spread),
        cmocka_unit_test(test_same_seed_same_start),
        cmocka_unit_test(test_parameter_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
