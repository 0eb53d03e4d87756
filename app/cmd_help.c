/* `comprexit help [COMMAND|keys]`: the tables of the program as text, man page or
 * Markdown. */
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
    const char *topic = arguments->n_operands ? arguments->operands[0] : NULL;
    const char *format = cli_text(arguments, "format");
    bool keys = topic && strcmp(topic, "keys") == 0;
    const struct cli_command *command = topic && !keys ? cli_find_command(topic) : NULL;
    if (topic && !keys && !command)
        return unknown_command(topic, err);
    if (format && strcmp(format, "man") == 0)
        manual_man(stdout);
    else if (format && strcmp(format, "markdown") == 0 && keys)
        manual_keys_markdown(stdout);
    else if (format && strcmp(format, "markdown") == 0)
        manual_markdown(stdout);
    else if (keys)
        manual_keys(stdout);
    else if (command)
        manual_help_command(stdout, command);
    else
        manual_help(stdout);
    return true;
}

static const struct cli_option options[] = {
    {.name = "format", .kind = CLI_CHOICE, .value = "text|man|markdown",
     .help = "write the whole manual as a man page or as Markdown"},
    {.name = NULL},
};

static const struct cli_example examples[] = {
    {"comprexit help compress", "about one command"},
    {"comprexit help keys", "the keys of the explorer"},
    {NULL, NULL},
};

const struct cli_command command_help = {
    .name = "help",
    .operands = "[COMMAND|keys]",
    .max_operands = 1,
    .summary = "explain the program, one command, or the keys",
    .options = options,
    .examples = examples,
    .run = run,
};
