/* The commands that make the view on screen again: a script for `--play`, a bug report, a
 * lecture's beginning. */
#ifndef APP_RECREATE_H
#define APP_RECREATE_H

#include "app/session.h"

/* Lines of the command language, to be freed. */
char *recreate_commands(const struct session *s);

#endif
