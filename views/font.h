/* A face for the text of figures: a TrueType font, whose bytes are handed in, or
 * the built-in one (ASCII and a few signs, drawn with strokes). A character that
 * the face lacks is shown as a box with its code in hexadecimal digits.
 *
 * Sizes are the em in any unit; results are in the same unit. */
#ifndef VIEWS_FONT_H
#define VIEWS_FONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct font;

/* bytes are borrowed until font_close; NULL, or bytes that are no font: the
 * built-in face. Font files are trusted (they come from the system): the reader
 * of outlines has no defence against hostile ones. */
struct font *font_open(const void *bytes, size_t size);
void font_close(struct font *font); /* NULL is fine */
bool font_is_builtin(const struct font *font);

bool font_has(const struct font *font, uint32_t codepoint);
double font_text_width(const struct font *font, const char *text, double size);

/* Heights above and below the base line that text is given room for. */
double font_ascent(double size);
double font_descent(double size);

/* One thing to paint: a character of the face, or a frame. */
struct font_mark {
    uint32_t codepoint; /* 0: a frame */
    double x;           /* from the start of the text: of the origin, or the left edge */
    double frame_width; /* of a frame, which reaches from the base line to the ascent */
};

/* Visits what text consists of, in order; returns its width. */
double font_walk(const struct font *font, const char *text, double size,
                 void (*visit)(void *context, const struct font_mark *mark), void *context);

/* A character as shares of covered area, 0..255, top row first. */
struct glyph {
    int width, height;
    int left, top; /* of its first pixel from the origin; y downwards, so top is mostly < 0 */
    uint8_t *coverage; /* owned; NULL for a blank */
};

/* size in pixels; dx, dy in [0, 1): where in its pixel the origin lies. */
void font_render(const struct font *font, uint32_t codepoint, double size, double dx, double dy,
                 struct glyph *glyph);
void glyph_free(struct glyph *glyph);

#endif
