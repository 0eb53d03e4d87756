/* A drawn screen with something lit on it, the weights of linked brushing computed from the
 * snapshot alone, and what the panes must look like with them (UX.md section 3). The checks
 * end the test where they fail. */
#ifndef TESTS_SUPPORT_LIT_H
#define TESTS_SUPPORT_LIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "views/view_state.h"

/* Of the sample snapshot; LIT_WINDOW holds the token LIT_COAL, and 32 slots. */
enum { LIT_TOKENS = 498, LIT_LAYERS = 31, LIT_WINDOWS = 4, LIT_COAL = 165, LIT_WINDOW = 1,
       LIT_SLOT = 12, LIT_BARS = 5, LIT_FRAME_BAR = 0x2502, LIT_FULL_MARK = 0x258f };

struct lit_screen {
    struct snapshot *s;
    struct view_state v;
    struct canvas canvas;
    struct view_hit *hits; /* [rows, columns], what the mouse would take, once it was asked */
    bool hits_known;
};

void lit_open(struct lit_screen *p);
void lit_close(struct lit_screen *p);

/* What moving the cursor in a pane does. */
void lit_move_to(struct lit_screen *p, enum source_kind kind);

/* ---- weights; tokens t and slots j of window w, slots of answers over the document ---- */

const struct snapshot_window *lit_window_of(const struct lit_screen *p, size_t w);
size_t lit_window_of_token(const struct lit_screen *p, size_t token);
size_t lit_slot_first(const struct lit_screen *p, size_t w);
double lit_slot_share(const struct lit_screen *p, size_t w, size_t t, size_t j);  /* S */
double lit_token_share(const struct lit_screen *p, size_t w, size_t t, size_t j); /* R */
double lit_gate(const struct lit_screen *p, size_t w, size_t t, size_t l);        /* alpha */
double lit_slot_layer(const struct lit_screen *p, size_t w, size_t j, size_t l);  /* G */
double lit_attention(const struct lit_screen *p, enum answer_mode mode, size_t i, size_t j); /* A */
double lit_looked_at(const struct lit_screen *p, size_t i, size_t w, size_t t);   /* D */
double lit_largest(const double *value, size_t from, size_t to);

/* ---- cells -------------------------------------------------------------------------- */

struct lit_spot {
    int row, column;
};

/* The first cell that the mouse takes for this place. kind: of struct view_hit. */
struct lit_spot lit_find(struct lit_screen *p, int kind, size_t token);
struct view_hit lit_hit(struct lit_screen *p, int row, int column);
struct canvas_cell *lit_cell_at(struct lit_screen *p, int row, int column);
bool lit_is_letter(uint32_t codepoint);
int lit_plan_row(struct lit_screen *p, size_t slot);
bool lit_screen_says(struct lit_screen *p, const char *text);

/* Eighths of the bar at the right end of a row, and the column where it begins. */
int lit_bar_of(struct lit_screen *p, int row, int *first);

/* All letters of the document on screen are tinted by want[token] / top; those of an answer
 * by want[i] of their largest, NULL: not at all. */
size_t lit_check_document(struct lit_screen *p, const double *want, double top);
void lit_check_answer(struct lit_screen *p, enum answer_mode mode, const double *want);

/* Labels of rows with a lit slot are bold; cells of lit slots have the colour they have
 * without a light, the others 60 % of it. */
void lit_check_labels(struct lit_screen *p, const bool lit[32]);
void lit_check_plan_strength(struct lit_screen *p, const bool lit[32]);

/* The gate profile, with the gates zoomed to a row a layer, and the window's mean as a mark. */
void lit_check_profile(struct lit_screen *p, const double *want);

#endif
