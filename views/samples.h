/* What the Data screen shows of a data file: plain data, made by app/ with the
 * trainer's own code. Texts are sanitised. */
#ifndef VIEWS_SAMPLES_H
#define VIEWS_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

/* A sample, or a record that is none. Lengths in tokens. */
struct samples_row {
    size_t context, cut; /* kept, and cut from the left */
    bool cut_characters; /* cut counts characters: it was cut before it became tokens */
    size_t query, answer, counted;
    char *text; /* the question; how a block of text begins; of a bad record the reason */
    size_t line; /* of the record in the file; 0: none of its own */
    bool bad;    /* no sample: text says why */
};

enum { SAMPLES_BINS = 32 };

struct samples {
    char name[128], phase[16], form[32]; /* "squad.jsonl.gz", "sft", "SQuAD" */
    size_t good, bad, tokens, questions;
    bool refused; /* too many are bad for training */
    size_t median, longest, longer; /* contexts; how many are cut */
    size_t answer_median;
    size_t context, predict; /* what a sample keeps at most */
    struct samples_row *rows;
    size_t n_rows, rows_capacity;
    size_t n_samples; /* in front of the bad records */
    size_t bin[SAMPLES_BINS], bin_width; /* contexts by length, before cutting */
};
void samples_free(struct samples *s); /* frees what it holds, not *s */

/* One sample as the trainer sees it: what is not counted, and what is. */
struct samples_text {
    size_t index;
    char *context, *query, *counted;       /* as text */
    char *context_tokens, *query_tokens, *counted_tokens; /* a bar between tokens */
    char *cut; /* how what was cut begins; NULL: nothing was */
    char *raw; /* the record as it stands in the file; NULL: not read */
    int found; /* is the answer in the kept context? -1: no question */
};
void samples_text_free(struct samples_text *t);

/* Does a row pass the filter? "" all, "cut", "bad", else its text has it, whatever its
 * case, or its number begins with it. */
bool samples_row_matches(const struct samples *s, size_t row, const char *filter);

/* The nearest row from `from` in steps of `by` (1 or -1) that passes; from itself
 * counts. SIZE_MAX: none. */
size_t samples_row_next(const struct samples *s, size_t from, long by, const char *filter);

#endif
