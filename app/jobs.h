/* The work that the worker does for a session, and who gives way to whom:
 *
 *   open > document > settings > mute > read what is visible > ask > loss, control > hash
 *
 * Muting follows the settings because new settings take all slots in again.
 * A new document drops everything but what opens. New settings drop older settings
 * and the running compressed answer; reading and the other answers are interrupted
 * and go on afterwards. A new question drops the old one's answers. Only the
 * run functions here touch the engine, on the worker thread.
 *
 * Figures need the engine's snapshot only. They are written by a second worker, so
 * that they neither wait for an answer nor interrupt one; but the first, whose record wants
 * the hash of the model. */
#ifndef APP_JOBS_H
#define APP_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/engine_host.h"
#include "app/session.h"

enum urgency {
    URGENCY_HASH,
    URGENCY_EVAL,
    URGENCY_ASK,
    URGENCY_READ,
    URGENCY_MUTE,
    URGENCY_SETTINGS,
    URGENCY_DOCUMENT,
    URGENCY_OPEN
};

/* Starts the worker of a session. */
bool jobs_start(struct session *s, const struct engine_options *options, struct err *err);
void jobs_stop(struct session *s);

void jobs_open_engine(struct session *s);
void jobs_set_model(struct session *s, const char *path);
void jobs_set_compressor(struct session *s, const char *path);
void jobs_set_document(struct session *s);

/* Tokens [from, to): what is on screen. */
void jobs_read(struct session *s, size_t from, size_t to);

/* The settings and edits by hand, and the muted slots, of s->edits. */
void jobs_set_settings(struct session *s);
void jobs_set_muted(struct session *s);

/* s->question in one mode; in all modes that are on, the cheapest first, as soon as
 * there is a document. */
void jobs_ask(struct session *s, enum answer_mode mode);
void jobs_ask_all(struct session *s);
void jobs_hash(struct session *s);

/* Writes figures of the shown snapshot; what became of it arrives as a note. Takes over
 * what the request owns; s->edits are its edits. A script without a terminal has no keys
 * to answer: then the files are there when it returns, or *err says why not. */
struct export_request;
bool jobs_export(struct session *s, struct export_request *request, struct err *err);

/* The hashes that figures have in their record are known, or will not be. */
void jobs_export_hashed(struct session *s);

/* What compression costs each token of the range, or of the document; and how much of
 * the answer is about this text, against the text other (taken over). */
void jobs_loss(struct session *s);
void jobs_control(struct session *s, char *other, size_t other_size, const char *other_name);

#endif
