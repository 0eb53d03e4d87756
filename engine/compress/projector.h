/* METHOD section 3: slot = W_d gelu(... gelu(W1 z + b1) ...) + b_d, H -> H. */
#ifndef ENGINE_COMPRESS_PROJECTOR_H
#define ENGINE_COMPRESS_PROJECTOR_H

#include "engine/compress/compressor.h"

/* pre[i] [S, H]: what layer i gives before its GELU, i < depth - 1; kept in the
 * arena for the backward pass. */
struct projector_saved {
    real *pre[COMPRESSOR_DEPTH_MAX];
};

void projector_forward_saved(const struct compressor *c, const real *raw_slots, size_t S,
                             real *slots, struct projector_saved *saved, struct arena *arena);

/* draw_slots [S, H] is added to. */
void projector_backward(const struct compressor *c, const real *raw_slots, size_t S,
                        const struct projector_saved *saved, const real *dslots, real *draw_slots,
                        const struct compressor_params *grads, struct arena *scratch);

#endif
