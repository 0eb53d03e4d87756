/* The document as wrapped lines, without ever laying out all of it.
 *
 * Lines begin at fixed places (anchors): behind each newline and, where a block of
 * 1024 tokens has no newline, at its border. From an anchor on, lines are filled
 * word by word. So the lines around a token depend only on the text and the width,
 * and finding them looks at no more than about 2000 tokens, however long the text
 * is. The first token of a window takes one more column for its mark. */
#ifndef VIEWS_WRAP_H
#define VIEWS_WRAP_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/snapshot.h"
#include "views/token_text.h"

struct text_place {
    size_t token;
    size_t offset; /* bytes into the token */
};

struct text_line {
    struct text_place start, end; /* end: where the next line starts */
    size_t first; /* the first token that begins in this line, else the one that goes on */
    bool owns;    /* does a token begin here? (not in the middle of a very long one, nor
                     between two newlines of one token) */
};

struct text_layout {
    const struct snapshot *snapshot;
    const struct snapshot_document *document;
    int width; /* columns, at least 1 */
};

/* The line that holds the first visible piece of `token`. */
struct text_line text_line_of(const struct text_layout *layout, size_t token);

/* The neighbours; false at the end or the beginning of the document. */
bool text_line_next(const struct text_layout *layout, const struct text_line *line,
                    struct text_line *next);
bool text_line_previous(const struct text_layout *layout, const struct text_line *line,
                        struct text_line *previous);

/* The line `count` lines earlier, or the first. */
struct text_line text_line_back(const struct text_layout *layout, const struct text_line *line,
                                size_t count);

/* Walks the pieces of a line and their columns. */
struct text_walk {
    const struct text_layout *layout;
    struct text_place place, end;
    int column;
};
struct text_cell {
    struct text_piece piece;
    size_t token;
    int column; /* of the piece; its window mark stands one to the left */
    bool mark;  /* first piece of a window */
};
void text_walk_init(struct text_walk *walk, const struct text_layout *layout,
                    const struct text_line *line);
bool text_walk_next(struct text_walk *walk, struct text_cell *cell);

/* Is `token` the first of a window (not of the document)? */
bool text_window_starts(const struct snapshot *snapshot, size_t token);

#endif
