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

static void write_code(FILE *out, const char *text)
{
    putc('`', out);
    write_cell(out, text);
    putc('`', out);
}

void manual_markdown(FILE *out)
{
    fputs("| command | what it does | for example |\n| --- | --- | --- |\n", out);
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *c = cli_commands[i];
        fprintf(out, "| `%s%s", c->name, c->operands[0] ? " " : "");
        write_cell(out, c->operands);
        fputs("` | ", out);
        write_cell(out, c->summary);
        fputs(" | ", out);
        if (c->examples && c->examples->line)
            write_code(out, c->examples->line);
        fputs(" |\n", out);
    }
    fputs("\n| exit code | meaning |\n| ---: | --- |\n", out);
#define ROW(code, text) fprintf(out, "| %d | %s |\n", code, text);
    EXIT_CODES(ROW)
#undef ROW
}
