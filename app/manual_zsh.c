/* Completion for zsh: specifications of _arguments for each command, in arrays. */
#include <string.h>

#include "app/manual.h"

/* Text inside of a quoted specification: quotes end and begin again, and what _arguments
 * would take as its own gets a backslash. */
static void zsh_text(FILE *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            putc('\\', out);
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, out);
    }
}

/* Of the kind; folders are always there. */
static void zsh_files(FILE *out, const char *wanted)
{
    fputs("_files", out);
    if (wanted && *wanted == '/')
        fputs(" -/", out);
    if (!wanted || *wanted != '.')
        return;
    fputs(" -g \"*(", out);
    fputs(wanted, out);
    fputs(")\"", out);
}

/* What may follow an option that takes a value. */
static void zsh_value(FILE *out, const struct cli_option *o)
{
    if (o->kind == CLI_FLAG)
        return;
    putc(':', out);
    zsh_text(out, o->kind == CLI_CHOICE ? o->name : o->value, ":");
    putc(':', out);
    if (o->kind == CLI_PATH)
        zsh_files(out, o->files);
    if (o->kind != CLI_CHOICE)
        return;
    putc('(', out);
    for (const char *c = o->value; *c; c++)
        putc(*c == '|' ? ' ' : *c, out);
    putc(')', out);
}

static void zsh_option(FILE *out, const struct cli_option *o, const char *name, const char *takes)
{
    fputs("    '", out);
    if (o->many)
        putc('*', out);
    else if (o->letter)
        fprintf(out, "(-%c --%s)", o->letter, o->name);
    fprintf(out, "%s%s[", name, o->kind == CLI_FLAG ? "" : takes);
    zsh_text(out, o->help, "[]\\");
    putc(']', out);
    zsh_value(out, o);
    fputs("'\n", out);
}

/* All options of a table; `but`: a command whose own options go before. */
static void zsh_options(FILE *out, const struct cli_option *o, const struct cli_command *but)
{
    for (; o && o->name; o++) {
        char longer[64], shorter[3] = {'-', o->letter, '\0'};
        if (but && cli_find_option(but, o->name) != o)
            continue;
        snprintf(longer, sizeof longer, "--%s", o->name);
        zsh_option(out, o, longer, "=");
        if (o->letter)
            zsh_option(out, o, shorter, "+");
    }
}

void manual_zsh(FILE *out)
{
    fputs("#compdef comprexit\n"
          "# zsh completion for comprexit, made by `comprexit completion zsh`\n"
          "_comprexit()\n{\n"
          "  local -a commands options\n  local command= word\n"
          "  for word in ${words[2,CURRENT-1]}; do\n    case $word in\n    (",
          out);
    manual_command_words(out);
    fputs(") command=$word; break;;\n    esac\n  done\n  commands=(\n", out);
    for (size_t i = 0; cli_commands[i]; i++) {
        fprintf(out, "    '%s:", cli_commands[i]->name);
        zsh_text(out, cli_commands[i]->summary, "");
        fputs("'\n", out);
    }
    fputs("  )\n  case ${command:-explore} in\n", out);
    for (size_t i = 0; cli_commands[i]; i++) {
        fprintf(out, "  (%s) options=(\n", cli_commands[i]->name);
        zsh_options(out, cli_commands[i]->options, NULL);
        zsh_options(out, cli_common_options, cli_commands[i]);
        fputs("  );;\n", out);
    }
    fputs("  esac\n"
          "  [[ -n $command || $PREFIX == -* ]] || _describe command commands\n"
          "  _arguments -S : $options '*:file:_files'\n"
          "}\n"
          "if [[ $funcstack[1] == _comprexit ]]; then _comprexit \"$@\"; "
          "else compdef _comprexit comprexit; fi\n",
          out);
}
