/* Muon: momentum whose step is made orthogonal, for 2-D weights (an extension of
 * ours beside the published AdamW; see TRAINING in README.md).
 *   m <- mu m + (1 - mu) g;   u = (1 - mu) g + mu m          (Nesterov)
 *   o = u (u^T u)^(-1/2), by 5 Newton-Schulz steps of a quintic
 *   w <- w - lr 0.2 sqrt(max(rows, cols)) sqrt(max(1, rows / cols)) o  */
#ifndef ENGINE_TRAIN_MUON_H
#define ENGINE_TRAIN_MUON_H

#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/ops/device.h"
#include "engine/ops/real.h"

/* One step on w [rows, cols]; momentum [rows, cols] is updated. gradient is
 * multiplied by grad_scale (clipping) first. All of it is here; the Newton-Schulz steps
 * are made on d, or here when it is NULL. */
void muon_step(real *w, real *momentum, const real *gradient, size_t rows, size_t cols, double lr,
               double mu, double grad_scale, struct device *d, struct arena *scratch);

/* x [rows, cols] -> the nearest matrix with orthonormal rows or columns, roughly:
 * its singular values end between about 0.7 and 1.2. */
void muon_orthogonalize(real *x, size_t rows, size_t cols, struct device *d,
                        struct arena *scratch);

#endif
