/* The session of the explorer, kept in the state directory while it runs: what a crash or a
 * loss of power leaves can be restored by the next start. A clean end takes it away. */
#ifndef APP_AUTOSAVE_H
#define APP_AUTOSAVE_H

#include "app/session.h"

/* Windows (about 70 KiB each) that are saved at the set pace; a session with n times as many
 * is saved n times as seldom. */
enum { AUTOSAVE_WINDOWS = 64 };

/* Looks what earlier explorers have left: s->left_over names the newest, older ones go. */
void autosave_begin(struct session *s);

/* Saves beside the screen what has changed since the last time. */
void autosave_tick(struct session *s);

/* The restored file is this explorer's from now on. */
void autosave_adopt(struct session *s, const char *path);

/* Everything was ended as it should be. */
void autosave_end(struct session *s);

#endif
