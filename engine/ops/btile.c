#include "engine/ops/btile.h"

#include <string.h>

#include "engine/base/size.h"
#include "engine/ops/bkernel.h"

static void store(real *c, size_t ldc, btile_sums sums, size_t m, size_t n)
{
    for (size_t p = 0; p * BPANEL < n; p++)
        for (size_t i = 0; i < m; i++) {
            real *row = c + i * ldc + p * BPANEL;
            size_t count = size_min(BPANEL, n - p * BPANEL);
            if (sizeof(real) == sizeof(float) && count == BPANEL)
                memcpy(row, sums[p][i], BPANEL * sizeof(float));
            else
                for (size_t j = 0; j < count; j++)
                    row[j] = (real)sums[p][i][j];
        }
}

void btile_multiply(real *c, size_t ldc, const uint16_t *a, size_t a_step, const uint16_t *panels,
                    size_t panel_step, size_t m, size_t n, size_t pairs)
{
    enum { COLUMNS = BTILE_PANELS * BPANEL };
    bkernel *multiply = bkernel_best();
    for (size_t j = 0; j < n; j += COLUMNS)
        for (size_t i = 0; i < m; i += BTILE_ROWS) {
            const struct btile tile = {.panels = panels + j / BPANEL * panel_step,
                                       .panel_step = panel_step,
                                       .x = a + i * a_step,
                                       .x_step = a_step,
                                       .n_panels =
                                           size_min(BTILE_PANELS, size_div_up(n - j, BPANEL)),
                                       .rows = size_min(BTILE_ROWS, m - i),
                                       .pairs = pairs};
            btile_sums sums;
            multiply(sums, &tile);
            store(c + i * ldc + j, ldc, sums, tile.rows, size_min(COLUMNS, n - j));
        }
}
