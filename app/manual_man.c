/* The man page, in the macros of man(7). */
#include "app/manual.h"

void manual_roff(FILE *out, const char *text)
{
    char before = '\n';
    for (; *text; before = *text++) {
        if (before == '\n' && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (before == '\n' && *text == '\n')
            fputs(".PP", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            putc(*text, out);
    }
}

static void roff_option(FILE *out, const struct cli_option *o)
{
    fputs(".TP\n\\fB", out);
    if (o->letter)
        fprintf(out, "\\-%c\\fR, \\fB", o->letter);
    fputs("\\-\\-", out);
    manual_roff(out, o->name);
    fputs("\\fR", out);
    if (o->value) {
        fputs(" \\fI", out);
        manual_roff(out, o->value);
        fputs("\\fR", out);
    }
    putc('\n', out);
    manual_roff(out, o->help);
    fputs(".\n", out);
}

static void roff_command(FILE *out, const struct cli_command *command)
{
    fputs(".SS \"comprexit ", out);
    manual_roff(out, command->name);
    fprintf(out, "%s", command->operands[0] ? " " : "");
    manual_roff(out, command->operands);
    fputs("\"\n", out);
    manual_roff(out, command->summary);
    fputs(".\n", out);
    if (command->description) {
        fputs(".PP\n", out);
        manual_roff(out, command->description);
        putc('\n', out);
    }
    for (const struct cli_example *e = command->examples; e && e->line; e++) {
        fputs(".PP\n", out);
        manual_roff(out, e->what);
        fputs(":\n.RS\n.nf\n", out);
        manual_roff(out, e->line);
        fputs("\n.fi\n.RE\n", out);
    }
    for (const struct cli_option *o = command->options; o && o->name; o++)
        roff_option(out, o);
}

void manual_man(FILE *out)
{
    fprintf(out, ".TH COMPREXIT 1 \"\" \"comprexit %s\" \"User Commands\"\n.ad l\n",
            COMPREXIT_VERSION);
    fprintf(out, ".SH NAME\ncomprexit \\- %s\n", manual_tagline);
    fputs(".SH SYNOPSIS\n.B comprexit\n[\\fICOMMAND\\fR] [\\fIDOC\\fR] [\\fIOPTION\\fR]...\n"
          ".SH DESCRIPTION\n"
          "Opens a document and a frozen language model of the Llama family, compresses the\n"
          "document into a few vectors (slots) that the model reads in place of its tokens, and\n"
          "shows every stage. Results go to standard output, everything else to standard error.\n"
          "A file name of \\- is standard input.\n.SH COMMANDS\n",
          out);
    for (size_t i = 0; cli_commands[i]; i++)
        roff_command(out, cli_commands[i]);
    fputs(".SH COMMON OPTIONS\n", out);
    for (const struct manual_group *g = manual_groups; g->title; g++) {
        fprintf(out, ".SS %s\n", g->title);
        for (const struct cli_option *o = cli_common_options; o->name; o++)
            if (o->group == g->group)
                roff_option(out, o);
    }
    manual_keys_man(out);
    fputs(".SH EXIT STATUS\n", out);
#define ROW(code, text) fprintf(out, ".TP\n%d\n%s.\n", code, text);
    EXIT_CODES(ROW)
#undef ROW
    fputs(".SH ENVIRONMENT\n", out);
#define ROW(name, text) fputs(".TP\n.B " name "\n" text "\n", out);
    ENVIRONMENT(ROW)
#undef ROW
}
