/* Deterministic snapshots for the tests of the views, made without an engine: a text
 * about a saltworks, smooth gates, a plan that Sinkhorn's iterations balanced, and
 * answers with attention. */
#ifndef TESTS_SUPPORT_SAMPLE_SNAPSHOT_H
#define TESTS_SUPPORT_SAMPLE_SNAPSHOT_H

#include <stddef.h>

#include "engine/snapshot.h"

/* Everything there: 498 tokens in windows of 114 + 3 * 128, 125 slots, three answers
 * to a question. The reference belongs to the caller, as for all of these. */
struct snapshot *sample_snapshot(void);

/* Only facts, settings and the tokens of a text; windows are laid out but unread. */
struct snapshot *sample_document(const char *text, size_t size);

/* The same, cut into tokens of given lengths in bytes: a = 1, b = 2, ... */
struct snapshot *sample_tokens(const char *text, const char *lengths);

/* The same text over and over up to `tokens` tokens, all windows read. */
struct snapshot *sample_long(size_t tokens);

/* Reads window i of a document made by sample_document. */
void sample_read_window(struct snapshot *snapshot, size_t window);

extern const char sample_text[];

#endif
