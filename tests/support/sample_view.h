/* How the sample snapshot is looked at: the token "coal", the slot that carries most of it, its
 * peak layer and the word of the answer. */
#ifndef TESTS_SUPPORT_SAMPLE_VIEW_H
#define TESTS_SUPPORT_SAMPLE_VIEW_H

#include "views/view_state.h"

struct view_state sample_view(int rows, int columns, enum pane focus, enum source_kind kind);

#endif
