/* Completion at the prompt: commands, their arguments, settings and values, words of
 * the open document. */
#ifndef APP_COMPLETE_H
#define APP_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/prompt.h"
#include "app/session.h"

/* A prompt_complete_fn; context is the session. */
char **complete_line(void *session, const char *line, size_t point, const char **files,
                     char hint[COMPLETE_HINT_MAX]);

#endif
