/* The training loop, one step at a time: draw samples, pass them through the
 * objective micro-batch by micro-batch, check, clip, update. What is trained is a
 * compressor (phases ntp, sft, mixtures) or a soft prompt (phase prompt).
 *
 *     struct trainer t;
 *     trainer_init(&t, &config, model, datasets, n, &err);
 *     while (t.state.step < config.steps)
 *         trainer_step(&t, &report, progress, &err);
 */
#ifndef ENGINE_TRAIN_TRAINER_H
#define ENGINE_TRAIN_TRAINER_H

#include "engine/base/progress.h"
#include "engine/data/stream.h"
#include "engine/eval/soft_prompt.h"
#include "engine/compress/checkpoint_io.h"
#include "engine/train/checkpoint.h"
#include "engine/train/config.h"
#include "engine/train/objective_device.h"
#include "engine/train/parameters.h"
#include "engine/train/ranks.h"

/* Steps in a row with a non-finite loss or gradient that end a run. */
enum { NONFINITE_MAX = 10 };

/* The most held-out samples in one pass. */
enum { VALIDATION_SAMPLES = 8 };

struct step_report {
    size_t step;      /* steps done, this one included */
    double loss;      /* mean of the micro-batches' mean losses */
    double grad_norm; /* before clipping */
    double lr;
    double ratio, eps;
    size_t tokens, samples; /* of all processes */
    double ms; /* without what the progress callback kept */
    bool skipped; /* non-finite: nothing was changed */
    struct objective_result health; /* of the last micro-batch */
};

/* Losses in nats a label over held-out samples of one kind. */
struct validation {
    char kind[32]; /* "ntp 128+64", "sft 512+128" */
    size_t samples;
    double loss[CONTEXT_MODES];
    double gap_closed;  /* (none - compressed) / (none - full) */
    double about_text;  /* wrong - compressed: what is about this passage, nats */
    struct objective_result health; /* of the compressed pass */
};
enum { VALIDATIONS_MAX = STREAM_SHAPES_MAX + 1 };

struct trainer {
    struct train_config config;
    struct ranks ranks;  /* the processes that share a step; {0, 1} when alone */
    struct model *model; /* borrowed */
    struct compressor compressor;
    struct compressor_params gradients; /* views into parameters.gradient */
    struct parameters parameters;
    struct stream stream;
    struct checkpoint_state state;
    struct compressor_info start; /* of the file that the run began from; else zeros */
    size_t nonfinite_in_row;
    struct arena memory; /* of passes and updates */
    struct device *gpu; /* device = cuda: owned; NULL: passes are computed here */
    struct objective_device on_device;
    /* phase prompt */
    real *soft_prompt; /* [soft_tokens, H], owned, trained; NULL otherwise */
    struct soft_prompt lead; /* frozen, in front of questions; empty without one */
    struct compressor_tensor soft_tensor;
    /* full and none do not depend on what is trained: measured once a kind */
    double fixed_loss[VALIDATIONS_MAX][CONTEXT_MODES];
    bool fixed_known[VALIDATIONS_MAX];
};

/* The model and the data sets stay borrowed. */
bool trainer_init(struct trainer *t, const struct train_config *config, struct model *model,
                  struct dataset **datasets, size_t n_datasets, struct err *err);
void trainer_free(struct trainer *t);

/* Gives back the memory that passes keep: before something else takes some, and after it. */
void trainer_rest(struct trainer *t);

/* Computes the passes on d from now on, which the trainer closes. trainer_init does it by
 * itself where the configuration names a device. */
bool trainer_use_device(struct trainer *t, struct device *d, struct err *err);

/* One optimizer step. ERR_NONFINITE after NONFINITE_MAX bad steps in a row;
 * ERR_CANCELLED leaves everything as before the step. */
bool trainer_step(struct trainer *t, struct step_report *report, const struct progress *progress,
                  struct err *err);

/* Loss on held-out samples at config.valid_ratio, with the mean of the weights where one is
 * kept; returns the number of kinds. */
size_t trainer_validate(struct trainer *t, struct validation out[VALIDATIONS_MAX],
                        const struct progress *progress, struct err *err);

/* The number that decides which checkpoint is the best: the mean compressed loss. */
double validation_score(const struct validation *v, size_t n);

/* Learning rate of step s = 0, 1, .. (METHOD section 6). */
double trainer_rate(const struct train_config *config, size_t step);

#endif
