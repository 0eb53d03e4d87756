/* What a token looks like: its bytes as pieces that each take whole columns. Nothing
 * that comes out of here can reach a terminal as a control sequence.
 *
 * A character whose bytes are spread over several tokens is drawn on the last of
 * them; the others show their bytes as <E2>. */
#ifndef VIEWS_TOKEN_TEXT_H
#define VIEWS_TOKEN_TEXT_H

#include <stddef.h>

#include "engine/base/text.h"
#include "engine/snapshot.h"

enum piece_kind { PIECE_TEXT, PIECE_BLANK, PIECE_TAB, PIECE_NEWLINE };

struct text_piece {
    enum piece_kind kind;
    char text[TEXT_ESCAPE_MAX]; /* UTF-8, NUL-terminated */
    size_t length;
    int width; /* columns; 0 for a combining mark; a tab's depends on where it stands */
};

/* The piece at *offset bytes into the token, which is moved behind it. False at the
 * end. Special tokens give their printable name. */
bool token_piece(const struct snapshot_document *document, size_t token, size_t *offset,
                 struct text_piece *piece);

/* Does the token show nothing but blanks? */
bool token_is_blank(const struct snapshot_document *document, size_t token);

/* How a token is named in a sentence ("coal": blanks around it cut) or on an axis
 * ("_coal": blanks as _). Newlines are ↵. Always something visible. */
enum token_style { TOKEN_TRIMMED, TOKEN_MARKED };
size_t token_label(const struct snapshot_document *document, size_t token,
                   enum token_style style, char *out, size_t size);

/* Tokens [from, to) as one text, trimmed, newlines as ↵; cut with ... Characters whose
 * tokens are all among them are whole. */
size_t token_range_label(const struct snapshot_document *document, size_t from, size_t to,
                         char *out, size_t size);

/* Display columns of sanitised text. */
int text_columns(const char *text);

/* Appends to the NUL-terminated text in out[0..size), cut at a character's border. */
void text_add(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
