/* An engine on the golden model A with its compressor, for tests of the facade.
 * Skips the test when there are no golden vectors. */
#ifndef TESTS_SUPPORT_SMALL_ENGINE_H
#define TESTS_SUPPORT_SMALL_ENGINE_H

#include "engine/engine.h"

/* A text of more than two windows of 128 tokens. */
extern const char small_engine_text[];

/* Opened, with that text as its document, read as a whole. */
struct engine *small_engine_open(void);

/* engine_read of the whole document, and what must hold afterwards. */
void small_engine_read(struct engine *e);

/* A change of the edits as the program makes it. */
void small_engine_edit(struct engine *e, const struct engine_edits *edits);

/* The snapshot's window, read. */
const struct snapshot_window *small_engine_window(const struct engine *e, size_t window);

#endif
