/* One training sample: a context to be compressed, what the decoder is fed behind
 * it, and which of the tokens count in the loss. */
#ifndef ENGINE_DATA_SAMPLE_H
#define ENGINE_DATA_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No loss at this place. */
enum { LABEL_NONE = -100 };

/* labels[t] is predicted at the position just before query token t: the first one
 * from the last position of the context (METHOD section 6, golden/README). */
struct sample {
    int32_t *context; /* [n_context] */
    int32_t *query;   /* [n_query] what the decoder is fed */
    int32_t *labels;  /* [n_query] token ids or LABEL_NONE */
    size_t n_context, n_query;
    bool question; /* a question on the context: a soft prompt stands in front of it */
};

/* An empty sample with room for so many tokens; one block, freed by sample_free. */
struct sample sample_new(size_t n_context, size_t n_query);
void sample_free(struct sample *sample);

/* Number of labels that count. */
size_t sample_labels(const struct sample *sample);

#endif
