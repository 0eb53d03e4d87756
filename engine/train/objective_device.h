/* The passes of objective.h on a device: contexts, compressor, decoder and their way back
 * stay there; samples go in, losses and gradients come out. The same numbers up to
 * rounding. */
#ifndef ENGINE_TRAIN_OBJECTIVE_DEVICE_H
#define ENGINE_TRAIN_OBJECTIVE_DEVICE_H

#include <stdbool.h>

#include "engine/compress/compressor_device.h"
#include "engine/model/llama_device.h"
#include "engine/ops/device.h"
#include "engine/train/objective.h"

struct objective_device {
    struct device *d; /* borrowed */
    struct llama_device *llama;
    struct compressor_device params, grads; /* without a compressor: empty */
};

/* Copies the frozen model to the device. compressor: what will be trained or measured (its
 * parameters are sent anew for every pass), or NULL when only full and no contexts are read. */
bool objective_device_open(struct objective_device *o, struct device *d, const struct model *model,
                           const struct compressor *compressor, bool reduced, struct err *err);
void objective_device_close(struct objective_device *o);

struct pass; /* objective_private.h */

/* objective_run behind pass_begin. */
bool run_on_device(struct pass *p, double scale, const struct compressor_params *grads, real *dsoft,
                   struct objective_result *result, const struct progress *progress,
                   struct err *err);

#endif
