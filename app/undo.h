/* Undo of everything that changes what the method computes: settings and muted
 * slots. A state is small, so whole states are kept. */
#ifndef APP_UNDO_H
#define APP_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/compress/compressor.h"

enum { UNDO_MAX = 200 };

struct edits {
    struct compress_settings settings;
    size_t segment;
    bool *muted; /* [muted_count] by slot of the document; owned */
    size_t muted_count;
};

struct edits edits_copy(const struct edits *edits);
void edits_free(struct edits *edits);
bool edits_equal(const struct edits *a, const struct edits *b);
size_t edits_muted(const struct edits *edits); /* how many */
bool edits_is_muted(const struct edits *edits, size_t slot);
void edits_mute(struct edits *edits, size_t slot, bool muted);
void edits_unmute_all(struct edits *edits);

struct undo {
    struct edits *past, *future;
    size_t n_past, n_future, past_capacity, future_capacity;
};

/* Before a change: remembers `now`, forgets what could be redone. */
void undo_remember(struct undo *undo, const struct edits *now);

/* Replaces *now by the state before, respectively after; false when there is none. */
bool undo_back(struct undo *undo, struct edits *now);
bool undo_forward(struct undo *undo, struct edits *now);
void undo_free(struct undo *undo);

#endif
