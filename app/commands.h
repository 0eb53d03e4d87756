/* The list of subcommands, in the order of the help. A new one is one line here
 * and one file app/cmd_NAME.c that defines `command_NAME`. */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

#define CLI_COMMANDS(X)                                                        \
    X(explore)                                                                 \
    X(compress)                                                                \
    X(ask)                                                                     \
    X(export)                                                                  \
    X(score)                                                                   \
    X(tokenize)                                                                \
    X(train)                                                                   \
    X(eval)                                                                    \
    X(data)                                                                    \
    X(info)                                                                    \
    X(check)                                                                   \
    X(bench)                                                                   \
    X(help)                                                                    \
    X(completion)

#endif
