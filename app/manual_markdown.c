/* The README's section on commands; `make readme` puts it in place. */
#include "app/manual.h"

/* Table cells must not contain a bar. */
static void write_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            putc('\\', out);
        putc(*text, out);
    }
}

void manual_markdown(FILE *out)
{
    fputs("| command | what it does |\n| --- | --- |\n", out);
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        fprintf(out, "| `%s%s", c->name, c->operands[0] ? " " : "");
        write_cell(out, c->operands);
        fputs("` | ", out);
        write_cell(out, c->summary);
        fputs(" |\n", out);
    }
    fputs("\n```\n", out);
    for (size_t i = 0; cli_commands[i]; i++)
        for (const struct cli_example *e = cli_commands[i]->examples; e && e->line; e++)
            fprintf(out, "%-62s # %s\n", e->line, e->what);
    fputs("```\n\n| exit code | meaning |\n| ---: | --- |\n", out);
#define ROW(code, text) fprintf(out, "| %d | %s |\n", code, text);
    EXIT_CODES(ROW)
#undef ROW
}
