/* Completion for fish: one line an option. */
#include "app/manual.h"

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

/* The shell's own function for endings offers the other files as well, behind those. */
static const char files_of_kind[] =
    "function __comprexit_files -d 'Folders, and files whose names end so'\n"
    "    __fish_complete_path | string match -er -- \\\n"
    "        '(?:'(string join '|' -- (string escape --style=regex -- $argv))'|/)(?:\\t|$)'\n"
    "end\n";

static void fish_files(FILE *out, const char *wanted)
{
    if (!wanted || (*wanted != '.' && *wanted != '/')) {
        fputs(" -r -F", out);
    } else if (*wanted == '/') {
        fputs(" -x -a '(__fish_complete_directories)'", out);
    } else {
        fputs(" -x -a '(__comprexit_files ", out);
        for (; *wanted; wanted++)
            putc(*wanted == '|' ? ' ' : *wanted, out);
        fputs(")'", out);
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
    fputs(files_of_kind, out);
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
