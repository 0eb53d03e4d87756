/* Linked brushing: how strongly each thing on screen belongs to the one under the
 * cursor, or locked (UX.md section 3). Everything comes from the snapshot:
 *
 *   S[t,j] = P[t,j] / b           what slot j is made of (sums to 1 over t)
 *   R[t,j] = P[t,j] / sum_j P[t,j]  where token t goes (sums to 1 over j)
 *   alpha[t,l]                    gate
 *   A[i,j]                        attention of answer token i on slot j
 *   D[i,t] = sum_j A[i,j] S[t,j]  the same, followed back to tokens
 *   G[j,l] = sum_t S[t,j] alpha[t,l]
 *
 * Weights are shares in 0..1. What is unread or switched off has weight 0. */
#ifndef VIEWS_BRUSH_H
#define VIEWS_BRUSH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/snapshot.h"
#include "views/view_state.h"

/* ---- the plan of one window ------------------------------------------------- */

struct plan_ref {
    const struct snapshot_window *window;
    const float *plan; /* [n, k]; NULL: there is none */
};

double plan_slot_share(const struct plan_ref *p, size_t token, size_t slot);  /* S */
double plan_token_share(const struct plan_ref *p, size_t token, size_t slot); /* R */
double plan_slot_layer(const struct plan_ref *p, size_t slot, size_t layer);  /* G */
double plan_received(const struct plan_ref *p, size_t slot); /* sum_t P, of capacity: 1 = full */
double plan_spread(const struct plan_ref *p, size_t slot);   /* exp(entropy of S[., j]) */

/* Senders off up to which a plan counts as converged; as text, which is never that very number
 * when it is over it. Returns out. */
#define PLAN_OFF_MOST 0.01
const char *plan_off_text(double off, char out[16]);

/* ---- slots of the whole document -------------------------------------------- */

/* Slots of window i, read or not: unread windows are counted from the settings. */
size_t window_slot_count(const struct snapshot *snapshot, size_t window);

/* Index over the document of slot 0 of a window. */
size_t window_slot_first(const struct snapshot *snapshot, size_t window);

/* ---- the brush -------------------------------------------------------------- */

struct brush {
    const struct snapshot *snapshot;
    struct source source;
    size_t from, to;      /* token source: its unit, tokens [from, to) */
    size_t window;        /* of the source (token, slot), or the shown one */
    struct plan_ref shown; /* its plan, perhaps of an earlier iteration */
    size_t shown_window;
    size_t *slot_first;   /* [windows + 1] */
    double *send;         /* [k] token source: R of the unit */
    float *token;         /* [N] answer source: weight of each token; else NULL */
    float *slot;          /* [slots] layer source: G[., l]; answer source: A[i, .] */
    double token_max;     /* for the tint scale: over the window, or the document */
};

/* shown: the plan as drawn of window `shown_window` (scrubbing); other windows use
 * their own. layer sources and the profile refer to that window. */
void brush_init(struct brush *brush, const struct snapshot *snapshot,
                const struct source *source, enum unit unit, size_t shown_window,
                struct plan_ref shown);
void brush_free(struct brush *brush);

double brush_token(const struct brush *brush, size_t token);
double brush_layer(const struct brush *brush, size_t layer); /* the gate profile */
double brush_slot(const struct brush *brush, size_t window, size_t slot);
double brush_answer(const struct brush *brush, enum answer_mode mode, size_t answer_token);

/* Share of the weights that lies in a window (answer sources; else 1 or 0). */
double brush_window(const struct brush *brush, size_t window);

/* A[i, slot of the document]; 0 when it was not kept. */
double answer_slot_attention(const struct snapshot *snapshot, size_t answer_token, size_t slot);

/* Mean over the compressed answer's tokens of D: out [N], zero where nothing is known. */
void brush_looked_at(const struct snapshot *snapshot, float *out);

/* The `count` largest of n weights above `least`, largest first: how many. */
struct ranked {
    size_t index;
    double weight;
};
size_t rank_top(const double *weight, size_t n, double least, struct ranked *top, size_t count);

#endif
