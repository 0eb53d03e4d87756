/* The command line: tables of subcommands and options, and the parser that reads
 * arguments by them. The same tables make --help, the man page, the shell
 * completion and the README's command section (manual.h), so that what is
 * accepted and what is documented cannot differ.
 *
 * A subcommand is one file, app/cmd_NAME.c, that defines
 *
 *     const struct cli_command command_NAME = {
 *         .name = "score", .operands = "DOC", .max_operands = 1,
 *         .summary = "...", .options = options, .examples = examples,
 *         .groups = CLI_MODEL | CLI_OUTPUT, .run = run,
 *     };
 *
 * and has its line in CLI_COMMANDS (commands.h). */
#ifndef APP_CLI_H
#define APP_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

enum cli_kind {
    CLI_FLAG,   /* takes no value */
    CLI_TEXT,   /* any text */
    CLI_PATH,   /* completed as a file name */
    CLI_COUNT,  /* 512, 10k, 2M: an integer in [min, max] */
    CLI_REAL,   /* a finite number in [min, max] */
    CLI_CHOICE, /* one of the words of `value`, "tail|head" */
};

/* Groups of common options: every command accepts all of them, and shows those
 * that matter to it. */
enum cli_group {
    CLI_OWN = 0,
    CLI_MODEL = 1,    /* which model and compressor, how they run */
    CLI_SETTINGS = 2, /* window, ratio, ... */
    CLI_OUTPUT = 4,   /* --json and messages */
    CLI_SCREEN = 8,   /* colours, glyphs, rc file */
    CLI_GENERAL = 16, /* --help, --version: always shown */
};

/* One option. Tables end with a row without a name. */
struct cli_option {
    const char *name;  /* "window", without the dashes */
    char letter;       /* 'w', or 0 */
    enum cli_kind kind;
    const char *value; /* "W", "PATH"; for CLI_CHOICE the words; NULL for flags */
    const char *help;  /* one line, no capital, no full stop */
    double min, max;   /* CLI_COUNT, CLI_REAL; both 0: no bounds */
    bool many;         /* may be given several times, each counts */
    const char *otherwise; /* the value where none follows; NULL: one must */
    bool written;      /* CLI_PATH: a file that the command writes */
    const char *files; /* CLI_PATH: which files are offered (file_wanted.h); NULL: all */
    enum cli_group group;
};

/* Tables end with a row without a command line. */
struct cli_example {
    const char *line; /* "comprexit compress notes.md -o notes.safetensors" */
    const char *what;
};

struct cli_arguments;

struct cli_command {
    const char *name;
    const char *operands; /* "DOC", "[FILE]", "FILE..."; "" for none */
    size_t min_operands, max_operands;
    const char *summary;     /* one line, no full stop */
    const char *description; /* paragraphs for help and manual, or NULL */
    const struct cli_option *options;   /* its own; NULL: none */
    const struct cli_example *examples; /* NULL: none */
    unsigned groups;         /* which common options its help shows */
    bool writes_here; /* names files itself, in the present folder */
    bool confines_itself; /* what it may do besides reading is known later (sandbox.h) */

    /* Does the work; results go to standard output. On failure err->code is the
     * exit code; err->text is reported by the caller, unless it is empty. */
    bool (*run)(const struct cli_arguments *arguments, struct err *err);
};

/* One option that was given. */
struct cli_given {
    const struct cli_option *option;
    const char *text; /* NULL for flags */
    uint64_t count;   /* CLI_COUNT */
    double real;      /* CLI_REAL */
};

/* What the user typed, checked. Texts are borrowed from argv. */
struct cli_arguments {
    const struct cli_command *command;
    const char **operands;
    size_t n_operands;
    struct cli_given *given; /* in the order of argv */
    size_t n_given;
};

extern const struct cli_option cli_common_options[];

/* The table of all commands, in the order of the help; ends with NULL. */
extern const struct cli_command *const cli_commands[];
const struct cli_command *cli_find_command(const char *name);

/* The command that a mistyped word may mean, or NULL. */
const char *cli_nearest_command(const char *word);

/* An option of the command, its own before the common ones; NULL when there is
 * none. */
const struct cli_option *cli_find_option(const struct cli_command *command, const char *name);

/* Reads argv[0..argc) (without program name and command word) for a command.
 * Accepts "--opt value", "--opt=value", "-o value", "-ovalue", flags in one word
 * ("-hV"), options after operands, and "--" before operands that begin with a
 * dash. ERR_USAGE names the word and what would be right; with --help or
 * --version missing operands are no error. */
bool cli_parse(struct cli_arguments *out, const struct cli_command *command, size_t argc,
               const char *const *argv, struct err *err);
void cli_arguments_free(struct cli_arguments *arguments);

/* The first word of argv[0..argc) that is not an option (or an option's value), where
 * the name of a command may stand: its index, SIZE_MAX when there is none. */
size_t cli_first_word(size_t argc, const char *const *argv);

/* What was given, by the option's name, which must be in the command's table.
 * Of several the last counts. */
bool cli_flag(const struct cli_arguments *arguments, const char *name);
const char *cli_text(const struct cli_arguments *arguments, const char *name); /* or NULL */
uint64_t cli_count(const struct cli_arguments *arguments, const char *name, uint64_t otherwise);
double cli_real(const struct cli_arguments *arguments, const char *name, double otherwise);

/* The i-th text of an option that may be given several times; NULL beyond. */
const char *cli_text_at(const struct cli_arguments *arguments, const char *name, size_t i);

#endif
