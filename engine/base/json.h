/* JSON through Jansson, with the limits that hostile input needs: nesting at
 * most 64, a bounded number of values (Jansson takes up to 100 bytes for each),
 * duplicate keys refused, UTF-8 checked. Every error says the byte, counted from 1.
 * Any value may stand at the top. Integers outside of int64 become reals of 15
 * digits, because tokenizer_config.json says 10^30 where it means "no limit";
 * numbers outside of double are refused. */
#ifndef ENGINE_BASE_JSON_H
#define ENGINE_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "engine/base/err.h"

enum { JSON_DEPTH_LIMIT = 64, JSON_VALUES_LIMIT = 1 << 23 };

/* A new reference, or NULL with *err ("NAME: nested deeper than 64 at byte 65"). */
json_t *json_parse(const char *text, size_t length, const char *name, struct err *err);

/* Reads and parses a file of at most `limit` bytes. */
json_t *json_parse_file(const char *path, size_t limit, struct err *err);

#endif
