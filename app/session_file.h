/* Session files, NAME.cxt: an analysis that opens again without the model. One
 * safetensors file holds tokens, windows, answers and losses as tensors; its metadata
 * "comprexit-session" the words and numbers about them, and "comprexit" the record that
 * figures carry too (view, settings, edits, hashes). */
#ifndef APP_SESSION_FILE_H
#define APP_SESSION_FILE_H

#include "app/figure_meta.h"
#include "engine/base/err.h"
#include "engine/snapshot.h"

#define SESSION_FILE_ENDING ".cxt"

/* Written whole or not at all. meta: the record. */
bool session_file_write(const char *path, const struct snapshot *snapshot,
                        const struct figure_meta *meta, struct err *err);

/* A new snapshot, and the record, which is freed with figure_meta_free; NULL and
 * ERR_INPUT when the file is not one or its parts do not fit. */
struct snapshot *session_file_read(const char *path, struct figure_meta *meta, struct err *err);

bool session_file_is(const char *path); /* by its ending */

#endif
