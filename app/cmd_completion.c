/* `comprexit completion bash`: a completion script made from the tables. */
#include <string.h>

#include "app/cli.h"
#include "app/manual.h"

static bool run(const struct cli_arguments *arguments, struct err *err)
{
    if (strcmp(arguments->operands[0], "bash") != 0)
        return err_set(err, ERR_USAGE, "completion: no script for %s, expected bash",
                       arguments->operands[0]);
    manual_bash(stdout);
    return true;
}

static const struct cli_example examples[] = {
    {"source <(comprexit completion bash)", "complete commands and options in this shell"},
    {NULL, NULL},
};

const struct cli_command command_completion = {
    .name = "completion",
    .operands = "bash",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "print a completion script for the shell",
    .examples = examples,
    .run = run,
};
