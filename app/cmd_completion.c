/* `comprexit completion bash|zsh|fish`: a completion script made from the tables. */
#include <string.h>

#include "app/cli.h"
#include "app/manual.h"

#define SHELL(name) {#name, manual_##name},
static const struct {
    const char *name;
    void (*print)(FILE *out);
} shells[] = {SHELLS(SHELL)};

static bool run(const struct cli_arguments *arguments, struct err *err)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(arguments->operands[0], shells[i].name) == 0) {
            shells[i].print(stdout);
            return true;
        }
    return err_set(err, ERR_USAGE, "completion: no script for %s, expected bash, zsh or fish",
                   arguments->operands[0]);
}

static const struct cli_example examples[] = {
    {"source <(comprexit completion bash)", "complete commands and options in this shell"},
    {"source <(comprexit completion zsh)", "the same in zsh"},
    {"comprexit completion fish | source", "and in fish"},
    {NULL, NULL},
};

const struct cli_command command_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "print a completion script for the shell",
    .examples = examples,
    .run = run,
};
