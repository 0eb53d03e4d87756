/* `comprexit help [COMMAND]`: the tables of the command line as text, man page
 * or Markdown. */
#include <string.h>

#include "app/cli.h"
#include "app/manual.h"

static bool unknown_command(const char *name, struct err *err)
{
    const char *nearest = cli_nearest_command(name);
    return err_set(err, ERR_USAGE, "help: no command %s%s%s%s", name,
                   nearest ? ", did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static bool run(const struct cli_arguments *arguments, struct err *err)
{
    const char *format = cli_text(arguments, "format");
    if (format && strcmp(format, "man") == 0) {
        manual_man(stdout);
        return true;
    }
    if (format && strcmp(format, "markdown") == 0) {
        manual_markdown(stdout);
        return true;
    }
    if (arguments->n_operands == 0) {
        manual_help(stdout);
        return true;
    }
    const struct cli_command *command = cli_find_command(arguments->operands[0]);
    if (!command)
        return unknown_command(arguments->operands[0], err);
    manual_help_command(stdout, command);
    return true;
}

static const struct cli_option options[] = {
    {.name = "format", .kind = CLI_CHOICE, .value = "text|man|markdown",
     .help = "write the whole manual as a man page or as Markdown"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit help compress", "about one command"},
    {NULL, NULL},
};

const struct cli_command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .max_operands = 1,
    .summary = "explain the program, or one command",
    .options = options,
    .examples = examples,
    .run = run,
};
