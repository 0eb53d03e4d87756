/* Measurements of `comprexit bench`: one frozen model, its
 * compressor with the published shape, 512 tokens of context, 128 predicted. */
#ifndef APP_BENCH_H
#define APP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/progress.h"
#include "engine/model/weights.h"

enum { BENCH_CONTEXT = 512, BENCH_PREDICT = 128, BENCH_REPEAT_MAX = 100 };

/* A question with its answer, and the tokens of the answer and EOS, which count. */
enum { BENCH_QUESTION = 40, BENCH_ANSWER = 8 };

/* Medians over the repetitions; milliseconds unless named otherwise. */
struct bench_times {
    double load;      /* open, and prepare every weight (a first pass over one token) */
    double prefill;   /* the context, with all hidden states kept */
    double decode;    /* the predicted tokens, one by one */
    double gate, mass, plan, slots, project; /* the stages of one compression */
    double backward;  /* the compressor's gradients */
    double ntp_step, sft_step; /* one sample forwards and backwards, and AdamW */
    size_t hidden_states, hidden_size;
};

/* path: the model. Token ids are random from seed, parameters untrained: times do
 * not depend on either. */
bool bench_run(const char *path, enum precision precision, size_t repeat, uint64_t seed,
               struct bench_times *out, const struct progress *progress, struct err *err);

/* How often a precision and F32 find the same token most likely after each token of a text,
 * and the mean of KL(F32 || precision). */
struct bench_agreement {
    double top1, mean_kl;
};
bool bench_agree(const char *path, const char *text, size_t size,
                 const enum precision *precisions, size_t count, struct bench_agreement *out,
                 struct err *err);

#endif
