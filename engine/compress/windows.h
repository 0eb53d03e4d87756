/* Where the windows of a segment lie and which tokens each slot's home span
 * holds: integers only.
 *
 * A window has W positions, cut into K contiguous, nearly equal spans: the first
 * W mod K have one position more than the others. T tokens occupy the first T
 * positions of the windows (head alignment) or the last T (tail alignment), so
 * that the last or the first window may be partial. A slot is valid when its
 * span holds a token; valid slots of a window are contiguous. */
#ifndef ENGINE_COMPRESS_WINDOWS_H
#define ENGINE_COMPRESS_WINDOWS_H

#include "engine/base/arena.h"
#include "engine/compress/compressor.h"

/* Fills in first, tokens, slots, pad, W, K, first_slot, span, order and capacity
 * of every window, and out->windows and out->slots; the rest is zero. */
void windows_layout(const struct compress_settings *s, size_t T, struct segment_plan *out,
                    struct arena *arena);

#endif
