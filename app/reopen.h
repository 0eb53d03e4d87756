/* `--from-figure F`: opens again what a figure shows, by the record inside of it. */
#ifndef APP_REOPEN_H
#define APP_REOPEN_H

#include <stdbool.h>

#include "app/figure_meta.h"

struct session;

/* What is opened again. The session keeps it, since the document may have to be asked for, and
 * the hash of a model comes late. */
struct reopening {
    struct figure_meta meta;
    char *path;  /* of the figure */
    bool waits;  /* for its document */
    bool lacks_model; /* it is not here: no other is opened without being asked for */
    bool told;   /* whether model and compressor are those of the figure */
};

/* Reads the record of the figure at path, confined or not (worker.h). NULL with a message when
 * there is none. */
struct reopening *reopening_open(const char *path, bool confined, struct err *err);
void reopening_free(struct reopening *r);

/* Where the session file that the figure was made of is, or, without one, its document: beside
 * the figure, a document also among the recent ones with the same hash; to be freed. NULL with a
 * message when it is nowhere. */
char *reopen_document(const struct figure_meta *meta, const char *path, bool confined,
                      struct err *err);

/* Where its model is: beside the figure or in the cache, by its name, else in the cache by its
 * hash; to be freed. NULL when it is nowhere. */
char *reopen_model(const struct figure_meta *meta, const char *path, bool confined);

/* The record of what is shown, for a session file; freed with figure_meta_free. */
void reopen_record(const struct session *s, struct figure_meta *meta);

/* The view and edits of a session file, which was restored. */
void reopen_restored(struct session *s, const struct figure_meta *meta);

/* Sets view, settings, question, edits and place, and A of a difference; after the document
 * was set. Files with other hashes are told in a note. */
void reopen_apply(struct session *s);

/* Asks for what the figure was made of and was not found, if anything. */
void reopen_ask(struct session *s);

/* A document was opened: the one that the figure waits for, if it waits. */
void reopen_continue(struct session *s);

/* Tells once, as soon as hashes are known, when model or compressor are others than the
 * figure's. */
void reopen_compare(struct session *s);

#endif
