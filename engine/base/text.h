/* Text: UTF-8 and the one sanitiser for everything that is shown (screen,
 * prompt, standard error, log, figures, file names). */
#ifndef ENGINE_BASE_TEXT_H
#define ENGINE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one character of text[0..length), length > 0, into *codepoint and
 * returns its bytes. Strict: overlong forms, surrogates and values over U+10FFFF
 * are not characters; then *codepoint is TEXT_INVALID and 1 is returned. */
#define TEXT_INVALID UINT32_MAX
size_t text_decode(const char *text, size_t length, uint32_t *codepoint);

/* Encodes a valid code point into out (no NUL) and returns 1..4. */
size_t text_encode(uint32_t codepoint, char out[4]);

/* Is all of it valid UTF-8? If not and bad is not NULL, *bad = first bad byte. */
bool text_valid(const char *text, size_t length, size_t *bad);

/* A copy, to be freed, in which U+FFFD stands for each invalid byte, and once for the
 * beginning of a character that was cut off: what the decoders of other programs write. */
char *text_make_valid(const char *text, size_t length, size_t *valid_length);

/* Bytes of the byte order mark that text begins with: 3, or 0 without one. */
size_t text_bom(const char *text, size_t length);

/* Number of bytes at the end of text that begin a character which may still be
 * completed by bytes to come (0..3): what a streaming decoder holds back. */
size_t text_incomplete(const char *text, size_t length);

/* Display columns of a code point: 0 (combining), 1 or 2; control characters
 * and other things that text_escape handles count as not printable: -1. */
int text_width(uint32_t codepoint);

/* Room that any text_escape needs, with its NUL. */
#define TEXT_ESCAPE_MAX 12

/* How a code point that must not reach a terminal is written: control
 * characters as ^[ , C1 as <9B>, bidirectional, invisible and unassigned characters
 * as <U+202E>, TEXT_INVALID as <U+FFFD>. Exactly what text_width has no width for.
 * Returns 0, and writes nothing, when the character is harmless. */
size_t text_escape(uint32_t codepoint, char out[TEXT_ESCAPE_MAX]);

/* Writes a printable one-line form of text[0..length) into out[0..size) with a
 * NUL: escapes as above, invalid bytes as <9B>, at most four combining marks in
 * a row, cut at a character boundary when it does not fit. size >= 1. Returns
 * the bytes written without the NUL. */
size_t text_sanitize(char *out, size_t size, const char *text, size_t length);

/* For messages: n as "9,123,456", as "999,999" or "1.21 M", as "512 bytes", "2 KiB" or
 * "1.5 MiB", and a time as "42s", "31m" or "2.6h". All write into out and return it. */
#define TEXT_NUMBER_MAX 32
const char *text_grouped(uint64_t n, char out[TEXT_NUMBER_MAX]);
const char *text_rounded(uint64_t n, char out[TEXT_NUMBER_MAX]);
const char *text_bytes(uint64_t n, char out[TEXT_NUMBER_MAX]);
const char *text_duration(double ms, char out[TEXT_NUMBER_MAX]);

/* The end of a noun behind a number: "1 token", "2 tokens". */
const char *text_plural(uint64_t n);

#endif
