#include "app/data_rows.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"
#include "engine/base/text.h"

enum { BAD_KEPT = 1000, TICK_ROWS = 256 };

static char *clean_copy(const char *text, size_t length)
{
    enum { ROW_BYTES = 256 };
    char out[ROW_BYTES];
    text_sanitize(out, sizeof out, text, length);
    return xstrdup(out);
}

struct samples_row *data_rows_add(struct samples *s)
{
    MEM_GROW(s->rows, s->rows_capacity, s->n_rows + 1);
    struct samples_row *row = &s->rows[s->n_rows++];
    *row = (struct samples_row){0};
    return row;
}

void data_rows_bad(void *context, size_t line, const char *reason)
{
    struct samples *bad = context;
    if (bad->n_rows == BAD_KEPT)
        return;
    struct samples_row *row = data_rows_add(bad);
    row->line = line;
    row->bad = true;
    row->text = clean_copy(reason, strlen(reason));
}

static int ascending(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static size_t median(size_t *values, size_t n)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof *values, ascending);
    return values[n / 2];
}

/* Counts contexts by length; what was cut off is part of it where it is known in
 * tokens. */
static void count_bins(struct samples *s, const size_t *length, size_t n)
{
    s->bin_width = size_max(1, size_div_up(s->longest + 1, SAMPLES_BINS));
    for (size_t i = 0; i < n; i++)
        s->bin[size_min(length[i] / s->bin_width, SAMPLES_BINS - 1)]++;
}

static bool question_rows(struct samples *s, const struct dataset *d, enum phase phase,
                          const struct tokenizer *tokenizer, const struct progress *progress,
                          struct err *err)
{
    const struct block_shape shape = {s->context, s->predict};
    size_t n = s->n_samples;
    size_t *length = xcalloc(n + 1, sizeof *length), *answer = xcalloc(n + 1, sizeof *answer);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        const struct dataset_question *q = &d->questions[i];
        struct sample sample = dataset_sample(d, tokenizer, PART_TRAINING, phase, shape, i);
        struct samples_row *row = data_rows_add(s);
        row->line = q->line;
        row->context = sample.n_context;
        row->cut = q->context_cut;
        row->cut_characters = q->context_cut > 0 && q->context_n < s->context;
        row->counted = sample_labels(&sample);
        row->query = sample.n_query - row->counted;
        row->answer = row->counted ? row->counted - 1 : 0;
        row->text = clean_copy(q->question, strlen(q->question));
        length[i] = q->context_n + (row->cut_characters ? 0 : q->context_cut);
        answer[i] = row->answer;
        s->longest = size_max(s->longest, length[i]);
        s->longer += q->context_cut > 0;
        sample_free(&sample);
        if (i % TICK_ROWS == 0)
            ok = progress_tick(progress, "samples", i, n, err);
    }
    if (ok) {
        count_bins(s, length, n);
        s->median = median(length, n);
        s->answer_median = median(answer, n);
    }
    free(length);
    free(answer);
    return ok;
}

/* How a block begins: as far as a row of the list can show it. */
static char *beginning(const struct tokenizer *tokenizer, const struct sample *sample)
{
    enum { TOKENS = 40 };
    size_t length;
    char *whole = tokenizer_decode(tokenizer, sample->context, size_min(sample->n_context, TOKENS),
                                   false, &length);
    size_t blanks = strspn(whole, " ");
    char *text = clean_copy(whole + blanks, length - blanks - text_incomplete(whole, length));
    free(whole);
    return text;
}

static bool block_rows(struct samples *s, const struct dataset *d, enum phase phase,
                       const struct tokenizer *tokenizer, const struct progress *progress,
                       struct err *err)
{
    const struct block_shape shape = {s->context, s->predict};
    size_t n = s->n_samples;
    for (size_t i = 0; i < n; i++) {
        struct sample sample = dataset_sample(d, tokenizer, PART_TRAINING, phase, shape, i);
        struct samples_row *row = data_rows_add(s);
        row->context = shape.context;
        row->counted = shape.predict;
        row->text = beginning(tokenizer, &sample);
        sample_free(&sample);
        if (i % TICK_ROWS == 0 && !progress_tick(progress, "samples", i, n, err))
            return false;
    }
    return true;
}

bool data_rows_fill(struct samples *s, const struct dataset *d, enum phase phase,
                    const struct tokenizer *tokenizer, const struct progress *progress,
                    struct err *err)
{
    return dataset_is_qa(d) ? question_rows(s, d, phase, tokenizer, progress, err)
                            : block_rows(s, d, phase, tokenizer, progress, err);
}
