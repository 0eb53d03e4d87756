#include "views/samples.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "views/view_state.h"

void samples_free(struct samples *s)
{
    for (size_t i = 0; i < s->n_rows; i++)
        free(s->rows[i].text);
    free(s->rows);
    *s = (struct samples){0};
}

void samples_text_free(struct samples_text *t)
{
    free(t->context);
    free(t->query);
    free(t->counted);
    free(t->context_tokens);
    free(t->query_tokens);
    free(t->counted_tokens);
    free(t->cut);
    free(t->raw);
    *t = (struct samples_text){0};
}

bool samples_row_matches(const struct samples *s, size_t row, const char *filter)
{
    const struct samples_row *r = &s->rows[row];
    char number[24];
    if (!filter[0])
        return true;
    if (strcmp(filter, "cut") == 0)
        return r->cut > 0;
    if (strcmp(filter, "bad") == 0)
        return r->bad;
    snprintf(number, sizeof number, "%zu", row);
    return strncmp(number, filter, strlen(filter)) == 0 || view_text_matches(r->text, "", filter);
}

size_t samples_row_next(const struct samples *s, size_t from, long by, const char *filter)
{
    for (size_t at = from; at < s->n_rows; at += (size_t)by)
        if (samples_row_matches(s, at, filter))
            return at;
    return SIZE_MAX;
}
