/* The command line: tables, parser, and the documents made from the tables. */
#include "app/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/manual.h"
#include "app/values.h"

static const struct cli_option own_options[] = {
    {.name = "output", .letter = 'o', .kind = CLI_PATH, .value = "F", .help = "where to"},
    {.name = "limit", .kind = CLI_COUNT, .value = "N", .min = 1, .max = 100000, .help = "most"},
    {.name = "mode", .kind = CLI_CHOICE, .value = "full|none", .help = "how"},
    {.name = "set", .kind = CLI_TEXT, .value = "K=V", .many = true, .help = "a setting"},
    {.name = "loud", .letter = 'l', .kind = CLI_FLAG, .help = "noise"},
    {.name = NULL},
};

static const struct cli_command command_test = {
    .name = "test",
    .operands = "DOC [DOC]",
    .min_operands = 1,
    .max_operands = 2,
    .summary = "a command of this test",
    .options = own_options,
};

enum { WORDS_MAX = 12 };

/* Parses a NULL-terminated list of words. */
static bool parse(struct cli_arguments *out, struct err *err, const char *const words[])
{
    size_t count = 0;
    while (words[count])
        count++;
    *err = (struct err){0};
    return cli_parse(out, &command_test, count, words, err);
}

#define WORDS(...) (const char *const[]){__VA_ARGS__, NULL}

static void expect_error(const char *const words[], const char *message)
{
    struct cli_arguments a;
    struct err err;
    assert_false(parse(&a, &err, words));
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text, message);
}

static void reads_every_form_of_an_option(void **state)
{
    (void)state;
    struct cli_arguments a;
    struct err err;
    assert_true(parse(&a, &err,
                      WORDS("notes.md", "--limit", "10k", "--output=a=b", "--eps", "-0.5e0",
                            "--seed", "7", "-lcnone", "-m", "-")) == false);
    assert_string_equal(err.text, "--eps -0.5e0: expected a number in 1e-06..1000000");

    assert_true(parse(&a, &err,
                      WORDS("notes.md", "--limit", "10k", "--output=a=b", "--eps=2.5e-1", "-lcnone",
                            "-m", "-", "--", "--limit")));
    assert_int_equal(cli_count(&a, "limit", 3), 10000);
    assert_string_equal(cli_text(&a, "output"), "a=b");
    assert_true(cli_real(&a, "eps", 0) == 0.25);
    assert_true(cli_flag(&a, "loud"));
    assert_false(cli_flag(&a, "json"));
    assert_string_equal(cli_text(&a, "compressor"), "none");
    assert_string_equal(cli_text(&a, "model"), "-");
    assert_int_equal(cli_count(&a, "window", 128), 128);
    assert_null(cli_text(&a, "mode"));
    assert_int_equal(a.n_operands, 2);
    assert_string_equal(a.operands[0], "notes.md");
    assert_string_equal(a.operands[1], "--limit");
    cli_arguments_free(&a);
}

static void the_last_of_several_counts(void **state)
{
    (void)state;
    struct cli_arguments a;
    struct err err;
    assert_true(parse(&a, &err, WORDS("-", "--limit=1", "--set", "a=1", "--limit=2", "--set=b=2")));
    assert_int_equal(cli_count(&a, "limit", 0), 2);
    assert_string_equal(cli_text_at(&a, "set", 0), "a=1");
    assert_string_equal(cli_text_at(&a, "set", 1), "b=2");
    assert_null(cli_text_at(&a, "set", 2));
    assert_string_equal(a.operands[0], "-");
    cli_arguments_free(&a);
}

static void usage_errors_say_what_is_right(void **state)
{
    (void)state;
    expect_error(WORDS("x", "--windwo=3"),
                 "test: unknown option --windwo=3, did you mean --window?");
    expect_error(WORDS("x", "--xyzzy"), "test: unknown option --xyzzy");
    expect_error(WORDS("x", "-z"), "test: unknown option -z");
    expect_error(WORDS("x", "--limit"), "option --limit needs a value: N");
    expect_error(WORDS("x", "--output", "--json"),
                 "option --output needs a value: F (found --json; write --output=--json if it is "
                 "one)");
    expect_error(WORDS("x", "--json=1"), "option --json takes no value (found 1)");
    expect_error(WORDS("x", "--limit", "12x"),
                 "--limit 12x: expected a whole number in 1..100000");
    expect_error(WORDS("x", "--limit", "0"), "--limit 0: expected a whole number in 1..100000");
    expect_error(WORDS("x", "--seed", "-1"), "--seed -1: expected a whole number");
    expect_error(WORDS("x", "--mode", "ful"), "--mode ful: expected one of full|none");
    expect_error(WORDS("x", "--output="), "--output: an empty path");
    expect_error(WORDS("--json"), "test: expected DOC [DOC]");
    expect_error(WORDS("a", "b", "c"), "test: unexpected argument c");
}

static void help_needs_no_operand(void **state)
{
    (void)state;
    struct cli_arguments a;
    struct err err;
    assert_true(parse(&a, &err, WORDS("-h")));
    assert_true(cli_flag(&a, "help"));
    cli_arguments_free(&a);
}

static void finds_the_first_word(void **state)
{
    (void)state;
    assert_int_equal(cli_first_word(2, WORDS("help", "x")), 0);
    assert_int_equal(cli_first_word(2, WORDS("--json", "help")), 1);
    assert_int_equal(cli_first_word(3, WORDS("-m", "help", "help")), 2);
    assert_int_equal(cli_first_word(2, WORDS("--model=x", "help")), 1);
    assert_int_equal(cli_first_word(2, WORDS("./help", "help")), 0);
    assert_int_equal(cli_first_word(2, WORDS("--", "help")), SIZE_MAX);
    assert_int_equal(cli_first_word(1, WORDS("-m")), SIZE_MAX);
}

static void numbers_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } counts[] = {
        {"0", true, 0},           {"512", true, 512},  {"10k", true, 10000},
        {"2M", true, 2000000},    {"", false, 0},      {" 1", false, 0},
        {"1 ", false, 0},         {"-1", false, 0},    {"+1", false, 0},
        {"1kk", false, 0},        {"0x10", false, 0},  {"1.5", false, 0},
        {"18446744073709551615", true, UINT64_MAX},    {"18446744073709551616", false, 0},
        {"18446744073709551615k", false, 0},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint64_t n = 0;
        assert_int_equal(value_count(counts[i].text, &n), counts[i].ok);
        if (counts[i].ok)
            assert_int_equal(n, counts[i].value);
    }
    static const char *const not_real[] = {"", "nan", "inf", "0x1p3", "1e999", "1,5", "1.5x", " 1"};
    double x;
    for (size_t i = 0; i < sizeof not_real / sizeof *not_real; i++)
        assert_false(value_real(not_real[i], &x));
    assert_true(value_real("-1.25e2", &x) && x == -125.0);
    enum value_unit unit;
    assert_true(value_length("89mm", &x, &unit) && x == 89 && unit == UNIT_MM);
    assert_true(value_length("3.5in", &x, &unit) && x == 3.5 && unit == UNIT_IN);
    assert_true(value_length("800", &x, &unit) && x == 800 && unit == UNIT_PX);
    assert_false(value_length("-1mm", &x, &unit));
    assert_false(value_length("mm", &x, &unit));
    assert_false(value_length("1cm", &x, &unit));
}

static void lists_and_near_words(void **state)
{
    (void)state;
    const char *cursor = "plan,,gate", *item;
    size_t length;
    assert_true(value_next_item(&cursor, &item, &length) && length == 4);
    assert_true(value_next_item(&cursor, &item, &length) && length == 0);
    assert_true(value_next_item(&cursor, &item, &length) && length == 4);
    assert_memory_equal(item, "gate", 4);
    assert_false(value_next_item(&cursor, &item, &length));
    assert_int_equal(value_distance("", "abc"), 3);
    assert_int_equal(value_distance("plan", "paln"), 1);
    assert_int_equal(value_distance("window", "windwos"), 2);
    assert_string_equal(value_nearest("compres", WORDS("ask", "compress")), "compress");
    assert_null(value_nearest("notes", WORDS("ask", "compress")));
}

/* ---- the real tables --------------------------------------------------------------- */

static char *written(void (*write)(FILE *, const struct cli_command *),
                     const struct cli_command *command)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write(out, command);
    fclose(out);
    return text;
}

static void check_row(const struct cli_option *o)
{
    assert_non_null(o->help);
    assert_true(strlen(o->help) > 3 && o->help[strlen(o->help) - 1] != '.');
    assert_int_equal(o->kind == CLI_FLAG, o->value == NULL);
    if (o->kind == CLI_CHOICE)
        assert_non_null(strchr(o->value, '|'));
}

static void rows_are_whole_and_unique(void **state)
{
    (void)state;
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        check_row(o);
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        assert_non_null(c->run);
        assert_ptr_equal(cli_find_command(c->name), c);
        for (const struct cli_option *o = c->options; o && o->name; o++) {
            check_row(o);
            assert_ptr_equal(cli_find_option(c, o->name), o);
            for (const struct cli_option *common = cli_common_options; common->name; common++) {
                /* Only a setting may be shadowed, where a command means another thing, and what
                 * is about a screen, by a command that has none. */
                bool no_screen = common->group == CLI_SCREEN && !(c->groups & CLI_SCREEN);
                if (common->group != CLI_SETTINGS && !no_screen)
                    assert_string_not_equal(common->name, o->name);
                assert_false(o->letter && o->letter == common->letter);
            }
        }
        for (const struct cli_example *e = c->examples; e && e->line; e++)
            assert_non_null(strstr(e->line, "comprexit"));
    }
}

/* Every example must be accepted by the parser (up to a pipe). */
static void examples_parse(void **state)
{
    (void)state;
    for (size_t i = 0; cli_commands[i]; i++)
        for (const struct cli_example *e = cli_commands[i]->examples; e && e->line; e++) {
            const char *start = strstr(e->line, "comprexit ");
            char line[256], *rest = line, *word;
            const char *words[WORDS_MAX];
            size_t count = 0;
            snprintf(line, sizeof line, "%s", start + strlen("comprexit "));
            line[strcspn(line, "|)")] = '\0';
            bool quoted = false;
            for (char *p = line; *p; p++) {
                if (*p == '"')
                    quoted = !quoted;
                if (*p == ' ' && quoted)
                    *p = '_';
            }
            while ((word = strsep(&rest, " ")) != NULL && count < WORDS_MAX)
                if (*word)
                    words[count++] = word;
            const struct cli_command *command = cli_find_command(words[0]);
            size_t skip = command != NULL;
            struct cli_arguments a;
            struct err err = {0};
            if (!cli_parse(&a, command ? command : cli_commands[i], count - skip, words + skip,
                           &err))
                fail_msg("%s: %s", e->line, err.text);
            cli_arguments_free(&a);
        }
}

static void expect_mentioned(const char *text, const char *before, const char *name)
{
    char want[160];
    snprintf(want, sizeof want, "%s%s", before, name);
    if (!strstr(text, want))
        fail_msg("%s is not mentioned", want);
}

/* troff writes a dash with a backslash before it. */
static void expect_in_man(const char *man, const char *name)
{
    char roff[80];
    size_t used = 0;
    for (; *name; name++) {
        if (*name == '-')
            roff[used++] = '\\';
        roff[used++] = *name;
    }
    roff[used] = '\0';
    expect_mentioned(man, "\\fB\\-\\-", roff);
}

static void write_man(FILE *out, const struct cli_command *command)
{
    (void)command;
    manual_man(out);
}

#define WRITE_SHELL(name)                                                      \
    static void write_##name(FILE *out, const struct cli_command *command)     \
    {                                                                          \
        (void)command;                                                         \
        manual_##name(out);                                                    \
    }
SHELLS(WRITE_SHELL)
#undef WRITE_SHELL

static void write_markdown(FILE *out, const struct cli_command *command)
{
    (void)command;
    manual_markdown(out);
}

static void write_help(FILE *out, const struct cli_command *command)
{
    (void)command;
    manual_help(out);
}

static void documents_mention_everything(void **state)
{
    (void)state;
    char *man = written(write_man, NULL), *bash = written(write_bash, NULL);
    char *zsh = written(write_zsh, NULL), *fish = written(write_fish, NULL);
    char *markdown = written(write_markdown, NULL), *help = written(write_help, NULL);
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        char *own = written(manual_help_command, c);
        for (const struct cli_option *o = c->options; o && o->name; o++) {
            expect_mentioned(own, "--", o->name);
            expect_mentioned(bash, "--", o->name);
            expect_mentioned(zsh, "--", o->name);
            expect_mentioned(fish, " -l ", o->name);
            expect_in_man(man, o->name);
        }
        for (const struct cli_option *o = cli_common_options; o->name; o++)
            if ((c->groups | CLI_GENERAL) & o->group)
                expect_mentioned(own, "--", o->name);
        if (c->examples)
            assert_memory_equal(own, "Examples\n", 9);
        free(own);
        expect_mentioned(man, ".SS \"comprexit ", c->name);
        expect_mentioned(markdown, "| `", c->name);
        expect_mentioned(help, "\n  ", c->name);
    }
    for (const struct cli_option *o = cli_common_options; o->name; o++) {
        expect_mentioned(bash, "--", o->name);
        expect_mentioned(zsh, "--", o->name);
        expect_mentioned(fish, " -l ", o->name);
        expect_in_man(man, o->name);
    }
    free(man);
    free(bash);
    free(zsh);
    free(fish);
    free(markdown);
    free(help);
}

static void help_fits_the_page(void **state)
{
    (void)state;
    for (size_t i = 0; cli_commands[i]; i++) {
        char *own = written(manual_help_command, cli_commands[i]), *rest = own, *line;
        while ((line = strsep(&rest, "\n")) != NULL)
            if (strlen(line) > 110)
                fail_msg("%s: a line of %zu columns: %s", cli_commands[i]->name, strlen(line),
                         line);
        free(own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form_of_an_option),
        cmocka_unit_test(the_last_of_several_counts),
        cmocka_unit_test(usage_errors_say_what_is_right),
        cmocka_unit_test(help_needs_no_operand),
        cmocka_unit_test(finds_the_first_word),
        cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(lists_and_near_words),
        cmocka_unit_test(rows_are_whole_and_unique),
        cmocka_unit_test(examples_parse),
        cmocka_unit_test(documents_mention_everything),
        cmocka_unit_test(help_fits_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
