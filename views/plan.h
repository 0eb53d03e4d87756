/* What the plan pane and its zooms have in common. */
#ifndef VIEWS_PLAN_H
#define VIEWS_PLAN_H

#include "views/scene.h"
#include "views/token_table.h"

/* The chosen value of every cell of the window as shown, [tokens, slots], with the
 * cells of a unit added up (likeness and cost: their mean by sender mass). Free it. */
float *plan_values(const struct scene *scene);
bool plan_value_adds_up(enum view_value value);

/* Sender mass as the mass row shows it, [tokens]: times the gate of a lit layer, added
 * up over units. Free it. */
float *plan_mass(const struct scene *scene);

/* sum over tokens of |sent - sender mass| of the plan as shown. */
double plan_senders_off(const struct scene *scene);

/* The plan after its last iteration is not balanced: what is suggested then. */
#define PLAN_MORE_ITERATIONS "try more iterations"
bool plan_wants_iterations(const struct scene *scene);

/* How much the answer (or its lit token) looked at each slot of the window, [slots];
 * false when there is nothing to show. */
bool plan_used(const struct scene *scene, double *used);

/* "s12" in the window on screen, "w2:s12" elsewhere. A slot beyond those of the window is one
 * of the windows behind it: from window 0 on, slots count over the document. */
void slot_name(const struct scene *scene, size_t window, size_t slot, char *out, size_t size);

/* The slots [*from, *to) of a row of the pane, 0 = top; false: the row is empty. */
bool plan_row_slots(const struct grid *grid, size_t slots, int row, size_t *from, size_t *to);

/* Does the light fall on this slot? And how strongly are its cells drawn? */
bool plan_slot_lit(const struct scene *scene, size_t slot);
double plan_slot_strength(const struct scene *scene, size_t slot);

/* The zooms: how many tokens and slots stand where. */
struct token_table plan_table(const struct scene *scene, struct rect area);

struct plan_turned {
    struct rect area;
    size_t token, tokens, slot, slots;
    int cells, width; /* first column of the cells, columns of each */
};
struct plan_turned plan_turned(const struct scene *scene, struct rect area);

/* What the numbers of the table are: "share of the slot in %". */
const char *plan_numbers_title(enum view_value value);

/* Do the cells show the difference from A (key d)? And drawing them. */
bool plan_shows_difference(const struct scene *scene);
void draw_plan_difference(struct scene *scene, const struct grid *grid); /* plan_difference.c */

void plan_heading_text(const struct scene *scene, int limit, struct parts *parts);

#endif
