/* What the Eval screen has: evaluations of data files with the open model and
 * compressor, one after the other on the worker. They give way to everything else: what
 * is more urgent interrupts them, and they go on behind the last whole context. */
#ifndef APP_EVAL_SCREEN_H
#define APP_EVAL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "app/session.h"

struct eval_screen;

struct eval_screen *eval_screen_new(void);
void eval_screen_free(struct eval_screen *eval); /* after the worker has ended */

/* The first `limit` questions of a file (0: all) from all contexts; a new line of the
 * table. */
void eval_screen_start(struct session *s, const char *path, size_t limit);

/* The set in front anew. */
bool eval_screen_again(struct session *s, struct err *err);

/* Takes what came from the worker; true when there was something. */
bool eval_screen_collect(struct session *s);

/* The example under the cursor becomes document, question and gold answer of Explore. */
bool eval_screen_explore(struct session *s, struct err *err);

#endif
