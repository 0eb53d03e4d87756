#include "app/manual.h"

#include <string.h>

const char manual_tagline[] =
    "watch soft context compression (ComprExIT) at work inside a language model";

const struct manual_group manual_groups[] = {
    {CLI_MODEL, "Model"},
    {CLI_SETTINGS, "Compression (by default as the compressor was trained)"},
    {CLI_OUTPUT, "Output"},
    {CLI_SCREEN, "Screen"},
    {CLI_GENERAL, "General"},
    {CLI_OWN, NULL},
};

static const struct cli_example first_examples[] = {
    {"comprexit notes.md -q \"When was it built?\"", "open the explorer on a document and ask"},
    {"comprexit ask notes.md -q \"When was it built?\"", "the answer from the compressed document"},
    {"comprexit compress notes.md -o notes.safetensors", "gates, plan and slots into a file"},
    {"comprexit help compress", "about one command; examples first"},
    {NULL, NULL},
};

/* ---- terminal help ---------------------------------------------------------- */

enum { HELP_COLUMN = 26, HELP_WIDTH = 96 };

/* Writes text word by word from column `at`, folding at HELP_WIDTH and indenting
 * further lines to `indent`. A line end in text is one, two are an empty line. */
static void write_folded(FILE *out, const char *text, size_t at, size_t indent)
{
    size_t column = at;
    while (*text) {
        size_t space = strspn(text, " "), word = strcspn(text + space, " \n");
        if (text[space] == '\n') {
            text += space + 1;
            column = indent;
            fprintf(out, "\n%*s", *text == '\n' ? 0 : (int)indent, "");
            continue;
        }
        if (space && column + 1 + word > HELP_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (space) {
            putc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)word, text + space);
        text += space + word;
        column += word;
    }
    putc('\n', out);
}

/* "left" in a column of its own, then the folded help. */
static void write_entry(FILE *out, const char *left, const char *help)
{
    size_t length = strlen(left);
    fprintf(out, "  %s", left);
    if (length + 4 > HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", (int)(HELP_COLUMN - length - 2), "");
    write_folded(out, help, HELP_COLUMN, HELP_COLUMN);
}

static void write_option(FILE *out, const struct cli_option *o)
{
    char left[128];
    snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
             o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name, o->value ? " " : "",
             o->value ? o->value : "");
    write_entry(out, left, o->help);
}

static void write_examples(FILE *out, const struct cli_example *example)
{
    for (; example && example->line; example++)
        fprintf(out, "  %s\n      %s\n", example->line, example->what);
}

/* The common options of a group that the command has no option of its own for. */
static void write_group(FILE *out, const struct cli_command *command, enum cli_group group)
{
    for (const struct cli_option *o = cli_common_options; o->name; o++)
        if (o->group == group && cli_find_option(command, o->name) == o)
            write_option(out, o);
}

void manual_help_command(FILE *out, const struct cli_command *command)
{
    if (command->examples) {
        fputs("Examples\n", out);
        write_examples(out, command->examples);
        putc('\n', out);
    }
    fprintf(out, "Usage\n  comprexit %s%s%s [options]\n\n  ", command->name,
            command->operands[0] ? " " : "", command->operands);
    write_folded(out, command->summary, 2, 2);
    if (command->description) {
        fputs("\n  ", out);
        write_folded(out, command->description, 2, 2);
    }
    if (command->options && command->options->name) {
        fputs("\nOptions\n", out);
        for (const struct cli_option *o = command->options; o->name; o++)
            write_option(out, o);
    }
    for (const struct manual_group *g = manual_groups; g->title; g++)
        if ((command->groups | CLI_GENERAL) & g->group) {
            fprintf(out, "\n%s\n", g->title);
            write_group(out, command, g->group);
        }
}

void manual_help(FILE *out)
{
    fprintf(out, "comprexit: %s\n\nExamples\n", manual_tagline);
    write_examples(out, first_examples);
    fputs("\nCommands\n", out);
    for (size_t i = 0; cli_commands[i]; i++) {
        char left[128];
        snprintf(left, sizeof left, "%s %s", cli_commands[i]->name, cli_commands[i]->operands);
        write_entry(out, left, cli_commands[i]->summary);
    }
    fputs("\nExit codes\n", out);
#define ROW(code, text) fprintf(out, "  %-4d%s\n", code, text);
    EXIT_CODES(ROW)
#undef ROW
    fputs("\n\"comprexit help COMMAND\" lists a command's options. Where DOC is a file name, -\n"
          "is standard input.\n",
          out);
}

void manual_version(FILE *out)
{
    fputs("comprexit " COMPREXIT_VERSION "\n", out);
}

void manual_license(FILE *out)
{
    fputs("comprexit " COMPREXIT_VERSION " is free software under the GNU General Public License,\n"
          "version 3 or later (the file LICENSE in the source): you may use, study, share and\n"
          "change it under those terms. There is no warranty, to the extent permitted by law.\n"
          "\n"
          "It is linked with GNU Readline (GPL-3.0-or-later), GNU Nettle (LGPL-3.0-or-later or\n"
          "GPL-2.0-or-later), ncurses, Jansson, Fontconfig and utf8proc (MIT-style), OpenBLAS,\n"
          "PCRE2 and Zstandard (BSD), and zlib (zlib licence). The default model that\n"
          "`make model` fetches, SmolLM2-135M-Instruct, has the Apache License 2.0.\n",
          out);
}
