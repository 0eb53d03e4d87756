/* The layout of windows and home spans, at all sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/compress/windows.h"

static struct compress_settings settings_of(size_t window, double ratio, enum align align)
{
    struct compress_settings s = compress_settings_default;
    s.window = window;
    s.ratio = ratio;
    s.align = align;
    return s;
}

/* The home slot of a position by the rule of METHOD section 2, the slow way. */
static size_t home_of(size_t W, size_t K, size_t position)
{
    size_t slot = 0, start = 0;
    for (;;) {
        size_t length = W / K + (slot < W % K ? 1 : 0);
        if (position < start + length)
            return slot;
        start += length;
        slot++;
    }
}

static void check_window(const struct window_plan *w, size_t first)
{
    assert_int_equal(w->first, first);
    assert_true(w->tokens >= 1 && w->slots >= 1);
    assert_true(w->pad + w->tokens <= w->W && w->first_slot + w->slots <= w->K);
    assert_int_equal(w->span[0], 0);
    assert_int_equal(w->span[w->slots], w->tokens);
    for (size_t j = 0; j < w->slots; j++) {
        assert_true(w->span[j] < w->span[j + 1]);
        for (size_t t = w->span[j]; t < w->span[j + 1]; t++)
            assert_int_equal(home_of(w->W, w->K, w->pad + t), w->first_slot + j);
    }
}

static void check_layout(const struct compress_settings *s, size_t T)
{
    struct arena arena = {0};
    struct segment_plan plan;
    windows_layout(s, T, &plan, &arena);
    assert_int_equal(plan.windows, (T + s->window - 1) / s->window);
    size_t first = 0, slots = 0;
    for (size_t i = 0; i < plan.windows; i++) {
        const struct window_plan *w = &plan.window[i];
        bool may_be_partial = s->align == ALIGN_TAIL ? i == 0 : i + 1 == plan.windows;
        assert_true(may_be_partial || w->tokens == s->window);
        assert_true(w->pad == 0 || (i == 0 && s->align == ALIGN_TAIL));
        check_window(w, first);
        first += w->tokens;
        slots += w->slots;
    }
    assert_int_equal(first, T);
    assert_int_equal(slots, plan.slots);
    arena_free(&arena);
}

static void test_every_size(void **state)
{
    (void)state;
    const double ratios[] = {1, 1.5, 2, 3, 4, 7.3, 64};
    for (size_t window = 1; window <= 40; window += window < 10 ? 1 : 7)
        for (size_t r = 0; r < sizeof ratios / sizeof *ratios; r++)
            for (size_t T = 0; T <= 2 * window + 3; T++)
                for (int align = 0; align < 2; align++) {
                    struct compress_settings s =
                        settings_of(window, ratios[r], align ? ALIGN_HEAD : ALIGN_TAIL);
                    check_layout(&s, T);
                }
}

/* Worked out by hand: W 16, K 4, spans of 4; 7 tokens at the end fill positions
 * 9..15: one position of slot 2 is missing, slots 0 and 1 are empty. */
static void test_short_tail(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct segment_plan plan;
    struct compress_settings s = settings_of(16, 4, ALIGN_TAIL);
    windows_layout(&s, 7, &plan, &arena);
    const struct window_plan *w = plan.window;
    assert_int_equal(plan.windows, 1);
    assert_int_equal(w->pad, 9);
    assert_int_equal(w->first_slot, 2);
    assert_int_equal(w->slots, 2);
    assert_int_equal(w->span[1], 3);
    assert_int_equal(w->span[2], 7);
    assert_true(w->capacity == REAL(0.5));
    arena_free(&arena);
}

static void test_uneven_spans(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct segment_plan plan;
    struct compress_settings s = settings_of(10, 3, ALIGN_HEAD);
    windows_layout(&s, 10, &plan, &arena);
    const size_t want[] = {0, 3, 6, 8, 10};
    assert_memory_equal(plan.window[0].span, want, sizeof want);
    arena_free(&arena);
}

static void test_slots_per_window(void **state)
{
    (void)state;
    struct compress_settings s = settings_of(128, 1.5, ALIGN_TAIL);
    assert_int_equal(compress_slots_per_window(&s), 86);
    s = settings_of(128, 4, ALIGN_TAIL);
    assert_int_equal(compress_slots_per_window(&s), 32);
    for (size_t slots = 2; slots <= 128; slots++) {
        s.ratio = 128.0 / (double)slots;
        assert_int_equal(compress_slots_per_window(&s), slots);
    }
}

/* A shuffled window holds every token once, and the same order every time. */
static void test_shuffled_order(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct segment_plan once, again;
    struct compress_settings s = settings_of(32, 4, ALIGN_TAIL);
    s.ablations = ABLATE_ORDER;
    windows_layout(&s, 64, &once, &arena);
    windows_layout(&s, 64, &again, &arena);
    bool seen[32] = {false}, moved = false;
    for (size_t i = 0; i < 32; i++) {
        size_t t = once.window[0].order[i];
        assert_true(t < 32 && !seen[t]);
        seen[t] = true;
        moved = moved || t != i;
    }
    assert_true(moved);
    assert_memory_equal(once.window[0].order, again.window[1].order, 32 * sizeof(size_t));
    arena_free(&arena);
}

static void refuses(struct compress_settings s, const char *message)
{
    struct err err = {0};
    assert_false(compress_settings_check(&s, &err));
    assert_string_equal(err.text, message);
}

static void test_settings_limits(void **state)
{
    (void)state;
    struct err err;
    struct compress_settings s = compress_settings_default;
    assert_true(compress_settings_check(&s, &err));
    s = settings_of(8192, 8192, ALIGN_TAIL); /* one slot for all */
    assert_true(compress_settings_check(&s, &err));
    assert_int_equal(compress_slots_per_window(&s), 1);
    s = compress_settings_default;
    refuses(settings_of(0, 4, ALIGN_TAIL), "window 0 is not in 1..8192");
    refuses(settings_of(128, 0, ALIGN_TAIL), "ratio 0 is not in 1..8192");
    refuses(settings_of(128, (double)NAN, ALIGN_TAIL), "ratio nan is not in 1..8192");
    s.eps = 0;
    refuses(s, "eps 0 is not in 0.0001..10000");
    s = compress_settings_default;
    s.iters = 0;
    refuses(s, "iterations 0 is not in 1..10000");
    s = compress_settings_default;
    s.lambda_floor = -0.5;
    refuses(s, "mass floor -0.5 is not in 0..1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),     cmocka_unit_test(test_short_tail),
        cmocka_unit_test(test_uneven_spans),   cmocka_unit_test(test_slots_per_window),
        cmocka_unit_test(test_shuffled_order), cmocka_unit_test(test_settings_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
