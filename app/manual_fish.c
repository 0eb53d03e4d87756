/* Completion for fish: one line an option. */
#include "app/manual.h"

#include <string.h>

static void fish_text(FILE *out, const char *text)
{
    putc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putc('\\', out);
        putc(*text, out);
    }
    putc('\'', out);
}

/* Those of the kind come first. */
static void fish_files(FILE *out, const char *wanted)
{
    if (!wanted || (*wanted != '.' && *wanted != '/')) {
        fputs(" -r -F", out);
    } else if (*wanted == '/') {
        fputs(" -x -a '(__fish_complete_directories)'", out);
    } else {
        fputs(" -x -a '", out);
        while (*wanted) {
            size_t length = strcspn(wanted, "|");
            fprintf(out, "(__fish_complete_suffix %.*s)", (int)length, wanted);
            wanted += length + (wanted[length] == '|');
        }
        putc('\'', out);
    }
}

/* `where`: the commands that the options belong to. */
static void fish_options(FILE *out, const struct cli_option *o, const char *where)
{
    for (; o && o->name; o++) {
        fprintf(out, "complete -c comprexit%s -l %s", where, o->name);
        if (o->letter)
            fprintf(out, " -s %c", o->letter);
        if (o->kind == CLI_PATH)
            fish_files(out, o->files);
        else if (o->kind != CLI_FLAG)
            fputs(" -x", out);
        if (o->kind == CLI_CHOICE) {
            fputs(" -a '", out);
            for (const char *c = o->value; *c; c++)
                putc(*c == '|' ? ' ' : *c, out);
            putc('\'', out);
        }
        fputs(" -d ", out);
        fish_text(out, o->help);
        putc('\n', out);
    }
}

void manual_fish(FILE *out)
{
    fputs("# fish completion for comprexit, made by `comprexit completion fish`\n", out);
    for (size_t i = 0; cli_commands[i]; i++) {
        fprintf(out, "complete -c comprexit -n __fish_use_subcommand -a %s -d ",
                cli_commands[i]->name);
        fish_text(out, cli_commands[i]->summary);
        putc('\n', out);
    }
    for (size_t i = 0; cli_commands[i]; i++) {
        char where[96];
        snprintf(where, sizeof where, " -n '__fish_seen_subcommand_from %s'",
                 cli_commands[i]->name);
        fish_options(out, cli_commands[i]->options, where);
    }
    fish_options(out, cli_common_options, "");
}
