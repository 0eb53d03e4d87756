/* `comprexit info [FILE]`: facts about a file, or about the machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/file_kind.h"
#include "app/host.h"
#include "app/report.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

/* ---- the same facts for people: one "name  value" a line ------------------------------ */

static void print_value(const json_t *value);

static void print_list(const json_t *list, const char *separator)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i)
            fputs(separator, stdout);
        print_value(json_array_get(list, i));
    }
}

/* The values of an object in a row, as a tensor's: "wq F32 32x64". Where none of them is the
 * name of the whole, each with its own: "mute_slot 6". */
static void print_row(const json_t *object)
{
    const char *key, *separator = "";
    json_t *value;
    bool named = json_is_string(
        json_object_iter_value(json_object_iter((json_t *)(uintptr_t)object)));
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        fputs(separator, stdout);
        if (!named) {
            char name[96];
            text_sanitize(name, sizeof name, key, strlen(key));
            printf("%s ", name);
        }
        print_value(value);
        separator = "  ";
    }
}

static void print_value(const json_t *value)
{
    if (json_is_string(value)) {
        size_t length = json_string_length(value), room = length * TEXT_ESCAPE_MAX + 1;
        char *shown = xmalloc(room);
        text_sanitize(shown, room, json_string_value(value), length);
        fputs(shown, stdout);
        free(shown);
    } else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        printf("%.6g", json_real_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", stdout);
    else if (json_is_array(value))
        print_list(value, json_is_integer(json_array_get(value, 0)) ? "x" : " ");
    else if (json_is_object(value))
        print_row(value);
    else
        putchar('-');
}

enum { NAME_COLUMN = 22 };

static void print_facts(const json_t *object, int indent)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char name[96];
        text_sanitize(name, sizeof name, key, strlen(key));
        printf("%*s%-*s", indent, "", NAME_COLUMN - indent, name);
        if (json_is_object(value)) {
            putchar('\n');
            print_facts(value, indent + 2);
            continue;
        }
        putchar(' ');
        bool rows = json_is_object(json_array_get(value, 0));
        if (rows)
            for (size_t i = 0; i < json_array_size(value); i++) {
                printf("\n%*s", indent + 2, "");
                print_value(json_array_get(value, i));
            }
        else if (strcmp(key, "range") == 0) /* no shape: from, to */
            print_list(value, "-");
        else
            print_value(value);
        putchar('\n');
    }
}

/* ---- the command ------------------------------------------------------------------------ */

static json_t *describe_file(const char *path, struct err *err)
{
    const struct file_kind *kind = file_kind_of(path, err);
    json_t *facts = kind ? kind->describe(path, err) : NULL;
    if (!facts)
        return NULL;
    json_t *object = json_pack("{s:o, s:s}", "file", report_text(path, strlen(path)), "kind",
                               kind->name);
    json_object_update(object, facts);
    json_decref(facts);
    return object;
}

static bool run(const struct cli_arguments *a, struct err *err)
{
    json_t *facts = a->n_operands ? describe_file(a->operands[0], err) : host_json();
    if (!facts)
        return false;
    if (cli_flag(a, "json")) {
        report_json(facts);
        return true;
    }
    print_facts(facts, 0);
    json_decref(facts);
    return true;
}

static const struct cli_example examples[] = {
    {"comprexit info", "the machine, kernels and libraries"},
    {"comprexit info model.gguf --json", "configuration, tokenizer and tensor types of a model"},
    {NULL, NULL},
};

const struct cli_command command_info = {
    .name = "info",
    .operands = "[FILE]",
    .max_operands = 1,
    .summary = "print facts about a model, compressor or data set, or the machine",
    .examples = examples,
    .groups = CLI_OUTPUT,
    .run = run,
};
