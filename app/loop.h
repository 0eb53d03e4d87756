/* The main loop: waits for the terminal, the worker, signals and timers, lets
 * respond.h and the script act, and draws a frame when something changed. */
#ifndef APP_LOOP_H
#define APP_LOOP_H

#include "app/input.h"
#include "app/script.h"
#include "app/session.h"

/* Until the session quits. input: bytes that came before; script: may be NULL.
 * Returns the signal that ended it, or 0. */
int loop_run(struct session *s, struct input *input, struct script *script, struct err *err);

/* A script_type_fn. */
void loop_type(struct session *s, const char *bytes, size_t length);

#endif
