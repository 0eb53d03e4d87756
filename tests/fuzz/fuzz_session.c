/* Session files (.cxt): what is read can be drawn, in every pane and as light follows the
 * cursor. */
#include <stdlib.h>

#include "app/session_file.h"
#include "tests/fuzz/memory_file.h"
#include "views/canvas.h"
#include "views/layout.h"
#include "views/view_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void draw(const struct snapshot *s, struct view_state *v)
{
    struct canvas canvas;
    view_follow_cursor(s, v);
    canvas_init(&canvas, v->rows, v->columns);
    view_draw(s, v, &canvas);
    canvas_free(&canvas);
}

/* One screen of many, which the bytes choose, so that an execution stays short. */
static void show(const struct snapshot *s, uint8_t choice)
{
    struct view_state v;
    view_state_init(&v);
    v.focus = (enum pane)(choice % PANE_COUNT);
    v.zoomed = choice & 8;
    v.zoom_level = choice >> 4 & 1;
    v.turned = choice >> 5 & 1;
    if (choice >> 6 & 1)
        v.overlay = choice >> 7 ? OVERLAY_HEALTH : OVERLAY_EXPLAIN;
    draw(s, &v);
    v.token = s->document->tokens - 1;
    v.slot = v.layer = 1;
    draw(s, &v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct memory_file file;
    struct figure_meta meta;
    struct pins pins;
    if (size == 0)
        return 0;
    memory_file_open(&file, data + 1, size - 1);
    struct snapshot *s = session_file_read(file.path, &meta, NULL, &pins, &err);
    CHECK(s || (err.code != ERR_NONE && *err.text));
    if (s) {
        show(s, data[0]);
        for (size_t i = 0; i < pins.n; i++)
            show(pins.pins[i].snapshot, data[0]);
        pins_free(&pins);
        snapshot_release(s);
        figure_meta_free(&meta);
    }
    memory_file_close(&file);
    return 0;
}
