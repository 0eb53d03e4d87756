/* What Tab offers at the prompt of commands: from the tables, without a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/complete.h"
#include "app/prompt.h"
#include "app/session.h"

static struct session session;

/* All that is offered at the end of a line, with blanks between; "(files)". */
static const char *offered(const char *line)
{
    static char out[2048];
    size_t from, used = 0;
    bool files;
    char **words = complete_line(&session, line, strlen(line), &from, &files);
    out[0] = '\0';
    for (size_t i = 0; words && words[i]; i++) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", i ? " " : "", words[i]);
        free(words[i]);
    }
    free(words);
    return files ? "(files)" : out;
}

static void test_commands(void **state)
{
    (void)state;
    assert_string_equal(offered("sta"), "stats");
    assert_string_equal(offered("unknown x"), "");
}

static void test_settings_offer_the_present_value(void **state)
{
    (void)state;
    assert_string_equal(offered("set ali"), "align");
    assert_string_equal(offered("set theme "), "auto light dark");
    session.edits.settings.eps = 0.25;
    assert_string_equal(offered("set eps "), "0.25");
}

static void test_options_of_figures_and_their_values(void **state)
{
    (void)state;
    assert_string_equal(offered("export plan wi"), "window= width=");
    assert_string_equal(offered("export plan width="),
                        "width=nature-1col width=nature-2col width=acl-1col width=acl-2col "
                        "width=neurips width=slide");
    assert_string_equal(offered("export plan map=ci"), "map=cividis");
    assert_string_equal(offered("export plan dpi="), "(files)");
    assert_string_equal(offered("export plan tu"), "turn");
}

static void test_words_before_files(void **state)
{
    (void)state;
    assert_string_equal(offered("save "), "(files)");
    assert_string_equal(offered("save no"), "notext");
    assert_string_equal(offered("compressor n"), "none");
    assert_string_equal(offered("restore a"), "(files)");
}

static void test_presets(void **state)
{
    (void)state;
    assert_string_equal(offered("train pre"), "preset=");
    assert_string_equal(offered("train ntp preset=paper"), "preset=paper-ntp preset=paper-sft");
}

static int begin(void **state)
{
    struct err err = {0};
    (void)state;
    session_init(&session);
    if (!prompt_start(NULL, complete_line, &session, &err))
        return -1;
    prompt_open(PROMPT_COMMAND, "");
    return 0;
}

static int end(void **state)
{
    (void)state;
    prompt_stop();
    session_free(&session);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_settings_offer_the_present_value),
        cmocka_unit_test(test_options_of_figures_and_their_values),
        cmocka_unit_test(test_words_before_files),
        cmocka_unit_test(test_presets),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
