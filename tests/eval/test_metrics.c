/* EM and F1 against values worked out by the definition of SQuAD's evaluation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/eval/metrics.h"

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void texts_are_normalised(void **state)
{
    (void)state;
    static const struct {
        const char *text, *normal;
    } table[] = {
        {"The  Cat, sat!", "cat sat"},
        {"an apple a day", "apple day"},
        {"theatre", "theatre"},
        {"U.S.A.", "usa"},
        {"\tÉCOLE \n", "école"},
        {"the a an", ""},
        {"", ""},
        {"don't", "dont"},
        {"a\u00a0b", "b"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *normal = metrics_normalize(table[i].text, strlen(table[i].text));
        assert_string_equal(normal, table[i].normal);
        free(normal);
    }
}

static void scores_follow_the_definition(void **state)
{
    (void)state;
    static const struct {
        const char *prediction, *gold;
        double exact, f1;
    } table[] = {
        {"coal dust", "coal dust", 1, 1},
        {"The coal dust.", "coal dust", 1, 1},
        {"briquettes of coal dust", "briquettes of pressed coal dust", 0, 2 * 0.8 / 1.8},
        {"coal coal", "coal", 0, 2 * 0.5 / 1.5},
        {"peat", "coal", 0, 0},
        {"", "coal", 0, 0},
        {"the", "a", 1, 0}, /* both empty after normalising: as the script of version 1.1 */
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct metrics_score s = metrics_compare(table[i].prediction, table[i].gold);
        assert_true(near(s.exact, table[i].exact));
        assert_true(near(s.f1, table[i].f1));
    }
}

static void the_best_gold_answer_counts(void **state)
{
    (void)state;
    static const char *const gold[] = {"pressed coal", "coal dust", "dust"};
    struct metrics_score s = metrics_best("coal dust", gold, 3);
    assert_true(near(s.exact, 1));
    assert_true(near(s.f1, 1));
}

static void answers_end_at_full_stop_or_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *answer;
    } table[] = {
        {" coal dust. And more", "coal dust"},
        {" peat\nQuestion", "peat"},
        {"  42  ", "42"},
        {".", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t start, n = metrics_answer_span(table[i].text, strlen(table[i].text), &start);
        assert_int_equal(n, strlen(table[i].answer));
        assert_memory_equal(table[i].text + start, table[i].answer, n);
    }
}

static void neighbours_in_a_pass_are_far_apart(void **state)
{
    (void)state;
    for (size_t n = 1; n < 60; n++) {
        bool seen[60] = {false};
        for (size_t k = 0; k < n; k++) {
            size_t at = metrics_apart(k, n), next = metrics_apart((k + 1) % n, n);
            assert_true(at < n && !seen[at]);
            seen[at] = true;
            if (k + 1 < n)
                assert_true(2 * (at > next ? at - next : next - at) + 2 >= n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_normalised),
        cmocka_unit_test(scores_follow_the_definition),
        cmocka_unit_test(the_best_gold_answer_counts),
        cmocka_unit_test(neighbours_in_a_pass_are_far_apart),
        cmocka_unit_test(answers_end_at_full_stop_or_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
