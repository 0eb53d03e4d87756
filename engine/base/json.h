/* JSON through Jansson, with the limits that hostile input needs: nesting at
 * most 64, duplicate keys refused, strings and numbers checked; every error says
 * the byte. */
#ifndef ENGINE_BASE_JSON_H
#define ENGINE_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "engine/base/err.h"

enum { JSON_DEPTH_LIMIT = 64 };

/* A new reference, or NULL with *err ("NAME: nested deeper than 64 at byte 65"). */
json_t *json_parse(const char *text, size_t length, const char *name, struct err *err);

/* Reads and parses a file of at most `limit` bytes. */
json_t *json_parse_file(const char *path, size_t limit, struct err *err);

#endif
