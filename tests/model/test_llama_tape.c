/* The training pass: equal to inference, blind across packed sequences, and its
 * gradient against central differences in the double build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>


#include "engine/base/team.h"
#include "engine/model/llama.h"
#include "tests/support/gradcheck.h"
#include "tests/support/tiny_llama.h"

enum { N = 90, SEQUENCES = 3, LABELS = 140 }; /* more labels than a panel has rows */
static const size_t starts[SEQUENCES + 1] = {0, 9, 10, N};

/* loss = scale * sum of cross-entropies of some rows */
struct problem {
    struct tiny_llama tiny;
    struct llama_batch batch;
    real *embeddings;
    int32_t positions[N], labels[LABELS];
    size_t rows[LABELS];
    double scale;
    real *teacher; /* [LABELS, H], or NULL: no distillation */
};

enum { TEACHER_WEIGHT_PERCENT = 70 };

static void problem_init(struct problem *p, const struct tiny_llama_options *options)
{
    struct rng rng;
    rng_seed(&rng, 12);
    *p = (struct problem){0};
    tiny_llama_init(&p->tiny, options, 8);
    p->embeddings = random_reals(&rng, N * options->config.hidden, 0.7);
    p->batch = (struct llama_batch){
        N, {SEQUENCES, starts, NULL}, p->embeddings, p->positions, 0, NULL};
    for (size_t s = 0; s < SEQUENCES; s++)
        for (size_t i = starts[s]; i < starts[s + 1]; i++)
            p->positions[i] = (int32_t)(i - starts[s] + (i - starts[s] > 4 ? 3 : 0)); /* a gap */
    for (size_t i = 0; i < LABELS; i++) {
        p->rows[i] = (i * 13) % N;
        p->labels[i] = (int32_t)rng_below(&rng, options->config.vocab);
    }
    p->rows[1] = p->rows[0]; /* a row may predict twice */
    p->scale = 1.0 / LABELS;
}

static void problem_free(struct problem *p)
{
    free(p->embeddings);
    free(p->teacher);
    tiny_llama_free(&p->tiny);
}

static double loss(void *context)
{
    struct problem *p = context;
    struct arena arena = {0};
    struct llama_tape tape;
    struct err err = {0};
    assert_true(llama_tape_forward(&p->tiny.model, &p->batch, &tape, &arena, NULL, &err));
    struct llama_teacher teacher = {.final = p->teacher, .weight = TEACHER_WEIGHT_PERCENT / 100.0};
    double sum = llama_cross_entropy(&p->tiny.model, tape.final, p->rows, p->labels, LABELS, 0,
                                     NULL, NULL, p->teacher ? &teacher : NULL, &arena);
    arena_free(&arena);
    return p->scale * (sum + teacher.weight * teacher.kl_sum);
}

/* d loss / d embeddings, to be freed. */
static real *gradient(struct problem *p)
{
    size_t count = N * p->tiny.model.config.hidden;
    struct arena arena = {0};
    struct llama_tape tape;
    struct err err = {0};
    real *dx = calloc(count, sizeof *dx);
    assert_true(llama_tape_forward(&p->tiny.model, &p->batch, &tape, &arena, NULL, &err));
    real *dfinal = arena_array(&arena, real, count);
    struct llama_teacher teacher = {.final = p->teacher, .weight = TEACHER_WEIGHT_PERCENT / 100.0};
    llama_cross_entropy(&p->tiny.model, tape.final, p->rows, p->labels, LABELS, p->scale, NULL,
                        dfinal, p->teacher ? &teacher : NULL, &arena);
    size_t bytes = arena.bytes;
    assert_true(llama_tape_backward(&p->tiny.model, &tape, dfinal, dx, &arena, NULL, &err));
    assert_int_equal(arena.bytes, bytes); /* scratch is given back */
    arena_free(&arena);
    return dx;
}

static void test_equals_inference(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, &tiny_llama_default);
    size_t H = p.tiny.model.config.hidden, M = p.tiny.model.config.layers + 1;
    struct arena arena = {0};
    struct llama_tape tape;
    struct err err = {0};
    assert_true(llama_tape_forward(&p.tiny.model, &p.batch, &tape, &arena, NULL, &err));
    for (size_t s = 0; s < SEQUENCES; s++) {
        size_t first = starts[s], n = starts[s + 1] - first;
        real *hidden = calloc(M * n * H, sizeof *hidden);
        struct llama_input input = {n, NULL, p.embeddings + first * H, p.positions + first};
        struct llama_output output = {.hidden = hidden};
        assert_true(llama_forward(&p.tiny.model, NULL, LLAMA_ALL, &input, &output, NULL, &err));
        for (size_t i = 0; i < n * H; i++) {
            double want = (double)hidden[(M - 1) * n * H + i];
            double got = (double)tape.final[first * H + i];
            assert_true(fabs(got - want) <= (sizeof(real) == 4 ? 2e-5 : 1e-12));
        }
        free(hidden);
    }
    arena_free(&arena);
    problem_free(&p);
}

/* Gradients are added to; a sequence without labels has none. */
static void test_gradient_accumulates_and_stays_inside(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, &tiny_llama_default);
    size_t H = p.tiny.model.config.hidden;
    for (size_t i = 0; i < LABELS; i++)
        p.rows[i] = 10 + i % 70; /* the third sequence */
    real *dx = gradient(&p);
    for (size_t i = 0; i < 10 * H; i++)
        assert_true(dx[i] == 0);
    for (size_t i = 10 * H; i < 80 * H; i++)
        assert_true(dx[i] != 0);
    for (size_t i = 80 * H; i < N * H; i++)
        assert_true(dx[i] == 0); /* behind the last label */
    free(dx);
    problem_free(&p);
}

/* Activations that were kept give the gradient that computing them again gives, bit
 * for bit, whether all, some or no blocks fit; their size is as announced. */
static void test_kept_activations_change_nothing(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, &tiny_llama_default);
    const struct llama_config *config = &p.tiny.model.config;
    size_t all = llama_tape_kept_bytes(config, N, SIZE_MAX);
    assert_int_equal(all, 3 * N * (40 + 2 * 20 + 24 + 2 * 32) * sizeof(real));
    assert_int_equal(llama_tape_kept_bytes(config, N, all / 2), all / 3);
    assert_int_equal(llama_tape_kept_bytes(config, N, all / 3 - 1), 0);
    assert_int_equal(llama_tape_kept_bytes(config, 0, all), 0);
    real *again = gradient(&p);
    const size_t limits[3] = {all / 3, all - 1, SIZE_MAX};
    for (size_t i = 0; i < 3; i++) {
        p.batch.keep_bytes = limits[i];
        real *kept = gradient(&p);
        assert_memory_equal(kept, again, N * config->hidden * sizeof *kept);
        free(kept);
    }
    free(again);
    problem_free(&p);
}

/* The first rows of the third sequence, the only one of the second, and every other of the rest. */
static bool is_wanted(size_t row)
{
    return row == starts[1] || (row > starts[2] && (row < starts[2] + 5 || row % 2));
}

/* Only these rows predict. */
static void narrow(struct problem *p, bool wanted[N])
{
    size_t rows[N], count = 0;
    for (size_t i = 0; i < N; i++) {
        wanted[i] = is_wanted(i);
        if (wanted[i])
            rows[count++] = i;
    }
    for (size_t i = 0; i < LABELS; i++)
        p->rows[i] = rows[i * 7 % count];
}

static void assert_near(const real *got, const real *want, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)got[i] - (double)want[i]) <= (sizeof(real) == 4 ? 2e-5 : 1e-12));
}

/* With wanted rows alone these and the gradient are the same, other rows zeros. */
static void test_wanted_rows_alone(void **state)
{
    (void)state;
    struct problem p;
    bool wanted[N];
    struct arena arena = {0};
    struct err err = {0};
    struct llama_tape all, some;
    problem_init(&p, &tiny_llama_default);
    narrow(&p, wanted);
    size_t H = p.tiny.model.config.hidden;
    assert_true(llama_tape_forward(&p.tiny.model, &p.batch, &all, &arena, NULL, &err));
    real *zeros = calloc(H, sizeof *zeros), *dx_all = gradient(&p);
    p.batch.wanted = wanted;
    assert_true(llama_tape_forward(&p.tiny.model, &p.batch, &some, &arena, NULL, &err));
    for (size_t i = 0; i < N; i++)
        assert_near(some.final + i * H, wanted[i] ? all.final + i * H : zeros, H);
    for (size_t kept = 0; kept < 2; kept++) {
        p.batch.keep_bytes = kept * SIZE_MAX;
        real *dx = gradient(&p);
        assert_near(dx, dx_all, N * H);
        free(dx);
    }
    free(zeros);
    free(dx_all);
    arena_free(&arena);
    problem_free(&p);
}

static void check_gradient(const struct tiny_llama_options *options)
{
    struct problem p;
    bool wanted[N];
    problem_init(&p, options);
    for (size_t narrowed = 0; narrowed < 2; narrowed++) {
        real *dx = gradient(&p);
        gradcheck("d loss / d embeddings", loss, &p, p.embeddings, dx, N * options->config.hidden);
        free(dx);
        narrow(&p, wanted);
        p.batch.wanted = wanted;
    }
    problem_free(&p);
}

static void test_gradient(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    struct tiny_llama_options options = tiny_llama_default;
    check_gradient(&options);
    options.biases = false;
    options.config.tied_embeddings = true;
    options.config.rope_interleaved = true;
    options.config.rope_scaling = ROPE_SCALING_LINEAR;
    options.config.rope_factor = 2;
    check_gradient(&options);
    options.config.kv_heads = 1;
    options.config.layers = 1;
    options.config.head_dim = 6;
    check_gradient(&options);
}

static void test_distillation_gradient(void **state)
{
    (void)state;
    if (!gradcheck_possible())
        skip();
    struct problem p;
    struct rng rng;
    rng_seed(&rng, 21);
    problem_init(&p, &tiny_llama_default);
    p.teacher = random_reals(&rng, LABELS * p.tiny.model.config.hidden, 1);
    real *dx = gradient(&p);
    gradcheck("d (loss + KL) / d embeddings", loss, &p, p.embeddings, dx,
              N * p.tiny.model.config.hidden);
    free(dx);
    problem_free(&p);
}

/* A teacher that says what the model says costs nothing. */
static void test_distillation_of_itself_is_zero(void **state)
{
    (void)state;
    struct problem p;
    struct rng rng;
    struct arena arena = {0};
    rng_seed(&rng, 22);
    problem_init(&p, &tiny_llama_default);
    size_t H = p.tiny.model.config.hidden;
    real *final = random_reals(&rng, N * H, 1), *same = calloc(LABELS * H, sizeof *same);
    for (size_t i = 0; i < LABELS; i++)
        memcpy(same + i * H, final + p.rows[i] * H, H * sizeof *same);
    struct llama_teacher teacher = {.final = same, .weight = 1, .kl_sum = 7};
    llama_cross_entropy(&p.tiny.model, final, p.rows, p.labels, LABELS, 1, NULL, NULL, &teacher,
                        &arena);
    assert_true(fabs(teacher.kl_sum) <= 1e-5);
    free(final);
    free(same);
    arena_free(&arena);
    problem_free(&p);
}

/* Labels in panels: the sum, the values and the gradient rows. */
static void test_cross_entropy_values(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, &tiny_llama_default);
    size_t V = p.tiny.model.config.vocab, H = p.tiny.model.config.hidden;
    struct arena arena = {0};
    struct rng rng;
    rng_seed(&rng, 3);
    real *final = random_reals(&rng, N * H, 1), nll[LABELS], *logits = calloc(V, sizeof *logits);
    double sum = llama_cross_entropy(&p.tiny.model, final, p.rows, p.labels, LABELS, 1, nll, NULL,
                                     NULL, &arena);
    assert_int_equal(arena.bytes, 0);
    double total = 0;
    for (size_t i = 0; i < LABELS; i++) {
        weight_forward(logits, final + p.rows[i] * H, &p.tiny.model.weights.output, NULL, 1);
        double z = 0;
        for (size_t j = 0; j < V; j++)
            z += exp((double)logits[j] - (double)logits[p.labels[i]]);
        assert_true(fabs((double)nll[i] - log(z)) <= 1e-5);
        total += (double)nll[i];
    }
    assert_true(fabs(sum - total) <= 1e-9 * total);
    free(final);
    free(logits);
    arena_free(&arena);
    problem_free(&p);
}

static bool stop_at_two(void *context, const char *stage, size_t done, size_t total)
{
    (void)stage;
    (void)total;
    *(size_t *)context = done;
    return done != 2;
}

static void test_cancelling(void **state)
{
    (void)state;
    struct problem p;
    problem_init(&p, &tiny_llama_default);
    size_t H = p.tiny.model.config.hidden, done = 0;
    struct arena arena = {0};
    struct llama_tape tape;
    struct err err = {0};
    struct progress progress = {stop_at_two, &done};
    assert_false(llama_tape_forward(&p.tiny.model, &p.batch, &tape, &arena, &progress, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_int_equal(done, 2);
    assert_true(llama_tape_forward(&p.tiny.model, &p.batch, &tape, &arena, NULL, &err));
    real *dfinal = arena_array(&arena, real, N * H), *dx = arena_array(&arena, real, N * H);
    dfinal[0] = 1;
    assert_false(llama_tape_backward(&p.tiny.model, &tape, dfinal, dx, &arena, &progress, &err));
    for (size_t i = 0; i < N * H; i++)
        assert_true(dx[i] == 0);
    arena_free(&arena);
    problem_free(&p);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    struct tiny_llama_options options = tiny_llama_default;
    options.config.hidden = 64;
    options.config.ffn = 200;
    options.config.vocab = 3000;
    struct problem p;
    problem_init(&p, &options);
    size_t threads = team_threads();
    team_set_threads(1);
    double one = loss(&p);
    real *dx = gradient(&p);
    for (size_t t = 2; t <= 3; t++) {
        team_set_threads(t);
        assert_true(loss(&p) == one);
        real *other = gradient(&p);
        assert_memory_equal(other, dx, N * options.config.hidden * sizeof *dx);
        free(other);
    }
    team_set_threads(threads);
    free(dx);
    problem_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_inference),
        cmocka_unit_test(test_gradient_accumulates_and_stays_inside),
        cmocka_unit_test(test_kept_activations_change_nothing),
        cmocka_unit_test(test_wanted_rows_alone),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_distillation_gradient),
        cmocka_unit_test(test_distillation_of_itself_is_zero),
        cmocka_unit_test(test_cross_entropy_values),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test(test_same_bits_for_any_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
