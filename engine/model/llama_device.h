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

/* hidden [blocks + 1, n, H] on the device of the sequences of ids [n] in pack (all host); a
 * sequence that goes on from another one has its positions behind it, others from 0.
 * The last state is taken after the final norm. */
void llama_device_encode(struct llama_device *m, const int32_t *ids,
                         const struct attention_pack *pack, size_t blocks, real *hidden);

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

/* Labels and what predicts them; all arrays [count], on the host. */
struct llama_device_labels {
    size_t count;
    const int32_t *rows, *labels; /* row of the final states that predicts each label */
    const real *weight;           /* of its cross-entropy in the loss */
    real *nll;                    /* out */
    /* knowledge distillation: KL(teacher || model) of each label is added with this weight;
     * label i is row teacher_rows[i] of the teacher's final states, on the device */
    const real *teacher; /* or NULL: none, and nothing below */
    const int32_t *teacher_rows;
    const real *teacher_weight;
    real *kl; /* out */
};

/* The labels' losses given final [n, H]; waits. dfinal [n, H] (NULL: not wanted) becomes the
 * gradient of the weighted sum. */
void llama_device_cross_entropy(struct llama_device *m, const real *final, size_t n,
                                const struct llama_device_labels *labels, real *dfinal);

#endif
