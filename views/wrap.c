#include "views/wrap.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"

enum { BLOCK = 1024, TAB_STOP = 4 };

bool text_window_starts(const struct snapshot *s, size_t token)
{
    return s->windows > 0 && token > 0 &&
           s->window_first[snapshot_window_of(s, token)] == token;
}

/* ---- anchors ---------------------------------------------------------------- */

static bool has_newline(const struct snapshot_document *d, size_t token)
{
    size_t start = d->start[token], end = d->end[token];
    return start < end && end <= d->size && memchr(d->text + start, '\n', end - start);
}

/* The last token with a newline in [from, to). */
static bool last_newline(const struct snapshot_document *d, size_t from, size_t to,
                         size_t *token)
{
    for (size_t t = to; t > from; t--) {
        if (has_newline(d, t - 1)) {
            *token = t - 1;
            return true;
        }
    }
    return false;
}

/* Does a line begin at this block border although no newline stands there? */
static bool is_forced(const struct snapshot_document *d, size_t token)
{
    size_t unused;
    return token > 0 && token % BLOCK == 0 &&
           !last_newline(d, token - BLOCK, token, &unused);
}

/* The same place, said as the beginning of the next token at the end of one. */
static struct text_place settle(const struct snapshot_document *d,
                                struct text_place place)
{
    struct text_piece piece;
    for (; place.token < d->tokens; place.token++, place.offset = 0) {
        size_t offset = place.offset;
        if (token_piece(d, place.token, &offset, &piece))
            break;
    }
    return place;
}

/* Behind the last newline of a token. */
static struct text_place behind_newline(const struct snapshot_document *d, size_t token)
{
    size_t start = d->start[token], length = d->end[token] - start;
    while (length > 0 && d->text[start + length - 1] != '\n')
        length--;
    return settle(d, (struct text_place){token, length});
}

/* The nearest anchor before `place`, or at it when it starts the document. */
static struct text_place anchor_before(const struct snapshot_document *d, size_t token)
{
    size_t block = token / BLOCK * BLOCK, found = 0;
    if (last_newline(d, block, token, &found))
        return behind_newline(d, found);
    if (block == 0 || is_forced(d, block))
        return (struct text_place){block, 0};
    last_newline(d, block - BLOCK, block, &found);
    return behind_newline(d, found);
}

/* ---- lines ------------------------------------------------------------------ */

static bool place_before(struct text_place a, struct text_place b)
{
    return a.token < b.token || (a.token == b.token && a.offset < b.offset);
}

/* The piece at `place`, going on to the next token at the end of one. *place is
 * moved behind it, *at set to where it begins. */
static bool next_piece(const struct snapshot_document *d, struct text_place *place,
                       struct text_place *at, struct text_piece *piece)
{
    for (; place->token < d->tokens; place->token++, place->offset = 0) {
        *at = *place;
        if (token_piece(d, place->token, &place->offset, piece))
            return true;
    }
    return false;
}

static int piece_columns(const struct text_piece *piece, int column)
{
    return piece->kind == PIECE_TAB ? TAB_STOP - column % TAB_STOP : piece->width;
}

/* Has the window mark been drawn before this piece? It stands before the first piece
 * of the token that is not blank. */
static bool takes_mark(const struct text_layout *l, struct text_place at,
                       const struct text_piece *piece)
{
    if (piece->kind == PIECE_BLANK || piece->kind == PIECE_TAB || piece->width == 0 ||
        !text_window_starts(l->snapshot, at.token))
        return false;
    struct text_piece earlier;
    size_t offset = 0;
    while (offset < at.offset && token_piece(l->document, at.token, &offset, &earlier))
        if (offset <= at.offset && earlier.kind != PIECE_BLANK &&
            earlier.kind != PIECE_TAB)
            return false;
    return true;
}

/* Fills one line: the place where the next one starts. */
static struct text_place fill_line(const struct text_layout *l, struct text_place start)
{
    struct text_place place = start, at, word = start;
    struct text_piece piece;
    int column = 0;
    while (next_piece(l->document, &place, &at, &piece)) {
        if (at.offset == 0 && place_before(start, at) && is_forced(l->document, at.token))
            return at;
        if (piece.kind == PIECE_NEWLINE)
            return settle(l->document, place);
        if (piece.kind == PIECE_BLANK || piece.kind == PIECE_TAB) {
            column += piece_columns(&piece, column);
            word = place;
            continue;
        }
        column += piece.width + (takes_mark(l, at, &piece) ? 1 : 0);
        if (column <= l->width)
            continue;
        if (place_before(start, word))
            return settle(l->document, word);
        return place_before(start, at) ? at : settle(l->document, place);
    }
    return (struct text_place){l->document->tokens, 0};
}

/* Where the first visible piece of a token begins. */
static struct text_place visible_place(const struct text_layout *l, size_t token)
{
    struct text_piece piece;
    for (size_t offset = 0, before = 0; token_piece(l->document, token, &offset, &piece);
         before = offset)
        if (piece.kind != PIECE_BLANK && piece.kind != PIECE_TAB && piece.width > 0)
            return (struct text_place){token, before};
    return (struct text_place){token, 0};
}

static struct text_line make_line(const struct text_layout *l, struct text_place start)
{
    struct text_line line = {
        .start = start, .end = fill_line(l, start), .first = start.token};
    for (size_t t = start.token; t <= line.end.token && t < l->document->tokens; t++) {
        struct text_place begins = visible_place(l, t);
        if (!place_before(begins, start) && place_before(begins, line.end)) {
            line.first = t;
            line.owns = true;
            break;
        }
    }
    return line;
}

bool text_line_next(const struct text_layout *l, const struct text_line *line,
                    struct text_line *next)
{
    struct text_place place = line->end, at;
    struct text_piece piece;
    if (!next_piece(l->document, &place, &at, &piece))
        return false;
    *next = make_line(l, line->end);
    return true;
}

/* The line that holds `place`, from an anchor not behind it. */
static struct text_line line_from(const struct text_layout *l, struct text_place anchor,
                                  struct text_place place)
{
    struct text_line line = make_line(l, anchor), next;
    while (!place_before(place, line.end) && text_line_next(l, &line, &next))
        line = next;
    return line;
}

struct text_line text_line_of(const struct text_layout *l, size_t token)
{
    struct text_place place = visible_place(l, token);
    return line_from(l, anchor_before(l->document, token), place);
}

bool text_line_previous(const struct text_layout *l, const struct text_line *line,
                        struct text_line *previous)
{
    struct text_place start = line->start;
    if (start.token == 0 && start.offset == 0)
        return false;
    /* An anchor strictly before: of the token before when the line begins at one. */
    struct text_place anchor = anchor_before(l->document, start.token);
    if (!place_before(anchor, start))
        anchor = anchor_before(l->document, start.token - 1);
    *previous = make_line(l, anchor);
    struct text_line next;
    while (place_before(previous->end, start) && text_line_next(l, previous, &next) &&
           place_before(next.start, start))
        *previous = next;
    return true;
}

struct text_line text_line_back(const struct text_layout *l, const struct text_line *line,
                                size_t count)
{
    /* A line has at most as many tokens as columns, nearly always fewer. */
    size_t reach = (count + 1) * (size_t)l->width;
    struct text_line at = text_line_of(l, line->first > reach ? line->first - reach : 0);
    struct text_line *ring = xcalloc(count + 1, sizeof *ring);
    size_t seen = 0;
    ring[0] = at;
    while (place_before(ring[seen % (count + 1)].start, line->start) &&
           text_line_next(l, &ring[seen % (count + 1)], &at))
        ring[++seen % (count + 1)] = at;
    at = ring[seen > count ? (seen - count) % (count + 1) : 0];
    free(ring);
    return at;
}

/* ---- walking ---------------------------------------------------------------- */

void text_walk_init(struct text_walk *walk, const struct text_layout *layout,
                    const struct text_line *line)
{
    *walk = (struct text_walk){layout, line->start, line->end, 0};
}

bool text_walk_next(struct text_walk *walk, struct text_cell *cell)
{
    struct text_place at;
    if (!place_before(walk->place, walk->end) ||
        !next_piece(walk->layout->document, &walk->place, &at, &cell->piece) ||
        !place_before(at, walk->end))
        return false;
    cell->token = at.token;
    cell->mark = takes_mark(walk->layout, at, &cell->piece);
    cell->column = walk->column + (cell->mark ? 1 : 0);
    walk->column = cell->column + piece_columns(&cell->piece, walk->column);
    return true;
}
