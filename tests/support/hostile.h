/* Hostile files: each is opened from a buffer of exactly its size (so that
 * AddressSanitizer sees the first byte behind it) and, up to 32 MiB, from a file; it must
 * be refused within a second of processor time, with a message that holds the expected
 * words, is one printable line and names the file. */
#ifndef TESTS_SUPPORT_HOSTILE_H
#define TESTS_SUPPORT_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

struct hostile_format {
    const char *file_name;
    /* Each opens and closes; true when the file was accepted. */
    bool (*open_buffer)(const void *data, size_t size, const char *name, struct err *err);
    bool (*open_file)(const char *path, struct err *err);
};

/* Fails the test unless the file is refused as above. row: for the message.
 * open_buffer may be NULL. */
void hostile_refused(const struct hostile_format *format, const char *row,
                     const void *data, size_t size, const char *expected);

/* The same for a path that is there already. */
void hostile_path_refused(const struct hostile_format *format, const char *row,
                          const char *path, const char *expected);

/* Runs job(context) in a child process that may take `bytes` more address space than
 * this one; fails the test when the child fails, or takes more than a second or `bytes`
 * of resident memory. Does nothing under a sanitizer, which needs a huge address space.
 */
void hostile_within(const char *row, size_t bytes, bool (*job)(const void *context),
                    const void *context);

/* "hostile: 131 files refused, the slowest in 12 ms (row)" */
void hostile_report(void);

#endif
