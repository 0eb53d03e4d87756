/* Completion of a command line: names of commands, and what stands behind them. */
#ifndef APP_COMPLETE_ARGUMENTS_H
#define APP_COMPLETE_ARGUMENTS_H

#include "app/actions.h"
#include "app/matches.h"
#include "app/prompt.h"
#include "app/session.h"

void complete_commands(struct matches *m);

/* Words of the document that begin with what was typed: two letters at least. */
void complete_document(struct matches *m, const struct session *s);

/* line: a command up to the cursor, whose last word is m->prefix. *files and hint: as of a
 * prompt_complete_fn. */
void complete_command(struct matches *m, const struct session *s, const char *line,
                      const char **files, char hint[COMPLETE_HINT_MAX]);

#endif
