#include "views/glyphs.h"

#include "views/chart.h"

#define PLUS_MINUS 0xb1

struct substitute {
    uint32_t from, to; /* a range of glyphs */
    char ascii;
};

static const struct substitute substitutes[] = {
    {0x2500, 0x2500, '-'}, /* frame */
    {0x2504, 0x2504, '-'}, /* level of a chart */
    {0x2502, 0x2502, '|'}, {0x250c, 0x253c, '+'},
    {0x2571, 0x2571, '/'}, /* unread */
    {0x2581, 0x2583, '.'}, /* bars from below, when a pane did not choose itself */
    {0x2584, 0x2586, '='}, {0x2587, 0x2588, '#'},
    {0x2589, 0x258b, '#'},                        /* bars from the left */
    {0x258c, 0x258e, '='}, {0x258f, 0x258f, '|'}, /* full slot, thin mark */
    {0x2590, 0x2590, '>'},                        /* current window */
    {0x2591, 0x2593, '+'}, {0x2595, 0x2595, '|'},
    {0x00a6, 0x00a6, '|'}, /* window mark */
    {0x00b7, 0x00b7, '.'}, {0x00d7, 0x00d7, 'x'},
    {0x21b5, 0x21b5, '$'}, /* newline */
};

static uint32_t to_ascii(uint32_t codepoint)
{
    if (codepoint >= 0x2800 && codepoint <= 0x28ff)
        return chart_ascii(codepoint);
    for (size_t i = 0; i < sizeof substitutes / sizeof *substitutes; i++)
        if (codepoint >= substitutes[i].from && codepoint <= substitutes[i].to)
            return (unsigned char)substitutes[i].ascii;
    return codepoint;
}

/* " ±" becomes "+-". */
static void spell_plus_minus(struct canvas_cell *cell, bool has_left)
{
    if (has_left && cell[-1].codepoint == ' ')
        cell[-1].codepoint = '+';
    cell->codepoint = '-';
}

void glyphs_to_ascii(struct canvas *canvas)
{
    for (int i = 0; i < canvas->rows * canvas->columns; i++) {
        struct canvas_cell *cell = &canvas->cells[i];
        if (cell->codepoint == PLUS_MINUS)
            spell_plus_minus(cell, i % canvas->columns > 0);
        else if (cell->codepoint > 0x7f)
            cell->codepoint = to_ascii(cell->codepoint);
    }
}
