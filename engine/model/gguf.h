/* GGUF v2/v3 reader. Memory-mapped, every number of the file checked before it
 * is used (limits in SECURITY.md). Layout of the file:
 *   magic "GGUF", version u32, tensor count u64, key count u64,
 *   keys {string name, u32 type, value}, tensors {string name, u32 n_dims,
 *   u64 dims innermost first, u32 type, u64 offset}, padding to
 *   general.alignment, data. */
#ifndef ENGINE_MODEL_GGUF_H
#define ENGINE_MODEL_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/model/tensor.h"

struct gguf;

/* Opens path and, when it is the first of split files ("...-00001-of-0000N.gguf"),
 * its siblings. NULL and *err on failure. */
struct gguf *gguf_open(const char *path, struct err *err);

/* Same from memory that outlives it, for tests and fuzzing; name for messages. */
struct gguf *gguf_open_buffer(const void *data, size_t size, const char *name,
                              struct err *err);
void gguf_close(struct gguf *gguf);

const char *gguf_path(const struct gguf *gguf);

/* The mapped files: one, or the parts in order. */
size_t gguf_file_count(const struct gguf *gguf);
const struct mapped_file *gguf_file_at(const struct gguf *gguf, size_t i);

size_t gguf_tensor_count(const struct gguf *gguf);
const struct tensor *gguf_tensor_at(const struct gguf *gguf, size_t i);
const struct tensor *gguf_tensor(const struct gguf *gguf, const char *name); /* or NULL */

/* Typed getters. The outcome is one of three: found with the right type,
 * absent, or present with a wrong type, which fills *err. Strings are not
 * NUL-terminated and borrowed from the mapping. Integers of any width convert
 * when the value fits. */
enum gguf_found { GGUF_FOUND, GGUF_ABSENT, GGUF_WRONG };
struct gguf_string {
    const char *text;
    size_t length;
};
enum gguf_found gguf_get_u64(const struct gguf *, const char *key, uint64_t *out,
                             struct err *);
enum gguf_found gguf_get_f64(const struct gguf *, const char *key, double *out,
                             struct err *);
enum gguf_found gguf_get_bool(const struct gguf *, const char *key, bool *out,
                              struct err *);
enum gguf_found gguf_get_string(const struct gguf *, const char *key,
                                struct gguf_string *out, struct err *);

/* Arrays: *out points at count elements in an array of the reader's own
 * (strings) or into the mapping (i32, f32; not aligned: read with memcpy). */
enum gguf_found gguf_get_strings(const struct gguf *, const char *key,
                                 const struct gguf_string **out, size_t *count,
                                 struct err *);
enum gguf_found gguf_get_i32s(const struct gguf *, const char *key, const void **out,
                              size_t *count, struct err *);
enum gguf_found gguf_get_f32s(const struct gguf *, const char *key, const void **out,
                              size_t *count, struct err *);

/* For `info`: key i as "name" and a short printable value in out[0..size). */
size_t gguf_key_count(const struct gguf *gguf);
const char *gguf_key_at(const struct gguf *gguf, size_t i, char *out, size_t size);

/* The same of a key by name, for messages; returns out. */
const char *gguf_value(const struct gguf *gguf, const char *key, char *out, size_t size);

#endif
