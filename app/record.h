/* Writing down what is done by hand, as a script that does it again (`--play`). */
#ifndef APP_RECORD_H
#define APP_RECORD_H

#include "app/session.h"

/* Begins a new script at path, or ends the one that is written (NULL). */
bool record_to(struct session *s, const char *path, bool overwrite, struct err *err);

/* One command, as the prompt takes it; name and text are joined. Nothing happens when
 * nothing is recorded, or inside of another command. */
void record_command(struct session *s, const char *name, const char *text);

#endif
