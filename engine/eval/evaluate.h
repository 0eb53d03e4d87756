/* Question answering over a data set: greedy answers from the full, the compressed,
 * a wrong compressed and no context, with EM, F1 and the loss of the gold answer
 * (METHOD section 7). */
#ifndef ENGINE_EVAL_EVALUATE_H
#define ENGINE_EVAL_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/progress.h"
#include "engine/compress/compressor.h"
#include "engine/data/dataset.h"
#include "engine/eval/metrics.h"
#include "engine/model/model.h"

enum eval_mode { EVAL_FULL, EVAL_COMPRESSED, EVAL_WRONG, EVAL_NONE, EVAL_MODES };
extern const char *const eval_mode_name[EVAL_MODES]; /* "full", "compressed", "wrong", "none" */

struct evaluate_options {
    struct model *model;
    const struct compressor *compressor;
    struct compress_settings settings;
    size_t budget;     /* tokens of context that are kept, at its end (512) */
    size_t max_tokens; /* of an answer (20) */
    size_t limit;      /* questions; 0 = all */
    size_t skip;       /* questions that were done before */
    unsigned modes;    /* bits 1 << enum eval_mode */
    const real *soft_prompt; /* [n_soft, H] before everything, or NULL */
    size_t n_soft;
};

struct evaluate_sums {
    size_t n;
    double exact, f1, exact_squared, f1_squared; /* sums over questions */
    double nll;    /* sum over labels of the first gold answer and EOS */
    size_t labels;
    double ms;
};

/* One question in one mode; texts are borrowed during the call. */
struct prediction {
    const char *qid;
    enum eval_mode mode;
    const char *text;
    const struct dataset_question *question;
    struct metrics_score score;
    double nll; /* sum over `labels` */
    size_t labels;
    double ms; /* with its part of what questions of one context share */
    size_t context;   /* vectors that stand for the context: tokens or slots */
    size_t positions; /* of the cache that the prompt occupies */
};

struct evaluate_listener {
    void (*predicted)(void *context, const struct prediction *prediction);
    /* All questions of one context are done in all modes: what was predicted can be
     * written down, and an evaluation can be taken up again from here. */
    bool (*context_done)(void *context, struct err *err);
    void *context;
};

/* Adds to sums[mode]; contexts that questions share are compressed once. */
bool evaluate(const struct evaluate_options *options, const struct dataset *dataset,
              struct evaluate_sums sums[EVAL_MODES], const struct evaluate_listener *listener,
              const struct progress *progress, struct err *err);

/* Half width of the 95 % confidence interval of a mean (normal approximation). */
double evaluate_interval(double sum, double squared, size_t n);

#endif
