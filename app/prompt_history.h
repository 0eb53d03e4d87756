/* Histories of the prompt, one per kind, kept in readable files of the state
 * directory: a line an entry, newlines as \n. Used by prompt.c alone. */
#ifndef APP_PROMPT_HISTORY_H
#define APP_PROMPT_HISTORY_H

#include <stddef.h>

#include "app/prompt.h"

/* confined: are the files read in a thread that can change nothing (sandbox.h)? */
void prompt_history_start(const char *dir, bool confined);
void prompt_history_stop(void);
void prompt_history_limit(size_t lines);

/* Makes readline's history that of this kind, and back. */
void prompt_history_use(enum prompt_kind kind);
void prompt_history_leave(enum prompt_kind kind);

/* Adds and saves; a failure to save is silent, the history is a comfort. */
void prompt_history_add(enum prompt_kind kind, const char *line);

#endif
