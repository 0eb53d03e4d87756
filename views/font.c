#include "views/font.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "views/strokes.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#define STBTT_STATIC
#define STBTT_malloc(size, context) ((void)(context), xmalloc(size))
#define STBTT_free(pointer, context) ((void)(context), free(pointer))
#define STB_TRUETYPE_IMPLEMENTATION
#include <stb/stb_truetype.h>
#pragma GCC diagnostic pop

#define SIDE_BEARING 0.85 /* before the first stroke of the built-in face, in units */
#define STROKES_TOP 8     /* room above its base line, in units */

struct font {
    bool builtin;
    stbtt_fontinfo info;
};

struct font *font_open(const void *bytes, size_t size)
{
    struct font *font = xcalloc(1, sizeof *font);
    int offset = bytes && size >= 64 ? stbtt_GetFontOffsetForIndex(bytes, 0) : -1;
    font->builtin = offset < 0 || !stbtt_InitFont(&font->info, bytes, offset);
    return font;
}

void font_close(struct font *font)
{
    free(font);
}

bool font_is_builtin(const struct font *font)
{
    return font->builtin;
}

bool font_has(const struct font *font, uint32_t codepoint)
{
    double advance;
    if (font->builtin)
        return strokes_of(codepoint, &advance) != NULL;
    return stbtt_FindGlyphIndex(&font->info, (int)codepoint) != 0;
}

double font_ascent(double size)
{
    return 0.76 * size;
}

double font_descent(double size)
{
    return 0.24 * size;
}

/* Pixels, or points, of one unit of the font. */
static double unit(const struct font *font, double size)
{
    if (font->builtin)
        return size * STROKES_UNIT;
    return (double)stbtt_ScaleForMappingEmToPixels(&font->info, 1) * size;
}

/* To the origin of the next character, in units of the font. */
static double advance_of(const struct font *font, uint32_t codepoint, uint32_t next)
{
    if (font->builtin) {
        double advance = 0;
        strokes_of(codepoint, &advance);
        return advance;
    }
    int glyph = stbtt_FindGlyphIndex(&font->info, (int)codepoint), advance, bearing;
    stbtt_GetGlyphHMetrics(&font->info, glyph, &advance, &bearing);
    if (next)
        advance += stbtt_GetGlyphKernAdvance(&font->info, glyph,
                                             stbtt_FindGlyphIndex(&font->info, (int)next));
    return advance;
}

struct walk {
    const struct font *font;
    double size, x;
    void (*visit)(void *context, const struct font_mark *mark);
    void *context;
};

static void place(struct walk *walk, uint32_t codepoint, uint32_t next)
{
    if (walk->visit)
        walk->visit(walk->context, &(struct font_mark){.codepoint = codepoint, .x = walk->x});
    walk->x += unit(walk->font, walk->size) * advance_of(walk->font, codepoint, next);
}

/* The code of a character that the face lacks, framed. */
static void place_box(struct walk *walk, uint32_t codepoint)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%04X", codepoint);
    double padding = 0.18 * walk->size, left = walk->x + 0.05 * walk->size;
    walk->x = left + padding;
    for (const char *p = digits; *p; p++)
        place(walk, (unsigned char)*p, 0);
    walk->x += padding;
    if (walk->visit)
        walk->visit(walk->context,
                    &(struct font_mark){.x = left, .frame_width = walk->x - left});
    walk->x += 0.05 * walk->size;
}

/* Joiners and selectors have no picture in any face; marks that a face lacks are missing. */
static bool is_unseen(uint32_t codepoint)
{
    return (codepoint >= 0x200b && codepoint <= 0x200f) || codepoint == 0xfeff ||
           codepoint == 0x2060 || (codepoint >= 0xfe00 && codepoint <= 0xfe0f) ||
           (codepoint >= 0xe0100 && codepoint <= 0xe01ef);
}

double font_walk(const struct font *font, const char *text, double size,
                 void (*visit)(void *context, const struct font_mark *mark), void *context)
{
    struct walk walk = {font, size, 0, visit, context};
    size_t length = strlen(text);
    uint32_t codepoint, next;
    for (size_t i = 0; i < length;) {
        i += text_decode(text + i, length - i, &codepoint);
        next = 0;
        if (i < length)
            text_decode(text + i, length - i, &next);
        if (codepoint == TEXT_INVALID)
            codepoint = 0xfffd;
        if (font_has(font, codepoint))
            place(&walk, codepoint, next != TEXT_INVALID && font_has(font, next) ? next : 0);
        else if (!is_unseen(codepoint))
            place_box(&walk, codepoint);
    }
    return walk.x;
}

double font_text_width(const struct font *font, const char *text, double size)
{
    return font_walk(font, text, size, NULL, NULL);
}

/* Distance of a point from a segment. */
static double segment_distance(double px, double py, const double a[2], const double b[2])
{
    double vx = b[0] - a[0], vy = b[1] - a[1], length2 = vx * vx + vy * vy;
    double t = length2 > 0 ? ((px - a[0]) * vx + (py - a[1]) * vy) / length2 : 0;
    t = fmin(1, fmax(0, t));
    return hypot(px - a[0] - t * vx, py - a[1] - t * vy);
}

/* Adds a stroke with round ends to a glyph; a, b in pixels from its corner. */
static void stroke(struct glyph *glyph, const double a[2], const double b[2], double radius)
{
    for (int y = 0; y < glyph->height; y++)
        for (int x = 0; x < glyph->width; x++) {
            double distance = segment_distance(x + 0.5, y + 0.5, a, b);
            long covered = lround(255 * fmin(1, fmax(0, radius + 0.5 - distance)));
            uint8_t *cell = &glyph->coverage[y * glyph->width + x];
            if (covered > *cell)
                *cell = (uint8_t)covered;
        }
}

static void render_strokes(uint32_t codepoint, double size, double dx, double dy,
                           struct glyph *glyph)
{
    double advance, u = size * STROKES_UNIT;
    const char *strokes = strokes_of(codepoint, &advance);
    if (!strokes || !*strokes)
        return;
    double left = SIDE_BEARING * u + dx;
    glyph->width = (int)ceil(left + (advance + 1) * u);
    glyph->height = (int)ceil((STROKES_TOP + STROKES_BASE + 1) * u) + 1;
    glyph->top = -(int)floor(STROKES_TOP * u);
    glyph->coverage = xcalloc((size_t)glyph->width * (size_t)glyph->height, 1);
    double last[2] = {0}, base = dy - glyph->top;
    bool begun = false;
    for (const char *p = strokes; *p; p++) {
        if (*p == ' ') {
            begun = false;
            continue;
        }
        double at[2] = {left + (p[0] - '0') * u, base - (p[1] - '0' - STROKES_BASE) * u};
        stroke(glyph, begun ? last : at, at, STROKES_WIDTH / 2 * u);
        last[0] = at[0], last[1] = at[1];
        begun = true;
        p++;
    }
}

void font_render(const struct font *font, uint32_t codepoint, double size, double dx, double dy,
                 struct glyph *glyph)
{
    *glyph = (struct glyph){0};
    if (font->builtin) {
        render_strokes(codepoint, size, dx, dy, glyph);
        return;
    }
    int index = stbtt_FindGlyphIndex(&font->info, (int)codepoint), x1, y1;
    float scale = (float)unit(font, size), sx = (float)dx, sy = (float)dy;
    stbtt_GetGlyphBitmapBoxSubpixel(&font->info, index, scale, scale, sx, sy, &glyph->left,
                                    &glyph->top, &x1, &y1);
    glyph->width = x1 - glyph->left;
    glyph->height = y1 - glyph->top;
    if (glyph->width <= 0 || glyph->height <= 0)
        return;
    glyph->coverage = xcalloc((size_t)glyph->width * (size_t)glyph->height, 1);
    stbtt_MakeGlyphBitmapSubpixel(&font->info, glyph->coverage, glyph->width, glyph->height,
                                  glyph->width, scale, scale, sx, sy, index);
}

void glyph_free(struct glyph *glyph)
{
    free(glyph->coverage);
    *glyph = (struct glyph){0};
}
