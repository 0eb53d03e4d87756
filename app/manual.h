/* Everything that documents the command line, made from its tables (cli.h):
 * help texts, man page, shell completion, and the README's command section. */
#ifndef APP_MANUAL_H
#define APP_MANUAL_H

#include <stdio.h>

#include "app/cli.h"

#define EXIT_CODES(X)                                                          \
    X(0, "ok")                                                                 \
    X(1, "the answer is no (--fail-under, expect), or anything else")          \
    X(2, "usage: an unknown option, a value out of range")                     \
    X(3, "a bad input file")                                                   \
    X(4, "reading or writing failed, disk full")                               \
    X(5, "out of memory, or the work would not fit")                           \
    X(6, "training stopped on non-finite values")                              \
    X(7, "the run directory is in use by another process")                     \
    X(8, "no usable terminal")                                                 \
    X(128, "plus n: stopped by signal n (130: Ctrl-C)")

#define ENVIRONMENT(X)                                                         \
    X("COMPREXIT_MODEL", "model to open when --model is not given")            \
    X("COMPREXIT_COMPRESSOR", "compressor when --compressor is not given")     \
    X("COMPREXIT_THREADS", "threads when --threads is not given")              \
    X("COMPREXIT_ASSETS", "folder of the sample document and defaults")        \
    X("NO_COLOR", "not empty: no colours, unless --color says otherwise")

extern const char manual_tagline[];

/* The groups of common options in the order of the help; ends without title. */
struct manual_group {
    enum cli_group group;
    const char *title;
};
extern const struct manual_group manual_groups[];

/* "comprexit --help", and "comprexit help NAME" (examples first). */
void manual_help(FILE *out);
void manual_help_command(FILE *out, const struct cli_command *command);

/* The man page comprexit(1), in man(7) macros. */
void manual_man(FILE *out);

/* Text for troff: backslashes and dashes literal, no line that begins a macro; an
 * empty line begins a paragraph. */
void manual_roff(FILE *out, const char *text);

/* The README's section on commands, in Markdown. */
void manual_markdown(FILE *out);

/* The explorer's keys, for "comprexit help keys", the README and the man page
 * (there with the commands of its prompt). */
void manual_keys(FILE *out);
void manual_keys_markdown(FILE *out);
void manual_keys_man(FILE *out);

/* Completion scripts for the shells. */
#define SHELLS(X) X(bash) X(zsh) X(fish)
void manual_bash(FILE *out);
void manual_zsh(FILE *out);
void manual_fish(FILE *out);
void manual_command_words(FILE *out); /* "explore|compress|...", for patterns of shells */

void manual_version(FILE *out);
void manual_license(FILE *out);

#endif
