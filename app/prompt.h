/* The prompt: readline through its callback interface, fed with bytes and never
 * allowed to read, write or wait. Readline is one per process, and so is this.
 *
 *     prompt_start(dir, confined, complete, context, &err);
 *     prompt_open(PROMPT_ASK, "ask> ", "");
 *     switch (prompt_key(&event)) ...  PROMPT_ACCEPTED: prompt_line()
 *
 * Inside the prompt all keys are readline's, except those that leave it (Ctrl-C,
 * Ctrl-G, Esc alone) and Enter after a backslash, which goes on in a new line. */
#ifndef APP_PROMPT_H
#define APP_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "app/input.h"
#include "engine/base/err.h"

/* id, label, name of its history file (NULL: none) */
#define PROMPT_KINDS(X)                                                        \
    X(COMMAND, ":", "history-commands")                                        \
    X(ASK, "ask> ", "history-asks")                                            \
    X(FIND, "/", "history-finds")                                              \
    X(VALUE, "value> ", NULL)

#define PROMPT_KIND_ENUM(id, label, file) PROMPT_##id,
enum prompt_kind { PROMPT_KINDS(PROMPT_KIND_ENUM) PROMPT_KIND_COUNT };
#undef PROMPT_KIND_ENUM

enum prompt_result { PROMPT_EDITING, PROMPT_ACCEPTED, PROMPT_LEFT, PROMPT_EDITOR };

enum { COMPLETE_HINT_MAX = 256 };

/* What may follow line[0..point): NULL-terminated allocated words, each replacing the
 * last word of the line, or NULL for none. *files: complete names of such files
 * instead (file_wanted.h), unless it is NULL. hint: what is expected here, told when
 * Tab has nothing to add; "" for nothing. */
typedef char **prompt_complete_fn(void *context, const char *line, size_t point,
                                  const char **files, char hint[COMPLETE_HINT_MAX]);

/* dir: where the histories are kept (NULL: nowhere). Must come before the
 * terminal is opened, because readline reads the terminal's description too. */
bool prompt_start(const char *dir, bool confined, prompt_complete_fn *complete, void *context,
                  struct err *err);
void prompt_stop(void);

/* Lines kept in each history; 0 forgets and keeps none. */
void prompt_keep_history(size_t lines);

void prompt_open(enum prompt_kind kind, const char *text);
void prompt_close(void);
bool prompt_is_open(void);
enum prompt_kind prompt_kind(void);

enum prompt_result prompt_key(const struct input_event *event);
void prompt_paste(const char *text, size_t length);

/* The line as it stands, raw; borrowed until the next call. */
const char *prompt_line(void);
void prompt_replace(const char *text);

/* Enters a line into the history of its kind. */
void prompt_remember(enum prompt_kind kind, const char *line);

/* What is to be shown: label and text are sanitised, point is a byte offset in
 * the text; matches: completions that Tab found, or what is expected, or "". */
struct prompt_display {
    const char *label, *text;
    size_t point;
    const char *matches;
};
struct prompt_display prompt_display(void);

#endif
