#include "app/commands.h"

#include "app/cli.h"

#define DECLARE(name) extern const struct cli_command command_##name;
CLI_COMMANDS(DECLARE)
#undef DECLARE

#define ENTRY(name) &command_##name,
const struct cli_command *const cli_commands[] = {CLI_COMMANDS(ENTRY) NULL};
#undef ENTRY
