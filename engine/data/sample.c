#include "engine/data/sample.h"

#include <stdlib.h>

#include "engine/base/mem.h"

struct sample sample_new(size_t n_context, size_t n_query)
{
    int32_t *block = xcalloc(n_context + 2 * n_query + 1, sizeof *block);
    return (struct sample){
        .context = block,
        .query = block + n_context,
        .labels = block + n_context + n_query,
        .n_context = n_context,
        .n_query = n_query,
    };
}

void sample_free(struct sample *sample)
{
    free(sample->context);
    *sample = (struct sample){0};
}

size_t sample_labels(const struct sample *sample)
{
    size_t n = 0;
    for (size_t t = 0; t < sample->n_query; t++)
        n += sample->labels[t] != LABEL_NONE;
    return n;
}
