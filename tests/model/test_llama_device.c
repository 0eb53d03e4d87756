/* The frozen model on a device, here the one on the host: the same numbers as llama_forward,
 * llama_tape_* and llama_cross_entropy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/arena.h"
#include "engine/model/llama.h"
#include "engine/model/llama_device.h"
#include "tests/support/device_host.h"
#include "tests/support/gradcheck.h"
#include "tests/support/tiny_llama.h"

static const double bound = sizeof(real) == 4 ? 2e-5 : 1e-11;

/* Sequences longer than a tile of attention, one of a single row, and two that go on from
 * the one before them. */
enum { SEQUENCES = 5, N = 230, LABELS = 60 };
static const size_t starts[SEQUENCES + 1] = {0, 9, 10, 150, 190, N};
static const size_t prefix[SEQUENCES] = {0, 1, 2, 2, 2};

struct problem {
    struct tiny_llama tiny;
    struct device *d;
    struct llama_device *m;
    struct attention_pack pack;
    real *embeddings;
    int32_t positions[N], rows[LABELS], labels[LABELS];
    real weight[LABELS], teacher_weight[LABELS];
    real *teacher; /* [LABELS, H]: label i is taught by row LABELS - 1 - i */
    int32_t teacher_rows[LABELS];
};

static void problem_init(struct problem *p, const struct tiny_llama_options *options)
{
    struct rng rng;
    struct err err = {0};
    rng_seed(&rng, 31);
    *p = (struct problem){.d = device_host_new(), .pack = {SEQUENCES, starts, prefix}};
    tiny_llama_init(&p->tiny, options, 5);
    p->m = llama_device_open(p->d, &p->tiny.model, false, &err);
    assert_non_null(p->m);
    p->embeddings = random_reals(&rng, N * options->config.hidden, 0.7);
    for (size_t s = 0; s < SEQUENCES; s++)
        for (size_t i = starts[s]; i < starts[s + 1]; i++)
            p->positions[i] = (int32_t)(i - starts[s] + (prefix[s] == s ? 0 : 140));
    for (size_t i = 0; i < LABELS; i++) {
        p->rows[i] = (int32_t)((i * 13) % N);
        p->labels[i] = (int32_t)rng_below(&rng, options->config.vocab);
        p->weight[i] = (real)0.25;
        p->teacher_weight[i] = (real)(0.25 * 0.7);
        p->teacher_rows[i] = (int32_t)(LABELS - 1 - i);
    }
    p->teacher = random_reals(&rng, LABELS * options->config.hidden, 1);
    p->rows[1] = p->rows[0]; /* a row may predict twice */
}

static void problem_free(struct problem *p)
{
    llama_device_free(p->m);
    device_close(p->d);
    free(p->embeddings);
    free(p->teacher);
    tiny_llama_free(&p->tiny);
}

static void assert_near(const real *got, const real *want, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= bound * largest))
            fail_msg("element %zu: %g, expected %g", i, (double)got[i], (double)want[i]);
}

static void check_encode(const struct tiny_llama_options *options, size_t blocks)
{
    struct problem p;
    struct err err = {0};
    problem_init(&p, options);
    size_t H = options->config.hidden, M = blocks + 1;
    int32_t ids[N];
    for (size_t i = 0; i < N; i++)
        ids[i] = (int32_t)(i * 7 % options->config.vocab);
    real *hidden = calloc(M * N * H, sizeof *hidden), *want = calloc(M * N * H, sizeof *want);
    llama_device_encode(p.m, ids, &p.pack, blocks, hidden);
    assert_true(device_finish(p.d, &err));
    for (size_t s = 0; s < SEQUENCES; s++) {
        /* alone, or behind what it goes on from, which is read once more */
        bool alone = prefix[s] == s;
        size_t before = alone ? 0 : starts[prefix[s] + 1] - starts[prefix[s]];
        size_t n = before + starts[s + 1] - starts[s];
        int32_t joined[N];
        memcpy(joined, ids + starts[prefix[s]], before * sizeof *joined);
        memcpy(joined + before, ids + starts[s], (n - before) * sizeof *joined);
        real *states = calloc(M * n * H, sizeof *states);
        struct llama_input input = {.n = n, .ids = joined};
        struct llama_output output = {.hidden = states};
        assert_true(llama_forward(&p.tiny.model, NULL, blocks, &input, &output, NULL, &err));
        for (size_t l = 0; l < M; l++)
            memcpy(want + (l * N + starts[s]) * H, states + (l * n + before) * H,
                   (n - before) * H * sizeof *want);
        free(states);
    }
    assert_near(hidden, want, M * N * H);
    free(hidden);
    free(want);
    problem_free(&p);
}

static void test_hidden_states(void **state)
{
    (void)state;
    struct tiny_llama_options options = tiny_llama_default;
    check_encode(&options, 3);
    check_encode(&options, 2);
    options.biases = false;
    options.config.tied_embeddings = true;
    options.config.rope_interleaved = true;
    check_encode(&options, 3);
}

static void check_decoder(const struct tiny_llama_options *options, bool taught)
{
    struct problem p;
    struct err err = {0};
    problem_init(&p, options);
    size_t count = N * options->config.hidden, rows[LABELS];
    struct arena arena = {0};
    struct llama_batch batch = {N, p.pack, p.embeddings, p.positions, 0, NULL};
    struct llama_tape tape;
    assert_true(llama_tape_forward(&p.tiny.model, &batch, &tape, &arena, NULL, &err));
    for (size_t i = 0; i < LABELS; i++)
        rows[i] = (size_t)p.rows[i];
    real *dfinal = arena_array(&arena, real, count), *dx = arena_array(&arena, real, count);
    real nll[LABELS], kl[LABELS], want_nll[LABELS];
    real *reversed = arena_array(&arena, real, LABELS * options->config.hidden);
    for (size_t i = 0; i < LABELS; i++)
        memcpy(reversed + i * options->config.hidden,
               p.teacher + (LABELS - 1 - i) * options->config.hidden,
               options->config.hidden * sizeof *reversed);
    struct llama_teacher teacher = {.final = reversed, .weight = 0.7};
    llama_cross_entropy(&p.tiny.model, tape.final, rows, p.labels, LABELS, 0.25, want_nll, dfinal,
                        taught ? &teacher : NULL, &arena);
    assert_true(llama_tape_backward(&p.tiny.model, &tape, dfinal, dx, &arena, NULL, &err));

    struct llama_device_tape other;
    size_t mark = p.d->ops->mark(p.d);
    real *pull = device_reals(p.d, count);
    llama_device_tape_forward(p.m, p.embeddings, p.positions, &p.pack, &other);
    assert_near(other.final, tape.final, count);
    struct llama_device_labels labels = {
        .count = LABELS, .rows = p.rows, .labels = p.labels, .weight = p.weight, .nll = nll,
        .teacher = taught ? p.teacher : NULL, .teacher_rows = p.teacher_rows,
        .teacher_weight = p.teacher_weight, .kl = kl};
    llama_device_cross_entropy(p.m, other.final, N, &labels, pull);
    double kl_sum = 0;
    for (size_t i = 0; taught && i < LABELS; i++)
        kl_sum += (double)kl[i];
    assert_true(fabs(kl_sum - teacher.kl_sum) <= bound * (1 + teacher.kl_sum));
    assert_near(nll, want_nll, LABELS);
    assert_near(pull, dfinal, count);
    llama_device_tape_backward(p.m, &other, pull);
    assert_near(pull, dx, count);
    llama_device_tape_free(&other);
    p.d->ops->release(p.d, mark);
    assert_true(device_finish(p.d, &err));
    arena_free(&arena);
    problem_free(&p);
}

static void test_decoder_and_its_gradient(void **state)
{
    (void)state;
    struct tiny_llama_options options = tiny_llama_default;
    check_decoder(&options, false);
    check_decoder(&options, true);
    options.biases = false;
    options.config.tied_embeddings = true;
    options.config.rope_interleaved = true;
    options.config.kv_heads = 1;
    options.config.head_dim = 6;
    check_decoder(&options, true);
}

/* The bounds of tiles hold all that is seen, and no tile more. */
static void test_pack_bounds(void **state)
{
    (void)state;
    struct device *d = device_host_new();
    struct attention_pack pack = {SEQUENCES, starts, prefix};
    struct device_pack rows;
    device_pack_init(d, &rows, &pack);
    size_t tiles = (N + DEVICE_PACK_ROWS - 1) / DEVICE_PACK_ROWS;
    int32_t low[8], high[8] = {0};
    for (size_t i = 0; i < tiles; i++)
        low[i] = N;
    for (size_t s = 0; s < SEQUENCES; s++)
        for (size_t t = starts[s]; t < starts[s + 1]; t++)
            for (size_t k = starts[prefix[s]]; k <= t; k++) {
                if (k >= starts[prefix[s] + 1] && k < starts[s])
                    continue; /* a sister's row */
                size_t of_query = t / DEVICE_PACK_ROWS, of_key = k / DEVICE_PACK_ROWS;
                low[of_query] = (int32_t)k < low[of_query] ? (int32_t)k : low[of_query];
                high[of_key] = (int32_t)t + 1 > high[of_key] ? (int32_t)t + 1 : high[of_key];
            }
    assert_memory_equal(rows.low, low, tiles * sizeof *low);
    assert_memory_equal(rows.high, high, tiles * sizeof *high);
    device_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hidden_states),
        cmocka_unit_test(test_decoder_and_its_gradient),
        cmocka_unit_test(test_pack_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
