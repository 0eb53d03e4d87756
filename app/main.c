/* The program: picks the subcommand, reads its arguments, runs it, and turns
 * what went wrong into one line and an exit code. */
#include <jansson.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/address_space.h"
#include "app/cli.h"
#include "app/interrupt.h"
#include "app/manual.h"
#include "app/places.h"
#include "app/report.h"
#include "app/sandbox.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

/* Is --json among the words? Known before parsing, so that a usage error can be
 * reported in the form that was asked for. */
static bool wants_json(size_t argc, const char *const *argv)
{
    for (size_t i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* --help, --version and --license of any command. True when one was given. */
static bool answer_general(const struct cli_arguments *arguments, bool named)
{
    if (cli_flag(arguments, "help")) {
        if (named)
            manual_help_command(stdout, arguments->command);
        else
            manual_help(stdout);
        return true;
    }
    if (cli_flag(arguments, "version"))
        manual_version(stdout);
    else if (cli_flag(arguments, "license"))
        manual_license(stdout);
    else
        return false;
    return true;
}

/* Without a command word the explorer is meant, unless the first operand can
 * only be a mistyped command. */
static bool check_word(const char *word, struct err *err)
{
    const char *nearest = file_exists(word) ? NULL : cli_nearest_command(word);
    return !nearest || err_set(err, ERR_USAGE, "%s: no such command or file, did you mean %s?",
                               word, nearest);
}

/* Everything that is written was named by now. */
static bool confine(const struct cli_arguments *a, struct err *err)
{
    if (a->command->confines_itself || !sandbox_wanted(a))
        return true;
    const char **paths = xcalloc(a->n_given + 1, sizeof *paths);
    size_t n = 0;
    if (a->command->writes_here)
        paths[n++] = "./";
    /* What goes to standard output takes shape in a file. */
    char *passing = file_join(places_temporary(), "comprexit");
    for (size_t i = 0; i < a->n_given; i++)
        if (a->given[i].option->written)
            paths[n++] = strcmp(a->given[i].text, "-") == 0 ? passing : a->given[i].text;
    bool ok = sandbox_confine(paths, n, err);
    free(passing);
    free(paths);
    return ok;
}

static bool run(const struct cli_arguments *arguments, bool named, struct err *err)
{
    if (answer_general(arguments, named))
        return true;
    address_space_fit_threads();
    return confine(arguments, err) && arguments->command->run(arguments, err);
}

static int exit_code(const struct err *err)
{
    return err->code == ERR_CANCELLED && interrupt_signal() ? 128 + interrupt_signal()
                                                            : (int)err->code;
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit is an error of writing, not an end */
    setlocale(LC_CTYPE, "");
    json_set_alloc_funcs(xmalloc, free); /* else a lack of memory passes for bad JSON */
    signal(SIGPIPE, SIG_DFL);
    size_t count = argc > 0 ? (size_t)argc - 1 : 0;
    const char **words = (const char **)argv + (argc > 0);
    bool json = wants_json(count, words);
    size_t word = cli_first_word(count, words);
    bool named = word != SIZE_MAX && cli_find_command(words[word]);
    const struct cli_command *command = cli_find_command("explore");
    if (!command)
        command = cli_find_command("help");
    if (named) {
        command = cli_find_command(words[word]);
        memmove(words + word, words + word + 1, (count - word) * sizeof *words);
        count--;
    }
    struct err err = {0};
    struct cli_arguments arguments;
    /* Before the rest is read as what the explorer takes. */
    bool ok = (named || word == SIZE_MAX || check_word(words[word], &err)) &&
              cli_parse(&arguments, command, count, words, &err);
    const struct cli_arguments *parsed = ok ? &arguments : NULL;
    ok = ok && run(&arguments, named, &err);
    if (!ok && err.text[0])
        report_error(&err, parsed, json);
    struct err flushed = {0};
    if (!report_flush(&flushed) && ok) {
        err = flushed;
        report_error(&err, NULL, false);
    }
    if (parsed)
        cli_arguments_free(&arguments);
    return exit_code(&err);
}
