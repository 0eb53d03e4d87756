/* Files of commands: the built-in defaults (assets/default.rc, compiled in), the
 * user's rc file, and what `source` names. */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "app/session.h"

/* assets/default.rc. */
extern const char config_default_text[];

/* The defaults as `--default-rc` prints them: the file, then every key as a bind
 * command in a comment. */
void config_print_default(FILE *out);

/* Runs the built-in defaults; any error in them is a bug. */
void config_run_default(struct session *s);

/* Runs a file line by line. A bad line is one note "NAME:7: ..." and the rest goes
 * on; only a file that cannot be read is a failure. */
bool config_run_file(struct session *s, const char *path, struct err *err);

/* The user's rc file, when there is one; or the named one, which must be; "none". */
bool config_run_user(struct session *s, const char *rc, struct err *err);

#endif
