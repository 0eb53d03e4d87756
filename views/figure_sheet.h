/* What the painters of a figure share; private to views/figure*.c. */
#ifndef VIEWS_FIGURE_SHEET_H
#define VIEWS_FIGURE_SHEET_H

#include "views/figure.h"
#include "views/figure_page.h"

/* Inks of a theme. */
struct inks {
    uint32_t page, text, line, bars, strong;
};

struct inks sheet_inks(bool on_dark);

struct sheet {
    struct drawing *drawing;
    const struct page *page;
    const struct figure_data *data;
    const struct figure_options *options;
    const struct font *font;
    struct inks ink;
};

/* Pixels of the page as points of the drawing. */
double sheet_points(const struct sheet *sheet, long pixels);

/* Paints pixels [x, x + width) x [y, y + height); nothing when that is empty. */
void sheet_box(const struct sheet *sheet, long x, long y, long width, long height, uint32_t color);

/* Sets text by its anchor in pixels: on its base line, or, when centred, with the
 * middle of its small letters there. */
void sheet_text(const struct sheet *sheet, long x, long y, struct text_style style, bool centred,
                const char *words);

/* Bars of sender mass and of the rows beside the picture, and the picture of bars alone:
 * sender mass, or what compression costs. */
void sheet_mass_bars(const struct sheet *sheet);
void sheet_row_bars(const struct sheet *sheet);
void sheet_plot(const struct sheet *sheet);

/* The title, cut to the room for it in points when bold; to be freed. */
char *sheet_cut_title(const struct font *font, const char *title, double points);

/* The letter of a panel at the top left corner. */
void sheet_letter(struct drawing *drawing, const struct figure_options *options);

#endif
