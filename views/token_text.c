#include "views/token_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NEWLINE_GLYPH "\u21b5"

static void set_piece(struct text_piece *piece, enum piece_kind kind, const char *text,
                      size_t length, int width)
{
    piece->kind = kind;
    memcpy(piece->text, text, length);
    piece->text[length] = '\0';
    piece->length = length;
    piece->width = width;
}

static void set_byte(struct text_piece *piece, unsigned char byte)
{
    char text[TEXT_ESCAPE_MAX];
    int n = snprintf(text, sizeof text, "<%02X>", byte);
    set_piece(piece, PIECE_TEXT, text, (size_t)n, n);
}

/* The character of the document that covers the byte at `at`: its first byte and its
 * length, or false when the byte belongs to none. */
static bool covering_character(const struct snapshot_document *d, size_t at,
                               size_t *first, size_t *length)
{
    for (size_t back = 0; back <= 3 && back <= at; back++) {
        uint32_t codepoint;
        size_t start = at - back;
        size_t n = text_decode(d->text + start, d->size - start, &codepoint);
        if (codepoint == TEXT_INVALID)
            continue;
        *first = start;
        *length = n;
        return n > back;
    }
    return false;
}

static void set_character(struct text_piece *piece, const char *bytes, size_t length)
{
    uint32_t codepoint;
    char escape[TEXT_ESCAPE_MAX];
    text_decode(bytes, length, &codepoint);
    size_t n = text_escape(codepoint, escape);
    if (n > 0)
        set_piece(piece, PIECE_TEXT, escape, n, (int)n);
    else
        set_piece(piece, PIECE_TEXT, bytes, length, text_width(codepoint));
}

static bool special_piece(const char *name, size_t *offset, struct text_piece *piece)
{
    size_t length = strlen(name);
    if (*offset >= length)
        return false;
    uint32_t codepoint;
    size_t n = text_decode(name + *offset, length - *offset, &codepoint);
    if (codepoint == TEXT_INVALID)
        set_byte(piece, (unsigned char)name[*offset]);
    else
        set_character(piece, name + *offset, n);
    *offset += n;
    return true;
}

/* limit: where the text that is drawn ends. A character that the token begins and that is
 * whole before the limit is left out here, as the token that ends it draws it. */
static bool piece_until(const struct snapshot_document *d, size_t token, size_t limit,
                        size_t *offset, struct text_piece *piece)
{
    size_t start = d->start[token], end = d->end[token], at = start + *offset;
    if (d->special && d->special[token])
        return special_piece(d->special[token], offset, piece);
    if (end > d->size || at >= end)
        return false;
    char byte = d->text[at];
    size_t first, length;
    (*offset)++;
    if (byte == '\n') {
        set_piece(piece, PIECE_NEWLINE, NEWLINE_GLYPH, strlen(NEWLINE_GLYPH), 1);
    } else if (byte == '\r' && at + 1 < d->size && d->text[at + 1] == '\n') {
        set_piece(piece, PIECE_TEXT, "", 0, 0);
    } else if (byte == '\t') {
        set_piece(piece, PIECE_TAB, " ", 1, 1);
    } else if (byte == ' ') {
        set_piece(piece, PIECE_BLANK, " ", 1, 1);
    } else if (!covering_character(d, at, &first, &length) || first + length > limit) {
        set_byte(piece, (unsigned char)byte);
    } else if (first + length > end) {
        set_piece(piece, PIECE_TEXT, "", 0, 0);
    } else {
        set_character(piece, d->text + first, length);
        *offset = first + length - start;
    }
    return true;
}

bool token_piece(const struct snapshot_document *d, size_t token, size_t *offset,
                 struct text_piece *piece)
{
    return piece_until(d, token, d->end[token], offset, piece);
}

bool token_is_blank(const struct snapshot_document *d, size_t token)
{
    struct text_piece piece;
    for (size_t offset = 0; token_piece(d, token, &offset, &piece);)
        if (piece.kind != PIECE_BLANK && piece.kind != PIECE_TAB && piece.width > 0)
            return false;
    return true;
}

/* Collects text that must not overflow. */
struct label {
    char *out;
    size_t size, used;
    bool full;
};

static void add(struct label *label, const char *text, size_t length)
{
    if (label->used + length >= label->size) {
        label->full = true;
        return;
    }
    memcpy(label->out + label->used, text, length);
    label->used += length;
    label->out[label->used] = '\0';
}

static void add_token(struct label *label, const struct snapshot_document *d,
                      size_t token, size_t limit, const char *blank)
{
    struct text_piece piece;
    for (size_t offset = 0; !label->full && piece_until(d, token, limit, &offset, &piece);) {
        bool is_blank = piece.kind == PIECE_BLANK || piece.kind == PIECE_TAB;
        add(label, is_blank ? blank : piece.text, is_blank ? 1 : piece.length);
    }
}

/* Cuts blanks at both ends. */
static void trim(struct label *label)
{
    size_t from = strspn(label->out, " ");
    memmove(label->out, label->out + from, label->used - from + 1);
    label->used -= from;
    while (label->used > 0 && label->out[label->used - 1] == ' ')
        label->out[--label->used] = '\0';
}

size_t token_label(const struct snapshot_document *d, size_t token,
                   enum token_style style, char *out, size_t size)
{
    struct label label = {out, size, 0, false};
    out[0] = '\0';
    add_token(&label, d, token, d->end[token], style == TOKEN_MARKED ? "_" : " ");
    if (style == TOKEN_TRIMMED)
        trim(&label);
    if (label.used == 0)
        add_token(&label, d, token, d->end[token], "_");
    if (label.used == 0)
        add(&label, "<>", 2);
    return label.used;
}

size_t token_range_label(const struct snapshot_document *d, size_t from, size_t to,
                         char *out, size_t size)
{
    struct label label = {out, size > 4 ? size - 3 : size, 0, false};
    out[0] = '\0';
    for (size_t t = from; t < to && !label.full; t++)
        add_token(&label, d, t, d->end[to - 1], " ");
    trim(&label);
    if (label.used == 0 && to > from)
        return token_label(d, from, TOKEN_TRIMMED, out, size);
    if (label.full && size > 4) {
        label.size = size;
        add(&label, "...", 3);
    }
    return label.used;
}

int text_columns(const char *text)
{
    int columns = 0;
    size_t length = strlen(text);
    for (size_t i = 0; i < length;) {
        uint32_t codepoint;
        i += text_decode(text + i, length - i, &codepoint);
        int width = codepoint == TEXT_INVALID ? 1 : text_width(codepoint);
        columns += width < 0 ? 1 : width;
    }
    return columns;
}

void text_add(char *out, size_t size, const char *fmt, ...)
{
    size_t used = strlen(out);
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(out + used, size - used, fmt, args);
    va_end(args);
    if (wanted >= 0 && used + (size_t)wanted >= size) {
        size_t length = size - 1;
        out[length - text_incomplete(out, length)] = '\0';
    }
}
