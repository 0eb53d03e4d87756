/* What an event from the terminal means: to the prompt, to an open dialog, to the
 * settings strip, or as a key of the table; and the mouse. */
#ifndef APP_RESPOND_H
#define APP_RESPOND_H

#include "app/input.h"
#include "app/session.h"

void respond_event(struct session *s, const struct input_event *event);

#endif
