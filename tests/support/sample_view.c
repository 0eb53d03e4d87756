#include "tests/support/sample_view.h"

struct view_state sample_view(int rows, int columns, enum pane focus, enum source_kind kind)
{
    struct view_state v;
    view_state_init(&v);
    v.rows = rows;
    v.columns = columns;
    v.focus = focus;
    v.moved.kind = kind;
    v.token = 165;
    v.slot = 12;
    v.layer = 21;
    v.answer_token = 2;
    return v;
}
