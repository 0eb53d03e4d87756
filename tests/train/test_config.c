/* Settings of a run: what is no setting, no value, or fits no other value, is said with what
 * would do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/train/config.h"
#include "tests/support/temporary.h"

/* Lines of a settings file, or NULL behind the last; what the refusal says. */
struct row {
    const char *lines, *expected;
};

static const struct row lines_refused[] = {
    {"steps\n", "settings:1: expected key = value"},
    {"# a comment\n\n stpes = 3\n", "settings:3: unknown training setting \"stpes\""},
    {"steps = three\n", "steps: \"three\" is not a whole number"},
    {"steps = -1\n", "steps: \"-1\" is not a"},
    {"steps = 1.5\n", "steps: \"1.5\" is not a"},
    {"steps = 1e16\n", "steps: \"1e16\" is not a"},
    {"lr = 1e-4x\n", "lr: \"1e-4x\" is not a"},
    {"lr = nan\n", "lr: \"nan\" is not a"},
    {"lr =\n", "lr: \"\" is not a"},
};

static const struct row values_refused[] = {
    {"phase = sleep", "phase: \"sleep\" is none of"},
    {"optimizer = sgd", "optimizer: \"sgd\" is none of"},
    {"schedule = never", "schedule: \"never\" is none of"},
    {"align = middle", "align: \"middle\" is none of"},
    {"accumulate = max", "accumulate: \"max\" is none of"},
    {"positions = none", "positions: \"none\" is none of"},
    {"frozen_precision = q1", "frozen_precision: \"q1\" is none of"},
    {"blocks = 512", "blocks: \"512\" is not like 128+64,512+128"},
    {"blocks = 512+", "blocks: \"512+\" is not like"},
    {"blocks = 0+64", "blocks: \"0+64\" is not like"},
    {"blocks = 64+0", "blocks: \"64+0\" is not like"},
    {"blocks = 64+8;32+8", "blocks: \"64+8;32+8\" is not like"},
    {"blocks = 9999999+8", "blocks: \"9999999+8\" is not like"},
    {"ratio_schedule = 4", "ratio_schedule: \"4\" is not like 0:1.5,400:4"},
    {"ratio_schedule = 0:x", "ratio_schedule: \"0:x\" is not like"},
    {"ratio_schedule = 0:1;9:2", "ratio_schedule: \"0:1;9:2\" is not like"},
    {"eps_schedule = often", "eps_schedule: \"often\" is not like 0:0.1"},
    {"steps = 0", "steps, batch and micro_batch must be at least 1"},
    {"batch = 0", "must be at least 1"},
    {"micro_batch = 0", "must be at least 1"},
    {"batch = 10\nmicro_batch = 4", "batch (10) a multiple of micro_batch (4)"},
    {"phase = prompt", "mix_ntp 1 and mix_reconstruct 0 must be 0"},
    {"phase = prompt\nmix_ntp = 0\nmix_reconstruct = 0.5", "mix_reconstruct 0.5 must be 0"},
    {"warm_spread = 1", "warm_spread: 1 is not a share"},
    {"warm_spread = -0.1", "warm_spread: -0.1 is not a share"},
    {"average = 1", "average: 1 is not a share"},
    {"average = -1", "average: -1 is not a share"},
    {"window = 0", "window"},
    {"eps_schedule = 0:0.1,5:0", "eps"},
};

static bool read_lines(struct train_config *config, const char *lines, struct err *err)
{
    char *folder = temporary_directory();
    char *path = temporary_file(folder, "settings", lines, strlen(lines));
    train_config_defaults(config);
    bool ok = train_config_read(config, path, err);
    free(path);
    temporary_remove(folder);
    return ok;
}

static void refused(const struct row *row, bool once_read)
{
    struct train_config config;
    struct err err = {0};
    if (read_lines(&config, row->lines, &err) != once_read)
        fail_msg("\"%s\": %s", row->lines, err.text);
    if ((once_read && (train_config_check(&config, &err) || err.code != ERR_USAGE)) ||
        !strstr(err.text, row->expected))
        fail_msg("\"%s\": \"%s\" does not say \"%s\"", row->lines, err.text, row->expected);
}

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines_refused / sizeof *lines_refused; i++)
        refused(&lines_refused[i], false);
    struct train_config config;
    char text[CONFIG_TEXT_MAX + 1];
    struct err err = {0};
    memset(text, 'x', CONFIG_TEXT_MAX);
    text[CONFIG_TEXT_MAX] = '\0';
    assert_false(train_config_set(&config, "init", text, &err));
    assert_non_null(strstr(err.text, "init: value longer than"));
    assert_true(train_config_set(&config, "init", text + 1, &err));
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values_refused / sizeof *values_refused; i++)
        refused(&values_refused[i], true);
}

/* What is printed reads back to the same, blanks and comments or not. */
static void test_printed_form(void **state)
{
    (void)state;
    struct train_config before, after;
    struct err err = {0};
    assert_true(read_lines(&before, "\t lr\t=  0.1234567890123 \r\nblocks= 64+8,128+16# both\n"
                                    "ratio_schedule = 0:1.5,400:4\n", &err));
    assert_true(train_config_check(&before, &err));
    char *text = train_config_print(&before);
    assert_true(read_lines(&after, text, &err));
    char *again = train_config_print(&after);
    assert_string_equal(text, again);
    assert_true(after.lr == before.lr);
    free(text);
    free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_printed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
