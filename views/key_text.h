/* Texts that name keys. A key stands in brackets that are in no other text, by the name that the
 * program's own table has for it: "⁅O⁆ opens a document". It is shown, without brackets, by the
 * name of the key that does the same now: `bind` may have moved it. ⁅Space|spc⁆ is shown as spc
 * where it has not. */
#ifndef VIEWS_KEY_TEXT_H
#define VIEWS_KEY_TEXT_H

#include <stddef.h>

#include "views/view_state.h"

#define KEY_OPEN "⁅"
#define KEY_CLOSE "⁆"

enum { KEY_TEXT_BYTES = 512 };
struct key_text {
    char text[KEY_TEXT_BYTES];
};

/* The text with the keys of now; cut to size. */
void key_text_fill(const struct view_state *state, const char *marked, char *out, size_t size);

/* The same, to be used in one expression: key_text(v, "⁅O⁆ opens one").text */
struct key_text key_text(const struct view_state *state, const char *marked);

#endif
