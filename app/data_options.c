#include "app/data_options.h"

#include <stdlib.h>
#include <string.h>

#include "app/values.h"
#include "engine/base/mem.h"

static const char words[] = "text|context|question|answers|id";

/* "context=passage". */
static bool add_field(struct data_options *o, char *pair)
{
    struct records_options *r = &o->records;
    const char **member[DATA_FIELDS] = {&r->text, &r->context, &r->question, &r->answers, &r->id};
    size_t index;
    char *equals = strchr(pair, '=');
    if (!equals || !equals[1])
        return false;
    *equals = '\0';
    if (!value_choice(pair, words, &index))
        return false;
    free(o->field[index]);
    *member[index] = o->field[index] = xstrdup(equals + 1);
    return true;
}

bool data_options_read(struct data_options *o, const struct cli_arguments *a, struct err *err)
{
    const char *list = cli_text(a, "map"), *item;
    size_t length;
    *o = (struct data_options){.records.separator = cli_text(a, "separator")};
    while (value_next_item(&list, &item, &length)) {
        char *pair = xstrndup(item, length);
        bool ok = add_field(o, pair);
        free(pair);
        if (!ok) {
            data_options_free(o);
            return err_set(err, ERR_USAGE, "--map: expected FIELD=NAME, fields are %s", words);
        }
    }
    return true;
}

void data_options_free(struct data_options *o)
{
    for (size_t i = 0; i < DATA_FIELDS; i++)
        free(o->field[i]);
    *o = (struct data_options){0};
}

const char *data_options_file(const struct cli_arguments *a, size_t i)
{
    size_t named = 0;
    for (const char *file; (file = cli_text_at(a, "data", named)); named++)
        if (named == i)
            return file;
    size_t at = 1 + i - named;
    return named && at < a->n_operands ? a->operands[at] : NULL;
}
