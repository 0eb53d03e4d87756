/* What the Data screen has open: a data file, read and cut into samples by the
 * trainer's own code on the worker, and the one sample that is looked at. */
#ifndef APP_DATA_SCREEN_H
#define APP_DATA_SCREEN_H

#include <stdbool.h>

#include "app/session.h"

struct data_screen;

struct data_screen *data_screen_new(void);
void data_screen_free(struct data_screen *data);

/* Reads a file; what is on screen stays until it is there. */
void data_screen_open(struct session *s, const char *path);

/* The file that is open, or asked for last; NULL: none. */
const char *data_screen_path(const struct session *s);

/* The file that is read and shown; NULL: none. */
const char *data_screen_shown(const struct session *s);

/* Makes the sample under the cursor, if it is not there yet. */
void data_screen_follow(struct session *s);

/* The tokens were another model's. */
void data_screen_forget(struct session *s);

/* Context, question and gold answer of the sample under the cursor become the
 * document, the question and the gold answer of Explore. */
bool data_screen_explore(struct session *s, struct err *err);

#endif
