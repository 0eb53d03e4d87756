/* The forward pass on small random models: the cache, the taps, refusals and
 * cancellation. That its numbers are right is shown by test_llama_golden.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>


#include "engine/base/team.h"
#include "engine/model/llama.h"
#include "engine/ops/norm.h"
#include "tests/support/tiny_llama.h"

enum { N = 21, VOCAB = 50, H = 24, M = 4 };
static const double tight = sizeof(real) == 4 ? 2e-5 : 1e-12;

static int32_t ids[N];

static int make_ids(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++)
        ids[i] = (i * i * 7 + 3) % VOCAB;
    return 0;
}

static void near(const real *got, const real *want, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tight))
            fail_msg("element %zu: %g, expected %g", i, (double)got[i], (double)want[i]);
}

static void forward(struct tiny_llama *tiny, struct kv_cache *cache, size_t blocks,
                    struct llama_input input, struct llama_output output)
{
    struct err err = {0};
    blocks = blocks ? blocks : LLAMA_ALL;
    if (!llama_forward(&tiny->model, cache, blocks, &input, &output, NULL, &err))
        fail_msg("%s", err.text);
}

static struct kv_cache cache_for(const struct tiny_llama *tiny, size_t capacity)
{
    struct kv_cache cache;
    struct err err = {0};
    assert_true(kv_cache_init(&cache, &tiny->model, capacity, &err));
    return cache;
}

/* Token by token, in pieces, and all at once. */
static void test_cache_gives_the_same_logits(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 1);
    static const size_t pieces[3][N + 1] = {{N}, {5, 1, 1, 10, 4}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                                   1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
    real whole[N * VOCAB], got[N * VOCAB];
    forward(&tiny, NULL, 0, (struct llama_input){.n = N, .ids = ids},
            (struct llama_output){.logits = whole});
    for (size_t way = 0; way < 3; way++) {
        struct kv_cache cache = cache_for(&tiny, N);
        for (size_t i = 0; cache.used < N; i++) {
            size_t first = cache.used;
            forward(&tiny, &cache, 0, (struct llama_input){.n = pieces[way][i], .ids = ids + first},
                    (struct llama_output){.logits = got + first * VOCAB});
        }
        near(got, whole, N * VOCAB);
        for (int i = 0; i < N; i++)
            assert_int_equal(cache.positions[i], i);
        kv_cache_free(&cache);
    }
    tiny_llama_free(&tiny);
}

/* token_bytes: what the cache has of a token. */
static void check_rewind(enum precision precision, size_t token_bytes)
{
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 1);
    tiny.model.precision = precision; /* of the cache; the weights stay F32 */
    struct kv_cache cache = cache_for(&tiny, N);
    real once[VOCAB], again[VOCAB];
    forward(&tiny, &cache, 0, (struct llama_input){.n = 10, .ids = ids}, (struct llama_output){0});
    forward(&tiny, &cache, 0, (struct llama_input){.n = 1, .ids = ids + 10},
            (struct llama_output){.logits = once});
    forward(&tiny, &cache, 0, (struct llama_input){.n = 5, .ids = ids}, (struct llama_output){0});
    kv_cache_truncate(&cache, 10);
    kv_cache_truncate(&cache, 12); /* cannot grow */
    assert_int_equal(cache.used, 10);
    forward(&tiny, &cache, 0, (struct llama_input){.n = 1, .ids = ids + 10},
            (struct llama_output){.logits = again});
    assert_memory_equal(once, again, sizeof once);
    assert_int_equal(kv_cache_bytes(&tiny.model, 3), 3 * token_bytes);
    kv_cache_free(&cache);
    tiny_llama_free(&tiny);
}

static void test_rewind_to_a_prefix(void **state)
{
    (void)state;
    check_rewind(PRECISION_F32, 3 * 2 * 20 * sizeof(real));
    check_rewind(PRECISION_Q16, 3 * 2 * 20 * sizeof(real));
    check_rewind(PRECISION_MIXED, 3 * 2 * 20 * sizeof(uint16_t));
}

/* Keys and values in 16 bits move the logits by no more than their rounding, however the tokens
 * come. */
static void test_rounded_cache(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 1);
    real want[N * VOCAB], whole[N * VOCAB], got[N * VOCAB], most = 0;
    const struct llama_input all = {.n = N, .ids = ids};
    forward(&tiny, NULL, 0, all, (struct llama_output){.logits = want});
    tiny.model.precision = PRECISION_BF16;
    forward(&tiny, NULL, 0, all, (struct llama_output){.logits = whole});
    struct kv_cache cache = cache_for(&tiny, N);
    for (size_t i = 0; i < N; i++)
        forward(&tiny, &cache, 0, (struct llama_input){.n = 1, .ids = ids + i},
                (struct llama_output){.logits = got + i * VOCAB});
    near(got, whole, N * VOCAB);
    for (size_t i = 0; i < N * VOCAB; i++)
        most = real_fmax(most, real_fabs(want[i]));
    for (size_t i = 0; i < N * VOCAB; i++)
        assert_true(real_fabs(whole[i] - want[i]) <= most / 64);
    assert_memory_not_equal(whole, want, sizeof want);
    kv_cache_free(&cache);
    tiny_llama_free(&tiny);
}

static void test_embeddings_are_what_ids_stand_for(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 1);
    real rows[N * H], by_ids[VOCAB], by_rows[VOCAB];
    struct err err = {0};
    assert_true(llama_embed(&tiny.model, ids, N, rows, &err));
    forward(&tiny, NULL, 0, (struct llama_input){.n = N, .ids = ids},
            (struct llama_output){.logits = by_ids, .first_logit = N - 1});
    forward(&tiny, NULL, 0, (struct llama_input){.n = N, .embeddings = rows},
            (struct llama_output){.logits = by_rows, .first_logit = N - 1});
    assert_memory_equal(by_ids, by_rows, sizeof by_ids);
    tiny_llama_free(&tiny);
}

/* Logits come from the last tap; the first is the embedding; with fewer blocks the
 * taps in between are those of the whole model and the last is after the norm. */
static void test_taps(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 2);
    enum { STRIDE = N + 4 };
    real *all = calloc(M * STRIDE * H, sizeof *all), *two = calloc(3 * N * H, sizeof *two);
    real rows[N * H], logits[N * VOCAB], via_tap[N * VOCAB];
    struct err err = {0};
    for (size_t i = 0; i < M * STRIDE * H; i++)
        all[i] = -77;
    forward(&tiny, NULL, 0, (struct llama_input){.n = N, .ids = ids},
            (struct llama_output){.hidden = all, .hidden_stride = STRIDE, .logits = logits});
    assert_true(llama_embed(&tiny.model, ids, N, rows, &err));
    assert_memory_equal(all, rows, sizeof rows);
    weight_forward(via_tap, all + 3 * STRIDE * H, &tiny.model.weights.output, NULL, N);
    assert_memory_equal(logits, via_tap, sizeof logits);
    for (size_t l = 0; l < M; l++)
        for (size_t i = N * H; i < STRIDE * H; i++)
            assert_true(all[l * STRIDE * H + i] == -77);

    forward(&tiny, NULL, 2, (struct llama_input){.n = N, .ids = ids},
            (struct llama_output){.hidden = two});
    assert_memory_equal(two + N * H, all + STRIDE * H, N * H * sizeof *two);
    real norm = 0, want[H];
    const real *third = all + 2 * STRIDE * H; /* block 2 in the whole model: before the norm */
    for (size_t i = 0; i < H; i++)
        norm += third[i] * third[i];
    for (size_t i = 0; i < H; i++)
        want[i] = tiny.model.weights.output_norm[i] * third[i] /
                  real_sqrt(norm / H + (real)tiny.model.config.rms_eps);
    near(two + 2 * N * H, want, H);
    free(all);
    free(two);
    tiny_llama_free(&tiny);
}

/* A compressor may read the embedding alone. */
static void test_no_block(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 2);
    real hidden[2 * N * H], attention[N * N], want[N * H];
    struct llama_input input = {.n = N, .ids = ids};
    struct llama_output output = {.hidden = hidden, .attention = attention};
    struct err err = {0};
    for (size_t i = 0; i < 2 * N * H; i++)
        hidden[i] = -77;
    assert_true(llama_forward(&tiny.model, NULL, 0, &input, &output, NULL, &err));
    assert_true(llama_embed(&tiny.model, ids, N, want, &err));
    rmsnorm_forward(want, NULL, want, tiny.model.weights.output_norm,
                    (real)tiny.model.config.rms_eps, N, H);
    assert_memory_equal(hidden, want, sizeof want);
    for (size_t i = N * H; i < 2 * N * H; i++)
        assert_true(hidden[i] == -77);
    for (size_t i = 0; i < N * N; i++)
        assert_true(attention[i] == 0);
    tiny_llama_free(&tiny);
}

/* Only distances matter to a rotary model: a shift of all positions changes nothing,
 * a gap does. */
static void test_positions(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 3);
    int32_t plain[N], shifted[N], gap[N];
    real a[VOCAB], b[VOCAB], c[VOCAB], d[VOCAB];
    for (int i = 0; i < N; i++) {
        plain[i] = i;
        shifted[i] = i + 40;
        gap[i] = i < 10 ? i : i + 5;
    }
    struct llama_input input = {.n = N, .ids = ids};
    forward(&tiny, NULL, 0, input, (struct llama_output){.logits = a, .first_logit = N - 1});
    input.positions = plain;
    forward(&tiny, NULL, 0, input, (struct llama_output){.logits = b, .first_logit = N - 1});
    input.positions = shifted;
    forward(&tiny, NULL, 0, input, (struct llama_output){.logits = c, .first_logit = N - 1});
    input.positions = gap;
    forward(&tiny, NULL, 0, input, (struct llama_output){.logits = d, .first_logit = N - 1});
    assert_memory_equal(a, b, sizeof a);
    near(c, a, VOCAB);
    double moved = 0;
    for (size_t i = 0; i < VOCAB; i++)
        moved = fmax(moved, fabs((double)d[i] - (double)a[i]));
    assert_true(moved > 1e-2);
    tiny_llama_free(&tiny);
}

/* Rows of the mean attention sum to 1 over the past and are 0 over the future. */
static void test_mean_attention(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 4);
    struct kv_cache cache = cache_for(&tiny, N);
    forward(&tiny, &cache, 0, (struct llama_input){.n = 9, .ids = ids}, (struct llama_output){0});
    real attention[(N - 9) * N];
    forward(&tiny, &cache, 0, (struct llama_input){.n = N - 9, .ids = ids + 9},
            (struct llama_output){.attention = attention});
    for (size_t i = 0; i < N - 9; i++) {
        double sum = 0;
        for (size_t j = 0; j < N; j++) {
            assert_true(j <= 9 + i ? attention[i * N + j] > 0 : attention[i * N + j] == 0);
            sum += (double)attention[i * N + j];
        }
        assert_true(fabs(sum - 1) <= 1e-5);
    }
    kv_cache_free(&cache);
    tiny_llama_free(&tiny);
}

static void refused(struct tiny_llama *tiny, struct kv_cache *cache, struct llama_input input,
                    const char *text)
{
    struct err err = {0};
    struct llama_output output = {0};
    assert_false(llama_forward(&tiny->model, cache, LLAMA_ALL, &input, &output, NULL, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_string_equal(err.text, text);
}

static void test_refusals(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 5);
    struct kv_cache cache = cache_for(&tiny, 8);
    const int32_t high[2] = {3, 50}, low[2] = {-1, 3}, positions[2] = {0, -1};
    refused(&tiny, &cache, (struct llama_input){.n = 2, .ids = high},
            "token id 50 at place 1 is outside the vocabulary of 50");
    refused(&tiny, &cache, (struct llama_input){.n = 2, .ids = low},
            "token id -1 at place 0 is outside the vocabulary of 50");
    refused(&tiny, &cache, (struct llama_input){.n = 2, .ids = ids, .positions = positions},
            "position -1 of token 1 is negative");
    forward(&tiny, &cache, 0, (struct llama_input){.n = 6, .ids = ids}, (struct llama_output){0});
    refused(&tiny, &cache, (struct llama_input){.n = 3, .ids = ids},
            "3 tokens after 6 do not fit a context of 8");
    assert_int_equal(cache.used, 6);
    struct err err = {0};
    real row[H];
    assert_false(llama_embed(&tiny.model, high, 2, row, &err));
    assert_int_equal(err.code, ERR_INPUT);
    struct kv_cache huge;
    assert_false(kv_cache_init(&huge, &tiny.model, SIZE_MAX / 16, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    kv_cache_free(&cache);
    tiny_llama_free(&tiny);
}

struct stopper {
    size_t calls, stop_at;
};

static bool tick(void *context, const char *stage, size_t done, size_t total)
{
    struct stopper *s = context;
    assert_string_equal(stage, "layers");
    assert_int_equal(total, 3);
    assert_int_equal(done, ++s->calls);
    return s->calls != s->stop_at;
}

static void test_cancelling_leaves_the_cache(void **state)
{
    (void)state;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &tiny_llama_default, 6);
    struct kv_cache cache = cache_for(&tiny, N), other = cache_for(&tiny, N);
    struct llama_input first = {.n = 5, .ids = ids}, second = {.n = 6, .ids = ids + 5};
    struct llama_input third = {.n = 4, .ids = ids};
    struct llama_output none = {0};
    real got[4 * VOCAB], want[4 * VOCAB];
    struct err err = {0};
    forward(&tiny, &cache, 0, first, none);
    forward(&tiny, &other, 0, first, none);
    for (size_t stop = 1; stop <= 3; stop++) {
        struct stopper stopper = {0, stop};
        struct progress progress = {tick, &stopper};
        assert_false(llama_forward(&tiny.model, &cache, LLAMA_ALL, &second, &none, &progress,
                                   &err));
        assert_int_equal(err.code, ERR_CANCELLED);
        assert_int_equal(stopper.calls, stop);
        assert_int_equal(cache.used, 5);
    }
    forward(&tiny, &cache, 0, third, (struct llama_output){.logits = got});
    forward(&tiny, &other, 0, third, (struct llama_output){.logits = want});
    assert_memory_equal(got, want, sizeof got);
    kv_cache_free(&cache);
    kv_cache_free(&other);
    tiny_llama_free(&tiny);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    struct tiny_llama_options options = tiny_llama_default;
    options.config.hidden = 192;
    options.config.ffn = 700;
    options.config.head_dim = 64;
    struct tiny_llama tiny;
    tiny_llama_init(&tiny, &options, 7);
    enum { TOKENS = 150 };
    int32_t many[TOKENS];
    for (int i = 0; i < TOKENS; i++)
        many[i] = (i * 11 + i * i) % VOCAB;
    real *logits[4];
    size_t threads = team_threads();
    for (size_t t = 0; t < 4; t++) {
        team_set_threads(t + 1);
        logits[t] = calloc((TOKENS + 1) * VOCAB, sizeof(real));
        struct kv_cache cache = cache_for(&tiny, TOKENS + 1);
        forward(&tiny, &cache, 0, (struct llama_input){.n = TOKENS, .ids = many},
                (struct llama_output){.logits = logits[t]});
        forward(&tiny, &cache, 0, (struct llama_input){.n = 1, .ids = many},
                (struct llama_output){.logits = logits[t] + TOKENS * VOCAB});
        kv_cache_free(&cache);
    }
    team_set_threads(threads);
    for (size_t t = 1; t < 4; t++)
        assert_memory_equal(logits[t], logits[0], (TOKENS + 1) * VOCAB * sizeof(real));
    for (size_t t = 0; t < 4; t++)
        free(logits[t]);
    tiny_llama_free(&tiny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache_gives_the_same_logits),
        cmocka_unit_test(test_rewind_to_a_prefix),
        cmocka_unit_test(test_rounded_cache),
        cmocka_unit_test(test_embeddings_are_what_ids_stand_for),
        cmocka_unit_test(test_taps),
        cmocka_unit_test(test_no_block),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_mean_attention),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_cancelling_leaves_the_cache),
        cmocka_unit_test(test_same_bits_for_any_threads),
    };
    return cmocka_run_group_tests(tests, make_ids, NULL);
}
