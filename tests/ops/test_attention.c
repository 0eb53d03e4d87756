/* Attention against its definition in double: shapes with grouped heads, a past,
 * packed sequences; from reals and from bfloats; the mean of its probabilities; gradients;
 * threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/team.h"
#include "engine/ops/attention.h"
#include "engine/ops/half.h"
#include "tests/support/gradcheck.h"

/* Packed sequences; a problem with `past` has one, whose first queries are left
 * out. */
struct problem {
    struct attention_shape shape;
    size_t n, past;
    bool rounded; /* bfloats: what is read of q, k and v, and the probabilities */
    struct attention_pack pack;
    real *q, *k, *v, *r, *out;
};

static void problem_init(struct problem *p, struct attention_shape shape, const size_t *starts,
                         size_t sequences, size_t past)
{
    struct rng rng;
    rng_seed(&rng, starts[sequences] + past);
    size_t total = starts[sequences], n = total - past;
    *p = (struct problem){.shape = shape, .n = n, .past = past};
    p->pack = (struct attention_pack){sequences, starts, NULL};
    p->q = random_reals(&rng, n * shape.heads * shape.head_dim, 1);
    p->k = random_reals(&rng, total * shape.kv_heads * shape.head_dim, 1);
    p->v = random_reals(&rng, total * shape.kv_heads * shape.head_dim, 1);
    p->r = random_reals(&rng, n * shape.heads * shape.head_dim, 1);
    p->out = random_reals(&rng, n * shape.heads * shape.head_dim, 1);
}

static void problem_free(struct problem *p)
{
    free(p->q);
    free(p->k);
    free(p->v);
    free(p->r);
    free(p->out);
}

/* Its keys and values, written in two parts; both blocks are to be freed. */
static struct attention_store store_of(const struct problem *p)
{
    size_t total = p->n + p->past, K = p->shape.kv_heads * p->shape.head_dim, part = total / 3;
    size_t room = (total + ATTENTION_STORE_ROWS) / ATTENTION_STORE_ROWS * ATTENTION_STORE_ROWS;
    struct attention_store store = {.rounded = p->rounded, .capacity = room};
    size_t bytes = attention_store_bytes(p->rounded, room, &p->shape);
    store.keys = malloc(bytes);
    store.values = malloc(bytes);
    /* What was not written is never seen. */
    memset(store.keys, 0xff, bytes);
    memset(store.values, 0xff, bytes);
    attention_store_write(&store, p->k, p->v, 0, part, &p->shape);
    attention_store_write(&store, p->k + part * K, p->v + part * K, part, total - part, &p->shape);
    return store;
}

/* The last query alone: the bits that it has among the others. */
static void check_single(const struct problem *p, const struct attention_store *store,
                         const real *mean_row)
{
    size_t total = p->n + p->past, row = p->shape.heads * p->shape.head_dim, last = p->n - 1;
    real *out = calloc(row, sizeof *out), *mean = calloc(total, sizeof *mean);
    attention_forward(out, mean, p->q + last * row, store, 1, total - 1, &p->shape);
    assert_memory_equal(out, p->out + last * row, row * sizeof *out);
    assert_memory_equal(mean, mean_row, total * sizeof *mean);
    free(out);
    free(mean);
}

/* Probabilities of query i (of n) of head h over keys [first, past + i]. */
static void oracle_row(const struct problem *p, size_t i, size_t h, size_t first, double *prob)
{
    size_t d = p->shape.head_dim, kv = h / (p->shape.heads / p->shape.kv_heads);
    const real *q = p->q + (i * p->shape.heads + h) * d;
    double sum = 0;
    for (size_t j = first; j <= p->past + i; j++) {
        const real *k = p->k + (j * p->shape.kv_heads + kv) * d;
        double score = 0;
        for (size_t c = 0; c < d; c++)
            score += (double)q[c] * (double)k[c];
        prob[j] = exp(score / sqrt((double)d));
        sum += prob[j];
    }
    for (size_t j = first; j <= p->past + i; j++)
        prob[j] /= sum;
}

static void check_row(const struct problem *p, size_t i, size_t h, size_t first, const double *prob)
{
    size_t d = p->shape.head_dim, kv = h / (p->shape.heads / p->shape.kv_heads);
    for (size_t c = 0; c < d; c++) {
        double want = 0, size = 0;
        for (size_t j = first; j <= p->past + i; j++) {
            double v = (double)p->v[(j * p->shape.kv_heads + kv) * d + c];
            want += prob[j] * v;
            size += prob[j] * fabs(v);
        }
        double got = (double)p->out[(i * p->shape.heads + h) * d + c];
        double bound = p->rounded ? 0x1p-8 * size + 1e-5 : sizeof(real) == 4 ? 5e-6 : 1e-13;
        assert_true(fabs(got - want) <= bound);
    }
}

static void round_reals(real *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (real)bfloat_to_float(bfloat_from_float((float)x[i]));
}

/* What the oracle is to read. */
static void round_problem(struct problem *p)
{
    size_t kv = (p->n + p->past) * p->shape.kv_heads * p->shape.head_dim;
    round_reals(p->q, p->n * p->shape.heads * p->shape.head_dim);
    round_reals(p->k, kv);
    round_reals(p->v, kv);
}

static void check_forward(struct attention_shape shape, size_t n, size_t past, bool rounded)
{
    size_t starts[2] = {0, past + n}, total = past + n;
    struct problem p;
    problem_init(&p, shape, starts, 1, past);
    p.rounded = rounded;
    real *mean = calloc(n * total, sizeof *mean);
    double *prob = calloc(total, sizeof *prob), *mean_want = calloc(n * total, sizeof *mean_want);
    struct attention_store store = store_of(&p);
    attention_forward(p.out, mean, p.q, &store, n, past, &shape);
    if (rounded)
        round_problem(&p);
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < shape.heads; h++) {
            oracle_row(&p, i, h, 0, prob);
            check_row(&p, i, h, 0, prob);
            for (size_t j = 0; j <= past + i; j++)
                mean_want[i * total + j] += prob[j] / (double)shape.heads;
        }
    for (size_t i = 0; i < n * total; i++)
        assert_true(fabs((double)mean[i] - mean_want[i]) <= 2e-6);
    size_t row = shape.heads * shape.head_dim;
    real *again = random_reals(&(struct rng){{1, 2, 3, 4}}, n * row, 1);
    attention_forward(again, NULL, p.q, &store, n, past, &shape);
    assert_memory_equal(again, p.out, n * row * sizeof *again);
    check_single(&p, &store, mean + (n - 1) * total);
    free(store.keys);
    free(store.values);
    free(again);
    free(mean);
    free(mean_want);
    free(prob);
    problem_free(&p);
}

static void check_shapes(bool rounded)
{
    check_forward((struct attention_shape){1, 1, 8}, 1, 0, rounded);
    check_forward((struct attention_shape){4, 2, 16}, 1, 77, rounded);
    check_forward((struct attention_shape){6, 2, 10}, 9, 0, rounded);
    check_forward((struct attention_shape){6, 2, 10}, 70, 3, rounded);
    check_forward((struct attention_shape){3, 3, 5}, 200, 60, rounded);
    check_forward((struct attention_shape){9, 3, 64}, 130, 0, rounded);
    check_forward((struct attention_shape){9, 3, 64}, 1, 700, rounded);
    check_forward((struct attention_shape){8, 1, 40}, 2, 511, rounded);
    check_forward((struct attention_shape){10, 2, 33}, 1, 300, rounded);
}

static void test_forward(void **state)
{
    (void)state;
    check_shapes(false);
}

static void test_forward_from_bfloats(void **state)
{
    (void)state;
    check_shapes(true);
}

/* Tokens that come one by one lie where those do that come together. */
static void test_tokens_one_by_one(void **state)
{
    (void)state;
    enum { N = 21 };
    const struct attention_shape shape = {4, 2, 17};
    const size_t starts[2] = {0, N};
    struct problem p;
    problem_init(&p, shape, starts, 1, 0);
    p.rounded = true;
    struct attention_store store = store_of(&p);
    attention_forward(p.out, NULL, p.q, &store, N, 0, &shape);
    real *row = calloc(4 * 17, sizeof *row);
    memset(store.keys, 0xff, attention_store_bytes(true, store.capacity, &shape));
    memset(store.values, 0xff, attention_store_bytes(true, store.capacity, &shape));
    for (size_t i = 0; i < N; i++) {
        attention_store_write(&store, p.k + i * 34, p.v + i * 34, i, 1, &shape);
        attention_forward(row, NULL, p.q + i * 4 * 17, &store, 1, i, &shape);
        assert_memory_equal(row, p.out + i * 4 * 17, 4 * 17 * sizeof *row);
    }
    free(row);
    free(store.keys);
    free(store.values);
    problem_free(&p);
}

static const size_t packed_starts[5] = {0, 5, 75, 76, 210};

static void test_packed_sequences_do_not_see_each_other(void **state)
{
    (void)state;
    const struct attention_shape shape = {4, 2, 6};
    struct problem p;
    problem_init(&p, shape, packed_starts, 4, 0);
    double prob[210];
    attention_packed_forward(p.out, p.q, p.k, p.v, &p.pack, &shape, false);
    for (size_t s = 0; s < 4; s++)
        for (size_t i = packed_starts[s]; i < packed_starts[s + 1]; i++)
            for (size_t h = 0; h < shape.heads; h++) {
                oracle_row(&p, i, h, packed_starts[s], prob);
                check_row(&p, i, h, packed_starts[s], prob);
            }
    problem_free(&p);
}

static double loss(void *context)
{
    struct problem *p = context;
    attention_packed_forward(p->out, p->q, p->k, p->v, &p->pack, &p->shape, false);
    return weighted_sum(p->out, p->r, p->n * p->shape.heads * p->shape.head_dim);
}

static void check_gradients(struct problem *p, const struct attention_shape *shape)
{
    size_t q_count = p->n * shape->heads * shape->head_dim;
    size_t kv_count = p->n * shape->kv_heads * shape->head_dim;
    real *dq = calloc(q_count, sizeof *dq), *dk = calloc(kv_count, sizeof *dk);
    real *dv = calloc(kv_count, sizeof *dv);
    attention_packed_backward(dq, dk, dv, p->r, p->q, p->k, p->v, &p->pack, shape, false);
    gradcheck("dq", loss, p, p->q, dq, q_count);
    gradcheck("dk", loss, p, p->k, dk, kv_count);
    gradcheck("dv", loss, p, p->v, dv, kv_count);
    free(dq);
    free(dk);
    free(dv);
}

static void test_gradients(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    static const size_t starts[4] = {0, 3, 4, 80};
    const struct attention_shape shape = {4, 2, 6};
    struct problem p;
    problem_init(&p, shape, starts, 3, 0);
    check_gradients(&p, &shape);
    problem_free(&p);
}

/* Sequences 1 to 3 go on from 0, 5 from 4; 6 stands alone. */
static const size_t tree_starts[8] = {0, 60, 61, 120, 125, 126, 200, 210};
static const size_t tree_prefix[7] = {0, 0, 0, 0, 4, 4, 6};

static void test_sequences_go_on_from_a_prefix(void **state)
{
    (void)state;
    const struct attention_shape shape = {4, 2, 6};
    size_t q_step = 24, kv_step = 12;
    struct problem p, whole;
    problem_init(&p, shape, tree_starts, 7, 0);
    p.pack.prefix = tree_prefix;
    loss(&p);
    for (size_t s = 0; s < 7; s++) {
        /* the same sequence with its prefix before it, on its own */
        size_t before = tree_prefix[s] == s ? 0 : tree_starts[tree_prefix[s] + 1] -
                                                      tree_starts[tree_prefix[s]];
        size_t n = tree_starts[s + 1] - tree_starts[s], from = tree_starts[tree_prefix[s]];
        size_t starts[2] = {0, before + n};
        problem_init(&whole, shape, starts, 1, 0);
        for (size_t i = 0; i < before + n; i++) {
            size_t row = i < before ? from + i : tree_starts[s] + i - before;
            memcpy(whole.q + i * q_step, p.q + row * q_step, q_step * sizeof(real));
            memcpy(whole.k + i * kv_step, p.k + row * kv_step, kv_step * sizeof(real));
            memcpy(whole.v + i * kv_step, p.v + row * kv_step, kv_step * sizeof(real));
        }
        loss(&whole);
        for (size_t i = 0; i < n * q_step; i++)
            assert_true(fabs((double)(whole.out[before * q_step + i] -
                                      p.out[tree_starts[s] * q_step + i])) <=
                        (sizeof(real) == 4 ? 2e-6 : 1e-14));
        problem_free(&whole);
    }
    problem_free(&p);
}

static void test_gradients_behind_a_prefix(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    const struct attention_shape shape = {4, 2, 6};
    struct problem p;
    problem_init(&p, shape, tree_starts, 7, 0);
    p.pack.prefix = tree_prefix;
    check_gradients(&p, &shape);
    problem_free(&p);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    const struct attention_shape shape = {6, 2, 16};
    struct problem p;
    problem_init(&p, shape, tree_starts, 7, 0);
    p.pack.prefix = tree_prefix;
    size_t q_count = 210 * 96, kv_count = 210 * 32;
    real *one = calloc(q_count + 2 * kv_count, sizeof *one);
    real *many = calloc(q_count + 2 * kv_count, sizeof *many);
    size_t threads = team_threads();
    team_set_threads(1);
    loss(&p);
    real *out = random_reals(&(struct rng){{1, 2, 3, 4}}, q_count, 1);
    memcpy(out, p.out, q_count * sizeof *out);
    attention_packed_backward(one, one + q_count, one + q_count + kv_count, p.r, p.q, p.k, p.v,
                              &p.pack, &shape, false);
    team_set_threads(3);
    loss(&p);
    assert_memory_equal(out, p.out, q_count * sizeof *out);
    attention_packed_backward(many, many + q_count, many + q_count + kv_count, p.r, p.q, p.k, p.v,
                              &p.pack, &shape, false);
    assert_memory_equal(one, many, (q_count + 2 * kv_count) * sizeof *one);
    team_set_threads(threads);
    free(one);
    free(many);
    free(out);
    problem_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_forward_from_bfloats),
        cmocka_unit_test(test_tokens_one_by_one),
        cmocka_unit_test(test_packed_sequences_do_not_see_each_other),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_sequences_go_on_from_a_prefix),
        cmocka_unit_test(test_gradients_behind_a_prefix),
        cmocka_unit_test(test_same_bits_for_any_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
