/* Loss of a batch of samples and its gradient: the frozen model reads the
 * contexts, the compressor makes slots, the frozen model predicts the labels from
 * [BOS] ++ slots ++ query; then all of it backwards, to the compressor alone.
 *
 * Loss = sum of cross-entropies / number of labels, over the whole batch. */
#ifndef ENGINE_TRAIN_OBJECTIVE_H
#define ENGINE_TRAIN_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/progress.h"
#include "engine/compress/compressor.h"
#include "engine/data/sample.h"
#include "engine/model/llama.h"

/* Where the decoder's positions stand when a context is shorter than the budget. */
enum positions {
    POSITIONS_CONTIGUOUS, /* as in generation */
    POSITIONS_REFERENCE   /* the empty slots of the budget keep their places behind BOS */
};

/* What stands in place of the context. */
enum context_mode {
    CONTEXT_COMPRESSED, /* its slots */
    CONTEXT_WRONG,      /* the slots of the next sample's context: the control */
    CONTEXT_FULL,       /* its tokens */
    CONTEXT_NONE,       /* nothing */
    CONTEXT_MODES
};
extern const char *const context_mode_name[CONTEXT_MODES];

struct objective {
    struct model *model; /* frozen */
    const struct compressor *compressor;
    struct compress_settings settings;
    size_t budget; /* longest context (512); POSITIONS_REFERENCE pads to it */
    enum positions positions;
    const real *soft_prompt; /* [n_soft, H] in front of every question, or NULL */
    size_t n_soft;
    double distill; /* times the KL divergence from the full context (our extension) */
    struct arena *memory; /* a wide one, kept from pass to pass; NULL: each takes its own */
    struct objective_device *device; /* where it is computed (objective_device.h); NULL: here */
};

/* What a pass found, for logs and plan health. */
struct objective_result {
    double loss;     /* mean over labels; in a mixture each kind's own, weighted by samples */
    double nll_sum;  /* sum over labels */
    double kl;       /* mean over labels of KL(full context || this), when distilling */
    size_t labels;
    size_t tokens;   /* context and query tokens read */
    double gate_max; /* mean weight of the largest layer of the gate */
    double gate_entropy; /* bits, mean over tokens */
    double spread;   /* effective tokens per slot, mean: exp of entropy of P[.,j]/b */
    double senders_off; /* mean over windows of the row error of the plan */
};

/* Gradients are added to *grads (NULL: loss only) and, with a soft prompt, to
 * dsoft [n_soft, H] (NULL: not wanted), both scaled by `scale` on the mean loss. */
bool objective_run(const struct objective *o, enum context_mode mode, const struct sample *samples,
                   size_t n, double scale, const struct compressor_params *grads, real *dsoft,
                   struct objective_result *result, const struct progress *progress,
                   struct err *err);

#endif
