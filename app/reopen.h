/* `--from-figure F`: opens again what a figure shows, by the record inside of it. */
#ifndef APP_REOPEN_H
#define APP_REOPEN_H

#include <stdbool.h>

#include "app/figure_meta.h"
#include "app/session.h"

/* Reads the record of the figure at path; freed with figure_meta_free. */
bool reopen_read(struct figure_meta *meta, const char *path, struct err *err);

/* Where the figure's document is: beside the figure, else among the recent ones with
 * the same hash; to be freed. NULL with a message when it is nowhere. */
char *reopen_document(const struct figure_meta *meta, const char *path, struct err *err);

/* Where the figure's model is in the cache, to be freed; NULL when it is not. */
char *reopen_model(const struct figure_meta *meta);

/* The record of what is shown, for a session file; freed with figure_meta_free. */
void reopen_record(const struct session *s, struct figure_meta *meta);

/* The view and edits of a session file, which was restored. */
void reopen_restored(struct session *s, const struct figure_meta *meta);

/* Sets view, settings, question, edits and place, and A of a difference; after the document
 * was set. path: of the figure. Files with other hashes are told in a note. */
void reopen_apply(struct session *s, const struct figure_meta *meta, const char *path);

#endif
