#include "views/heat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/size.h"

const char *const normalise_name[NORM_COUNT] = {"window", "token", "slot"};
const char *const scale_name[SCALE_COUNT] = {"linear", "sqrt", "log"};

static const double log_decades = 3;

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* Where a logarithmic scale begins. */
static double log_floor(const struct heat_scale *scale)
{
    return scale->low > 0 ? scale->low : scale->high * pow(10, -log_decades);
}

double heat_position(const struct heat_scale *scale, double value)
{
    double range = scale->high - scale->low;
    if (isnan(value))
        return value;
    if (!(range > 0))
        return 0;
    if (scale->scale == SCALE_LOG && scale->high > 0) {
        double floor = log_floor(scale);
        return value > floor ? clamp(log(value / floor) / log(scale->high / floor)) : 0;
    }
    double x = clamp((value - scale->low) / range);
    return scale->scale == SCALE_SQRT ? sqrt(x) : x;
}

int heat_level(const struct heat_scale *scale, double value)
{
    double x = heat_position(scale, value);
    return isnan(x) ? -1 : (int)lround(x * (COLORMAP_LEVELS - 1));
}

double heat_value_at(const struct heat_scale *scale, double position)
{
    if (scale->scale == SCALE_LOG && scale->high > 0) {
        double floor = log_floor(scale);
        return floor * pow(scale->high / floor, position);
    }
    double x = scale->scale == SCALE_SQRT ? position * position : position;
    return scale->low + x * (scale->high - scale->low);
}

void heat_grid_init(struct heat_grid *grid, size_t rows, size_t columns)
{
    grid->rows = rows;
    grid->columns = columns;
    grid->value = xcalloc(rows * columns, sizeof *grid->value);
    for (size_t i = 0; i < rows * columns; i++)
        grid->value[i] = NAN;
}

void heat_grid_free(struct heat_grid *grid)
{
    free(grid->value);
    *grid = (struct heat_grid){0};
}

static float pool_cell(const struct heat_source *s, size_t token, size_t token_end,
                       size_t row, size_t row_end, bool sum)
{
    double total = 0;
    for (size_t t = token; t < token_end; t++)
        for (size_t j = row; j < row_end; j++)
            total += (double)s->values[t * s->token_stride + j * s->row_stride];
    size_t count = (token_end - token) * (row_end - row);
    return (float)(sum ? total : total / (double)count);
}

void heat_grid_pool(struct heat_grid *grid, const struct heat_source *source,
                    size_t tokens_per_cell, size_t rows_per_cell, bool sum)
{
    heat_grid_init(grid, size_div_up(source->rows, rows_per_cell),
                   size_div_up(source->tokens, tokens_per_cell));
    for (size_t r = 0; r < grid->rows; r++) {
        size_t row_end = size_min((r + 1) * rows_per_cell, source->rows);
        for (size_t c = 0; c < grid->columns; c++) {
            size_t token_end = size_min((c + 1) * tokens_per_cell, source->tokens);
            grid->value[r * grid->columns + c] = pool_cell(
                source, c * tokens_per_cell, token_end, r * rows_per_cell, row_end, sum);
        }
    }
}

/* Divides `count` values that lie `stride` apart by the largest of them. */
static void normalise_line(float *value, size_t count, size_t stride)
{
    float top = 0;
    for (size_t i = 0; i < count; i++)
        top = fmaxf(top, value[i * stride]);
    for (size_t i = 0; top > 0 && i < count; i++)
        value[i * stride] /= top;
}

void heat_normalise(struct heat_grid *grid, enum normalise normalise)
{
    if (normalise == NORM_TOKEN)
        for (size_t c = 0; c < grid->columns; c++)
            normalise_line(grid->value + c, grid->rows, grid->columns);
    else if (normalise == NORM_SLOT)
        for (size_t r = 0; r < grid->rows; r++)
            normalise_line(grid->value + r * grid->columns, grid->columns, 1);
}

double heat_max(const struct heat_grid *grid)
{
    double top = 0;
    for (size_t i = 0; i < grid->rows * grid->columns; i++)
        if (isfinite(grid->value[i]))
            top = fmax(top, (double)grid->value[i]);
    return top;
}

struct heat_scale heat_auto_scale(const struct heat_grid *grid, enum scale scale,
                                  double low, double high)
{
    return (struct heat_scale){scale, isnan(low) ? 0 : low,
                               isnan(high) ? heat_max(grid) : high};
}

size_t heat_tokens_per_cell(size_t tokens, size_t cells)
{
    size_t per_cell = 1;
    while (cells > 0 && size_div_up(tokens, per_cell) > cells)
        per_cell *= 2;
    return per_cell;
}

uint32_t heat_shade(enum glyph_set glyphs, double position)
{
    static const char ascii[] = " .:-=+*#%@";
    static const uint32_t shades[] = {' ', 0x2591, 0x2592, 0x2593, 0x2588};
    if (isnan(position))
        return ' ';
    if (glyphs == GLYPHS_ASCII)
        return (unsigned char)ascii[(int)(clamp(position) * 9 + 0.5)];
    return shades[(int)(clamp(position) * 4 + 0.5)];
}

uint32_t heat_bar(enum glyph_set glyphs, double position)
{
    static const char ascii[] = " .__--==#";
    if (isnan(position) || position <= 0)
        return ' ';
    int eighths = (int)ceil(clamp(position) * 8);
    return glyphs == GLYPHS_ASCII ? (unsigned char)ascii[eighths]
                                  : 0x2580u + (uint32_t)eighths;
}
