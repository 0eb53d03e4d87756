/* Texts that users type as values: strict numbers, and what a mistyped word may
 * have meant. Nothing here accepts trailing characters, empty texts or numbers
 * that do not fit. */
#ifndef APP_VALUES_H
#define APP_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "512", "10k", "2M": decimal digits, then an optional k (1000) or M (1000000). */
bool value_count(const char *text, uint64_t *out);

/* A finite decimal number: "0.1", "1e-3". No hexadecimal, no leading blanks. */
bool value_real(const char *text, double *out);

/* "89mm", "3.5in", "800px"; the number must be positive. A number alone counts
 * as pixels. */
enum value_unit { UNIT_MM, UNIT_IN, UNIT_PX };
bool value_length(const char *text, double *number, enum value_unit *unit);

/* Is text one of the words of "tail|head"? With its index, when wanted. */
bool value_choice(const char *text, const char *words, size_t *index);

/* Visits the items of a comma-separated list in order; *cursor starts as the
 * list. False at its end. Items may be empty. */
bool value_next_item(const char **cursor, const char **item, size_t *length);

/* Edit distance: insertions, deletions, substitutions and swaps of neighbours. */
size_t value_distance(const char *a, const char *b);

/* The candidate nearest to word, or NULL when none is near enough to propose.
 * candidates: NULL-terminated. */
const char *value_nearest(const char *word, const char *const *candidates);

#endif
