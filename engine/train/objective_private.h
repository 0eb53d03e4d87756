/* How a pass of objective.h is put together: what the host's and the device's way through
 * it share. Internal to objective*.c. */
#ifndef ENGINE_TRAIN_OBJECTIVE_PRIVATE_H
#define ENGINE_TRAIN_OBJECTIVE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/train/objective.h"

/* One sample on its way through the pass. Samples with the same context share what is
 * made of it: it is encoded once, stands once in the batch, and their queries go on from
 * there without seeing each other. */
struct item {
    const struct sample *sample;
    size_t owner;              /* the first sample with this context, perhaps itself */
    size_t members;            /* of an owner: samples with its context, itself included */
    struct compress_tape tape; /* CONTEXT_COMPRESSED and _WRONG; the owner's */
    const real *teacher;       /* [n_query, H] full-context states before each query token */
    /* On a device: first rows of context and query in what is read. */
    size_t context_at, teacher_at;
    size_t first_slot;         /* of its context among the slots of the pass */
    size_t n_context;          /* rows of the context in the batch */
    size_t start;              /* first row of the owner in the packed batch */
    size_t soft, lead;         /* rows of the soft prompt, and with BOS: those before the context */
    size_t query_at;           /* row of the first query token */
};

struct pass {
    const struct objective *o;
    enum context_mode mode;
    struct item *items;
    size_t n;
    struct arena arena; /* the objective's, where it keeps one */
    size_t slots; /* of all contexts */
    /* The packed batch: row r is token source[r], or vector -1 - source[r] of the soft
     * prompt's and, behind them, the slots. */
    int32_t *source, *positions;
    size_t *starts, *prefix; /* of the sequences */
    size_t sequences;
    size_t *rows;    /* [labels] row of the final states that predicts each label */
    size_t *item_of, *query_of; /* [labels] its sample, and its place in the query */
    int32_t *labels; /* [labels] */
    size_t n_labels;
    size_t n_text_labels; /* the first ones; those of questions follow */
    bool distill;
};

static inline bool pass_has_slots(const struct pass *p)
{
    return p->mode == CONTEXT_COMPRESSED || p->mode == CONTEXT_WRONG;
}

/* Items for the samples; who shares a context. `wanted`: gradients are, so that a teacher
 * may count. */
void pass_begin(struct pass *p, const struct objective *o, enum context_mode mode,
                const struct sample *samples, size_t n, bool wanted);

void pass_end(struct pass *p);

/* Is item i the one that has to be compressed? */
bool pass_is_encoded(const struct pass *p, size_t i);

/* With the slots of every encoded item known (its first_slot, n_context): where which
 * context stands; then all rows, positions and labels. */
void pass_place_contexts(struct pass *p);
bool pass_pack(struct pass *p, struct err *err);

/* Does sample i stand behind the context of another one? Only where both have the same
 * before them. */
bool pass_shares(const struct pass *p, size_t i);

size_t pass_batch_rows(const struct pass *p);

/* Does the frozen model with the full context teach sample i? Not behind a soft prompt,
 * which it has not read. */
bool pass_is_taught(const struct pass *p, size_t i);

/* The weight in the loss of labels [first, first + count), whose mean counts: text and
 * questions by their samples. */
struct label_group {
    size_t first, count;
    double share;
    bool taught;
};
enum { LABEL_GROUPS = 2 };
void pass_label_groups(const struct pass *p, struct label_group groups[LABEL_GROUPS]);

/* Plan health, from gates alpha [T, M] and from windows, as they come; then finished. */
struct health {
    double *layer_weight; /* [M] sums over tokens */
    size_t M, tokens, windows;
    struct arena *arena;
};
void health_begin(struct health *h, size_t M, struct arena *arena);
void health_add_gates(struct health *h, const real *alpha, size_t T, struct objective_result *r);
void health_add_windows(struct health *h, const struct window_plan *windows, size_t n,
                        struct objective_result *r);
void health_finish(const struct health *h, struct objective_result *r);

#endif
