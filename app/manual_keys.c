/* The explorer's keys and commands in the manual, from the tables that the explorer
 * itself runs by. */
#include <string.h>

#include "app/actions.h"
#include "app/keys.h"
#include "app/manual.h"

#define KEY_ROW(keys, scope, group, command, help) {keys, SCOPE_##scope, GROUP_##group, help},
static const struct {
    const char *keys;
    enum key_scope scope;
    enum key_group group;
    const char *help;
} rows[] = {KEYS(KEY_ROW)};
#undef KEY_ROW
enum { N_ROWS = sizeof rows / sizeof *rows };

/* "MOVE" as "Move". */
static void write_group_name(FILE *out, enum key_group group)
{
    const char *name = key_group_name[group];
    putc(name[0], out);
    for (const char *c = name + 1; *c; c++)
        putc(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c, out);
}

void manual_keys(FILE *out)
{
    fputs("Keys of the explorer\n", out);
    for (int group = 0; group < GROUP_COUNT; group++) {
        putc('\n', out);
        write_group_name(out, (enum key_group)group);
        putc('\n', out);
        for (size_t i = 0; i < N_ROWS; i++)
            if (rows[i].group == (enum key_group)group)
                fprintf(out, "  %-10s %s%s%s\n", rows[i].keys, rows[i].help,
                        rows[i].scope == SCOPE_ANY ? "" : ": ",
                        rows[i].scope == SCOPE_ANY ? "" : key_scope_name[rows[i].scope]);
    }
}

/* " (Train)" where a key holds in one place only. */
static void write_scope(FILE *out, enum key_scope scope)
{
    if (scope != SCOPE_ANY)
        fprintf(out, " (%s)", key_scope_name[scope]);
}

/* Each key in code marks of its own; a back-tick cannot stand in them. */
static void write_key_marks(FILE *out, const char *keys)
{
    while (*keys) {
        size_t length = strcspn(keys, " ");
        fprintf(out, "`%.*s`", (int)length, keys);
        keys += length;
        if (*keys == ' ') {
            putc(' ', out);
            keys++;
        }
    }
}

void manual_keys_markdown(FILE *out)
{
    for (int group = 0; group < GROUP_COUNT; group++) {
        fputs("* **", out);
        write_group_name(out, (enum key_group)group);
        fputs("**: ", out);
        const char *separator = "";
        for (size_t i = 0; i < N_ROWS; i++)
            if (rows[i].group == (enum key_group)group) {
                fputs(separator, out);
                write_key_marks(out, rows[i].keys);
                fprintf(out, " %s", rows[i].help);
                write_scope(out, rows[i].scope);
                separator = " · ";
            }
        putc('\n', out);
    }
}

void manual_keys_man(FILE *out)
{
    fputs(".SH KEYS OF THE EXPLORER\n", out);
    for (int group = 0; group < GROUP_COUNT; group++) {
        fputs(".SS ", out);
        write_group_name(out, (enum key_group)group);
        putc('\n', out);
        for (size_t i = 0; i < N_ROWS; i++)
            if (rows[i].group == (enum key_group)group) {
                fputs(".TP 12\n", out);
                manual_roff(out, rows[i].keys);
                putc('\n', out);
                manual_roff(out, rows[i].help);
                write_scope(out, rows[i].scope);
                putc('\n', out);
            }
    }
    fputs(".SH COMMANDS OF THE EXPLORER\nTyped behind a colon; an unambiguous beginning is "
          "enough.\n",
          out);
    for (size_t i = 0; i < actions_count(); i++) {
        fputs(".TP 12\n\\fB", out);
        manual_roff(out, actions[i].name);
        fputs("\\fR ", out);
        manual_roff(out, actions[i].usage);
        putc('\n', out);
        manual_roff(out, actions[i].help);
        putc('\n', out);
    }
}
