/* Undo of everything that changes what the method computes: settings, muted slots and
 * layers, and the sender mass of tokens. A state is small, so whole states are kept. */
#ifndef APP_UNDO_H
#define APP_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/compress/compressor.h"
#include "engine/engine.h"
#include "engine/snapshot.h"

enum { UNDO_MAX = 200, EDIT_LAYERS_MAX = 256 };

struct edits {
    struct compress_settings settings;
    size_t segment;
    bool *muted; /* [muted_count] by slot of the document; owned */
    size_t muted_count;
    bool rebalance; /* muted slots leave the plan too: the others share what they received */
    struct token_edit *tokens; /* [token_count] ascending, no factor of 1; owned */
    size_t token_count;
    bool layer_off[EDIT_LAYERS_MAX];
};

/* As the engine takes them: borrowed. */
struct engine_edits edits_for_engine(const struct edits *edits);

struct edits edits_copy(const struct edits *edits);
void edits_assign(struct edits *to, const struct edits *from);
void edits_free(struct edits *edits);
bool edits_equal(const struct edits *a, const struct edits *b);
size_t edits_muted(const struct edits *edits); /* how many */
bool edits_is_muted(const struct edits *edits, size_t slot);
void edits_mute(struct edits *edits, size_t slot, bool muted);
void edits_unmute_all(struct edits *edits);

/* Is the plan solved without the muted slots? */
bool edits_rebalanced(const struct edits *edits);

/* Settings, sender mass, layers, and slots that left the plan: what it is computed from. */
bool edits_same_method(const struct edits *a, const struct edits *b);
bool edits_same_muted(const struct edits *a, const struct edits *b);

/* What is changed by hand, settings aside: muted slots, tokens and layers. */
size_t edits_count(const struct edits *edits);
bool edits_change_method(const struct edits *edits); /* any beside slots that are left out */
void edits_drop(struct edits *edits);

/* The factor of a token's sender mass, 1 when it is as computed. */
double edits_token(const struct edits *edits, size_t token);
void edits_set_token(struct edits *edits, size_t token, double factor);
size_t edits_layers_off(const struct edits *edits);

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
