/* What Tab offers at the prompt of commands: from the tables, without a terminal. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/actions.h"
#include "app/complete.h"
#include "app/file_wanted.h"
#include "app/prompt.h"
#include "app/session.h"
#include "tests/support/temporary.h"

static struct session session;
static char hint[COMPLETE_HINT_MAX]; /* of the last line */

/* All that is offered at the end of a line, with blanks between; "files: " and which, for names of
 * files. */
static const char *offered(const char *line)
{
    static char out[2048];
    size_t used = 0;
    const char *files;
    char **words = complete_line(&session, line, strlen(line), &files, hint);
    out[0] = '\0';
    for (size_t i = 0; words && words[i]; i++) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", i ? " " : "", words[i]);
        free(words[i]);
    }
    free(words);
    if (files)
        snprintf(out, sizeof out, "files: %s", files);
    return out;
}

static void test_commands(void **state)
{
    (void)state;
    assert_string_equal(offered("sta"), "stats");
    assert_string_equal(offered("unknown x"), "");
}

/* The one list of panes is in the order of their numbers. */
static void test_panes_have_one_list(void **state)
{
    (void)state;
    struct err err = {0};
    assert_string_equal(offered("focus "), "next previous document gates plan answers");
    for (int pane = 0; pane < PANE_COUNT; pane++) {
        char word[32] = "";
        for (size_t i = 0; pane_name[pane][i]; i++)
            word[i] = (char)tolower((unsigned char)pane_name[pane][i]);
        assert_int_equal(action_choice(word, ACTION_PANES, "pane", &err), pane);
    }
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
    assert_string_equal(offered("export plan dpi="), "");
    assert_string_equal(hint, "dpi=N: pixels an inch, 20 to 2400 (300)");
    assert_string_equal(offered("export plan formats=png,s"), "formats=png,svg");
    assert_string_equal(offered("export plan a-f"), "files: " WANTED_EXPORTS);
    assert_string_equal(offered("export plan tu"), "turn");
}

static void test_words_before_files(void **state)
{
    (void)state;
    assert_string_equal(offered("save notext "), "files: " WANTED_SESSIONS);
    assert_string_equal(offered("save no"), "notext");
    assert_string_equal(offered("compressor n"), "none");
    assert_string_equal(offered("restore a"), "files: " WANTED_SESSIONS);
}

static void test_each_command_has_its_kind_of_file(void **state)
{
    (void)state;
    static const struct {
        const char *line, *files;
    } cases[] = {{"open a", WANTED_DOCUMENTS}, {"model a", WANTED_MODELS},
                 {"compressor a", WANTED_TENSORS}, {"compare a", WANTED_PINS},
                 {"data a", WANTED_DATA}, {"eval a", WANTED_DATA}, {"watch a", WANTED_FOLDERS},
                 {"source a", WANTED_ANY}, {"record a", WANTED_ANY}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[128];
        snprintf(want, sizeof want, "files: %s", cases[i].files);
        assert_string_equal(offered(cases[i].line), want);
    }
}

static void test_kinds_of_files(void **state)
{
    (void)state;
    char *folder = temporary_directory();
    static const struct {
        const char *name, *wanted, *not_wanted;
    } cases[] = {{"m.gguf", WANTED_MODELS, WANTED_DOCUMENTS},
                 {"notes", WANTED_DOCUMENTS, WANTED_MODELS},
                 {"a.txt", WANTED_DATA, WANTED_FOLDERS}, {"s.cxt", WANTED_PINS, WANTED_TENSORS},
                 {"s.cxt", WANTED_DOCUMENTS, WANTED_DATA}, {"f.svg", WANTED_EXPORTS, WANTED_DATA},
                 {"cxt", WANTED_ANY, WANTED_SESSIONS}, {"c.safetensors", WANTED_PINS, WANTED_DATA},
                 {"d.jsonl.gz", WANTED_DATA, WANTED_DOCUMENTS}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = temporary_file(folder, cases[i].name, "x", 1);
        assert_true(file_is_wanted(cases[i].wanted, path));
        assert_false(file_is_wanted(cases[i].not_wanted, path));
        free(path);
    }
    assert_true(file_is_wanted(WANTED_MODELS, folder)); /* may hold one */
    char line[512], want[512];
    snprintf(line, sizeof line, "train ntp data=b.txt,%s/a", folder);
    snprintf(want, sizeof want, "data=b.txt,%s/a.txt", folder);
    assert_string_equal(offered(line), want);
    snprintf(line, sizeof line, "train ntp init=%s/", folder);
    snprintf(want, sizeof want, "init=%s/c.safetensors", folder);
    assert_string_equal(offered(line), want);
    temporary_remove(folder);
}

static void test_names_with_blanks(void **state)
{
    (void)state;
    char *folder = temporary_directory(), line[512], want[1024];
    free(temporary_file(folder, "b c.txt", "x", 1));
    free(temporary_file(folder, "z.txt", "x", 1));
    snprintf(line, sizeof line, "train ntp data=%s/b", folder);
    snprintf(want, sizeof want, "data=\"%s/b c.txt\"", folder);
    assert_string_equal(offered(line), want);
    /* In a quotation readline replaces what is behind the mark, and closes it. */
    snprintf(line, sizeof line, "train ntp data=\"%s/b c", folder);
    snprintf(want, sizeof want, "%s/b c.txt", folder);
    assert_string_equal(offered(line), want);
    snprintf(line, sizeof line, "train ntp \"data=%s/b c", folder);
    snprintf(want, sizeof want, "data=%s/b c.txt", folder);
    assert_string_equal(offered(line), want);
    /* One with blanks among others: all have the mark, none is closed. */
    snprintf(line, sizeof line, "train ntp data=%s/", folder);
    const char *both = offered(line);
    snprintf(want, sizeof want, "data=\"%s/b c.txt", folder);
    assert_non_null(strstr(both, want));
    snprintf(want, sizeof want, "data=\"%s/z.txt", folder);
    assert_non_null(strstr(both, want));
    snprintf(line, sizeof line, "train ntp data=\"%s/b c.txt\" dat", folder);
    assert_string_equal(offered(line), "data=");
    temporary_remove(folder);
}

static void test_presets(void **state)
{
    (void)state;
    assert_string_equal(offered("train pre"), "preset=");
    assert_string_equal(offered("train ntp preset=paper"), "preset=paper-ntp preset=paper-sft");
}

/* Every command: in front of its arguments Tab offers something, or tells what they are. */
static void test_no_command_is_mute(void **state)
{
    (void)state;
    for (size_t i = 0; i < actions_count(); i++) {
        char line[64], usage[128];
        snprintf(line, sizeof line, "%s ", actions[i].name);
        snprintf(usage, sizeof usage, "%s %s: ", actions[i].name,
                 actions[i].takes == TAKES_NONE ? "takes no arguments" : actions[i].usage);
        bool offers = *offered(line) != '\0';
        assert_true(strstr(hint, usage) || offers);
        assert_true(offers || actions[i].takes == TAKES_NONE || strstr(hint, actions[i].usage));
        snprintf(line, sizeof line, "%s zzzz", actions[i].name);
        offered(line);
        assert_true(strstr(hint, actions[i].help) != NULL);
    }
    assert_string_equal(offered("zzzz "), "");
    assert_non_null(strstr(hint, "unknown command \"zzzz\", did you mean "));
}

static void test_words_of_each_argument(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"  set ali", "align"}, {"ans", "answers"}, {"answers full,co", "full,compressed"},
        {"answers full,", "full,compressed full,none"},
        {"answers none,full,", "none,full,compressed"},
        {"zoom pl", "plan"}, {"zoom plan ", ""}, {"colors ", "next viridis cividis magma gray"},
        {"view ", "next document gates plan answers"}, {"view plan sl", "slot-share"},
        {"view pl l", "likeness"}, {"view document ma", "mass"},
        {"layout n", "narrow"}, {"switch t", "train"}, {"help form", "formulas"},
        {"help compa", "compare"}, {"range ", ""}, {"iter ", ""}, {"iter l", "last"},
        {"mute ", ""}, {"mute s3 ", "rebalance"}, {"mass ", "half double even"},
        {"goto c", "compressed:"}, {"goto ", ""}, {"loss ", "next off"},
        {"eval a.jsonl l", "limit"}, {"eval l", "files: " WANTED_DATA},
        {"eval a.jsonl limit ", ""}, {"set mouse t", "toggle"},
        {"bind Tr", "Train"}, {"bind F", "F5 F1 F2 F3 F4 F6 F7 F8 F9 F10 F11 F12"},
        {"bind F6 colors m", "magma"}, {"bind Plan F6 set theme l", "light"},
        {"bind F6 colo", "colors"}, {"unbind C-", "C-u C-d C-r C-c C-l C-z"}, {"unbind w ", ""},
        {"train sch", "schedule="}, {"train schedule=l", "schedule=linear"},
        {"train lr=", ""}, {"train sft st", "steps= start"}, {"pin ", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(offered(cases[i].line), cases[i].words);
    assert_string_equal(offered("train lr="), "");
    assert_string_equal(hint, "lr= peak learning rate");
    offered("set eps ");
    assert_non_null(strstr(hint, "0.005..2"));
}

/* On another screen a command takes that screen's words. */
static void test_words_of_screens(void **state)
{
    (void)state;
    session.view.screen = SCREEN_TRAIN;
    assert_string_equal(offered("view l"), "loss lr");
    assert_string_equal(offered("focus s"), "samples");
    assert_string_equal(offered("export tr"), "train");
    session.view.screen = SCREEN_EVAL;
    assert_string_equal(offered("view w"), "won wrong");
    session.view.screen = SCREEN_DATA;
    assert_string_equal(offered("find cu"), "cut");
    assert_string_equal(offered("view t"), "text tokens");
    session.view.screen = SCREEN_EXPLORE;
}

static int begin(void **state)
{
    struct err err = {0};
    (void)state;
    session_init(&session);
    if (!prompt_start(NULL, true, complete_line, &session, &err))
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
        cmocka_unit_test(test_panes_have_one_list),
        cmocka_unit_test(test_settings_offer_the_present_value),
        cmocka_unit_test(test_options_of_figures_and_their_values),
        cmocka_unit_test(test_words_before_files),
        cmocka_unit_test(test_each_command_has_its_kind_of_file),
        cmocka_unit_test(test_kinds_of_files),
        cmocka_unit_test(test_names_with_blanks),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_no_command_is_mute),
        cmocka_unit_test(test_words_of_each_argument),
        cmocka_unit_test(test_words_of_screens),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
