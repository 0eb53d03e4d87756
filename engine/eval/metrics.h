/* Exact match and F1 as SQuAD's evaluation defines them (METHOD section 7): both
 * texts lower-cased, punctuation and the words a, an, the dropped, blanks
 * collapsed; F1 over the bag of words. */
#ifndef ENGINE_EVAL_METRICS_H
#define ENGINE_EVAL_METRICS_H

#include <stdbool.h>
#include <stddef.h>

/* The answer inside a generated text: what stands before the first '.' or
 * newline, stripped of blanks. Returns its length and sets *start (bytes). */
size_t metrics_answer_span(const char *text, size_t length, size_t *start);

/* The normalised form of text, to be freed. */
char *metrics_normalize(const char *text, size_t length);

struct metrics_score {
    double exact; /* 0 or 1 */
    double f1;    /* 0..1 */
};

/* Of one prediction against one gold answer; NUL-terminated UTF-8. */
struct metrics_score metrics_compare(const char *prediction, const char *gold);

/* The best over several gold answers, exact and f1 each on its own. */
struct metrics_score metrics_best(const char *prediction, const char *const *gold, size_t n_gold);

/* A pass takes the context of the next sample as the wrong one. Blocks that follow each other
 * in a text are about the same: place k of n holds this block, whose next is about n / 2 away
 * from it. Each of 0..n-1 once. */
size_t metrics_apart(size_t k, size_t n);

#endif
