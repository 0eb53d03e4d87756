/* The screens beside Explore: which has something to draw, and what the title, the
 * status line and the line of keys say on it. One file a screen, screen_*.c. */
#ifndef VIEWS_SCREENS_H
#define VIEWS_SCREENS_H

#include "views/scene.h"

/* Does the screen have data of its own? If not it is a list of entries. */
bool screen_is_open(const struct view_state *state);

/* Draws what lies between title and status. */
void screen_draw(struct scene *scene);

/* What the right end of the title, the status line and the keys say; none where the
 * screen is a list. */
void screen_title(const struct scene *scene, struct parts *parts);
void screen_sentence(const struct scene *scene, struct parts *parts);
const char *screen_keys(const struct scene *scene);

/* Rows between title and status. */
struct rect screen_body(const struct scene *scene);

/* The heading of narrow screens: names of panes, the one in front in brackets. */
void screen_tabs(struct scene *scene, struct rect area, const char *const *names, int count,
                 int front, const char *right);

/* "ntp" as "NTP" in out, which is returned. */
enum { SCREEN_PHASE_BYTES = 16 };
const char *screen_phase(const char *phase, char out[SCREEN_PHASE_BYTES]);

/* Text broken into lines at blanks; '>' at the end of the last when there is more. Returns the
 * rows used. */
int screen_wrapped(struct scene *scene, struct rect area, enum canvas_role role, unsigned attr,
                   const char *text);

/* The rows that it would use. */
int screen_wrapped_rows(struct rect area, const char *text);

/* ---- screen_train.c ---------------------------------------------------------- */

void train_draw(struct scene *scene);
void train_title(const struct scene *scene, struct parts *parts);
void train_sentence(const struct scene *scene, struct parts *parts);
const char *train_keys(const struct scene *scene);
void train_draw_probe(struct scene *scene, struct rect area);   /* screen_probe.c */
void train_draw_samples(struct scene *scene, struct rect area);
const struct training_probe *train_probe(const struct scene *scene); /* shown; NULL: none */

/* ---- screen_form.c: the Train screen without a run ------------------------------- */

/* The columns that are left to a list that fills the screen. */
int form_list_columns(const struct scene *scene);

/* What stands beside the list and below it. body: from the heading to the status line; below: the
 * first row that the list has left free. */
void form_draw(struct scene *scene, struct rect body, int below);

/* ---- screen_data.c, screen_eval.c --------------------------------------------- */

void data_draw(struct scene *scene);
void data_title(const struct scene *scene, struct parts *parts);
void data_sentence(const struct scene *scene, struct parts *parts);
const char *data_keys(const struct scene *scene);
void eval_draw(struct scene *scene);
void eval_title(const struct scene *scene, struct parts *parts);
void eval_sentence(const struct scene *scene, struct parts *parts);
const char *eval_keys(const struct scene *scene);

#endif
