/* Completion for bash: commands, options, and the values of options. */
#include "app/manual.h"

#include <string.h>

static void bash_options(FILE *out, const struct cli_option *o)
{
    for (; o && o->name; o++)
        fprintf(out, " --%s", o->name);
}

/* Names of files of the kind: folders, and those with each of the endings. */
static void bash_files(FILE *out, const char *wanted)
{
    if (!wanted || !*wanted || *wanted == '!') {
        fputs("COMPREPLY=($(compgen -f -- \"$cur\"))", out);
        return;
    }
    fputs("COMPREPLY=($(compgen -d -- \"$cur\"", out);
    while (*wanted == '.') {
        size_t length = strcspn(wanted, "|");
        fprintf(out, "; compgen -f -X '!*%.*s' -- \"$cur\"", (int)length, wanted);
        wanted += length + (wanted[length] == '|');
    }
    fputs("))", out);
}

/* One branch per option that takes a value: what may follow it. */
static void bash_values(FILE *out, const struct cli_option *o)
{
    for (; o && o->name; o++) {
        if (o->kind == CLI_FLAG)
            continue;
        fprintf(out, "    --%s", o->name);
        if (o->letter)
            fprintf(out, "|-%c", o->letter);
        fputs(") ", out);
        if (o->kind == CLI_PATH)
            bash_files(out, o->files);
        else if (o->kind == CLI_CHOICE) {
            fputs("COMPREPLY=($(compgen -W \"", out);
            for (const char *c = o->value; *c; c++)
                putc(*c == '|' ? ' ' : *c, out);
            fputs("\" -- \"$cur\"))", out);
        } else
            fputs("COMPREPLY=()", out);
        fputs("; return;;\n", out);
    }
}

void manual_command_words(FILE *out)
{
    for (size_t i = 0; cli_commands[i]; i++)
        fprintf(out, "%s%s", i ? "|" : "", cli_commands[i]->name);
}

void manual_bash(FILE *out)
{
    fputs("# bash completion for comprexit, made by `comprexit completion bash`\n"
          "_comprexit()\n{\n"
          "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= word\n"
          "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
          "    case $word in\n    ",
          out);
    manual_command_words(out);
    fputs(") command=$word; break;;\n    esac\n  done\n", out);
    for (size_t i = 0; cli_commands[i]; i++) {
        fprintf(out, "  if [ \"$command\" = %s ]; then\n    case $prev in\n",
                cli_commands[i]->name);
        bash_values(out, cli_commands[i]->options);
        fputs("    *) ;;\n    esac\n  fi\n", out);
    }
    fputs("  case $prev in\n", out);
    bash_values(out, cli_common_options);
    fputs("  esac\n  local options=\"", out);
    bash_options(out, cli_common_options);
    fputs("\"\n  case $command in\n", out);
    for (size_t i = 0; cli_commands[i]; i++) {
        fprintf(out, "  %s) options+=\"", cli_commands[i]->name);
        bash_options(out, cli_commands[i]->options);
        fputs("\";;\n", out);
    }
    fputs("  '') options+=\"", out);
    for (size_t i = 0; cli_commands[i]; i++)
        fprintf(out, " %s", cli_commands[i]->name);
    fputs("\";;\n  esac\n"
          "  if [[ $cur == -* || -z $command ]]; then\n"
          "    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
          "  fi\n"
          "  [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
          "}\n"
          "complete -o filenames -F _comprexit comprexit\n",
          out);
}
