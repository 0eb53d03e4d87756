/* $VISUAL or $EDITOR on the text of the prompt. */
#ifndef APP_EDITOR_H
#define APP_EDITOR_H

#include "engine/base/err.h"

/* Runs the editor in the foreground of the terminal, which the caller has given
 * back before, and returns the edited text, to be freed; NULL when it failed. */
char *editor_run(const char *text, bool confined, struct err *err);

#endif
