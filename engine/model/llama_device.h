/* The frozen model on a device (engine/ops/device.h), for training: contexts in, hidden
 * states of all layers out; and a decoder pass with its way back to the input embeddings.
 * The same as llama_forward and llama_tape_*, whole batches at a time; no cache.
 * Notation: H hidden, L blocks, V vocabulary. */
#ifndef ENGINE_MODEL_LLAMA_DEVICE_H
#define ENGINE_MODEL_LLAMA_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/model/model.h"
#include "engine/ops/device.h"

struct llama_device;

/* Copies the weights, widened, into the device's memory, where they stay; the model is
 * borrowed. reduced: products in TF32. ERR_MEMORY when they do not fit. */
struct llama_device *llama_device_open(struct device *d, const struct model *model, bool reduced,
                                       struct err *err);
void llama_device_free(struct llama_device *m);

/* The embedding matrix [V, H] on the device. */
const real *llama_device_embeddings(const struct llama_device *m);

/* hidden [blocks + 1, n, H] on the device of independent sequences of ids [n] (host):
 * rows starts[s]..starts[s+1]-1 (host), positions from 0. The last state is taken after
 * the final norm. */
void llama_device_encode(struct llama_device *m, const int32_t *ids, const size_t *starts,
                         size_t sequences, size_t blocks, real *hidden);

/* What a pass keeps until its way back: everything (nothing is computed again). */
struct llama_device_tape {
    struct device_pack pack;
    size_t n;
    real *cosine, *sine;  /* [n, head_dim / 2] */
    real *last, *rstd;    /* [n, H] before the final norm, [n] */
    real *final;          /* [n, H] */
    struct llama_device_saved *saved; /* host [L], private */
};

/* embeddings [n, H] on the device (borrowed until the way back), positions [n] and pack on
 * the host. What is kept is taken from the device; free the tape's host part with
 * llama_device_tape_free. */
void llama_device_tape_forward(struct llama_device *m, const real *embeddings,
                               const int32_t *positions, const struct attention_pack *pack,
                               struct llama_device_tape *tape);
/* dx [n, H]: in d(loss)/d(final), out d(loss)/d(embeddings). */
void llama_device_tape_backward(struct llama_device *m, const struct llama_device_tape *tape,
                                real *dx);
void llama_device_tape_free(struct llama_device_tape *tape);

/* Cross-entropy of `count` labels (host) predicted by rows (host) of final [n, H]: nll [count]
 * on the host (waits). dfinal [n, H] (NULL: not wanted) becomes the gradient of
 * sum weight[i] nll[i]. */
void llama_device_cross_entropy(struct llama_device *m, const real *final, size_t n,
                                const int32_t *rows, const int32_t *labels, const real *weight,
                                size_t count, real *nll, real *dfinal);

#endif
