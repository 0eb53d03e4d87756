/* Overlays that have lines: help, log, dialogs, the problem box, and screens that
 * are a list. Enter on a line runs its command. */
#ifndef APP_DIALOG_H
#define APP_DIALOG_H

#include <stdbool.h>

#include "app/input.h"
#include "app/session.h"

enum problem { PROBLEM_MODEL, PROBLEM_COMPRESSOR, PROBLEM_DOCUMENT, PROBLEM_READ,
               PROBLEM_FIGURE_DOCUMENT, PROBLEM_FIGURE_MODEL, PROBLEM_COUNT };

/* The screen of a program without a document, and what it will tell of the document that
 * is left. */
void dialog_start(struct session *s);
void dialog_note_left(const struct session *s);
void dialog_open(struct session *s, const char *directory);
void dialog_models(struct session *s);
void dialog_compressors(struct session *s);
/* path: of what cannot be used; text: the error. */
void dialog_problem(struct session *s, enum problem problem, const char *path, const char *text);
void dialog_quit(struct session *s, const char *why);
void dialog_log(struct session *s);
void dialog_help(struct session *s);
void dialog_commands(struct session *s, const char *filter);
void dialog_settings(struct session *s);
void dialog_bindings(struct session *s); /* all keys, changed ones first */
void dialog_info(struct session *s);
void dialog_stats(struct session *s); /* a document is open and tokenised */
void dialog_control(struct session *s, const struct snapshot_control *control);

/* Overlays with a text of their own. */
void dialog_overlay(struct session *s, enum overlay overlay);
void dialog_screen(struct session *s, enum screen screen);
void dialog_close(struct session *s);

/* Makes the list in front anew, after what it tells of has changed; not while it is
 * filtered. */
void dialog_refresh(struct session *s);

/* For makers of lists of things to open: the keys, and `command "path"`, to be freed. */
#define DIALOG_LIST_KEYS "arrows and Enter choose · / filters · Esc"
char *dialog_command(const char *command, const char *path);

/* For makers of lists: an empty list, then what it is shown as. */
struct list *dialog_begin(struct session *s);
void dialog_show(struct session *s, enum overlay overlay, const char *title, const char *keys);

/* Keys while an overlay is open. False: the key means what it always means. */
bool dialog_key(struct session *s, const struct input_event *event);

#endif
