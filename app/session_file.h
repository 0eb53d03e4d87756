/* Session files, NAME.cxt: an analysis that opens again without the model. One
 * safetensors file holds tokens, windows, answers and losses as tensors; its metadata
 * "comprexit-session" the words and numbers about them, and "comprexit" the record that
 * figures carry too (view, settings, edits, hashes). What was pinned lies beside it in the same
 * form, its tensors under "pin0/" and so on, its words and record in "pins" of the words. */
#ifndef APP_SESSION_FILE_H
#define APP_SESSION_FILE_H

#include "app/figure_meta.h"
#include "app/pins.h"
#include "engine/base/err.h"
#include "engine/snapshot.h"

#define SESSION_FILE_ENDING ".cxt"
#define SESSION_WORDS_KEY "comprexit-session"
enum { SESSION_TENSOR_NAME = 48, SESSION_PREFIX = 8 };

/* Written whole or not at all. meta: the record; pins (may be NULL): what is compared with. Without
 * the text the file has its hash and where the tokens lie in it. */
bool session_file_write(const char *path, const struct snapshot *snapshot,
                        const struct figure_meta *meta, const struct pins *pins, bool with_text,
                        struct err *err);

/* A new snapshot, and the record, which is freed with figure_meta_free; NULL and
 * ERR_INPUT when the file is not one or its parts do not fit. A text that was left out is
 * taken from the document beside the file, if its hash is right; else dots stand for it, and
 * *text_missing (may be NULL) is set. *pins (may be NULL: they are passed over) is for
 * pins_free, and empty when the result is NULL. */
struct snapshot *session_file_read(const char *path, struct figure_meta *meta, bool *text_missing,
                                   struct pins *pins, struct err *err);

bool session_file_is(const char *path); /* by its ending */

/* Name, size and hash of a session file, for a record. */
bool session_file_identify(const char *path, struct figure_meta_file *out, struct err *err);

#endif
