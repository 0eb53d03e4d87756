/* Steps with a caption: the guided tour, and what the presenter shows. A step is a
 * sentence to read and commands that set the scene; the program underneath stays as
 * usable as ever. Going back restores how a step left the screen and the edits. */
#ifndef APP_TOUR_H
#define APP_TOUR_H

#include <stdbool.h>
#include <stddef.h>

#include "app/session.h"
#include "engine/base/err.h"

struct tour;

/* Begins the built-in tour, or the steps of a script: its commands up to each `say`
 * are one step; `note` is for the speaker and not shown. */
bool tour_start(struct session *s, const char *path, bool presenting, struct err *err);

/* Is it a script with a step at least? A text to open is not. */
bool tour_is_script(const char *path, bool confined);

/* The next step (after the last: the end) and the one before. */
void tour_next(struct session *s);
void tour_back(struct session *s);

/* What the caption tells in numbers may have come in since. */
void tour_refresh(struct session *s);

/* Ends it, leaving the screen as it is. */
void tour_stop(struct session *s);
void tour_free(struct tour *tour);

/* A caption of a script that plays by itself; NULL takes it away. */
void tour_say(struct session *s, const char *text);

#endif
