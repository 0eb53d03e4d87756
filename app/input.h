/* Bytes from the terminal become events: keys, mouse, pastes, replies. Pure: no
 * file descriptor, no clock, no terminal library, so that it can be fed anything.
 *
 *     input_feed(&input, bytes, n);
 *     while (input_next(&input, false, &event))
 *         handle(&event);
 *
 * A sequence that is still incomplete stays in the buffer (input_waiting); when no
 * byte has followed for INPUT_ESCAPE_MS the caller asks with `settle`, and a lone
 * Esc becomes the Esc key. Unknown sequences are swallowed whole. */
#ifndef APP_INPUT_H
#define APP_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/keycodes.h"

enum { INPUT_ESCAPE_MS = 100, INPUT_PASTE_MAX = 1 << 20 };

enum input_kind {
    INPUT_KEY,
    INPUT_MOUSE,
    INPUT_PASTE,      /* text between the terminal's paste marks */
    INPUT_POSITION,   /* reply to "where is the cursor?": row, column */
    INPUT_BACKGROUND, /* reply to "which background?": luminance 0..1 */
};

enum mouse_button { MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

struct input_event {
    enum input_kind kind;
    uint32_t key;      /* keycodes.h */
    const char *bytes; /* the bytes of a key, or the text of a paste; valid until the
                          next call of input_feed or input_next */
    size_t length;
    int row, column; /* from 0 */
    enum mouse_button button;
    bool release;
    double luminance;
};

struct input {
    unsigned char *bytes;
    size_t used, capacity;
    size_t taken;  /* bytes of the last event, dropped by the next call */
    bool pasting;
};

void input_free(struct input *input);
void input_feed(struct input *input, const void *bytes, size_t length);
bool input_next(struct input *input, bool settle, struct input_event *event);
bool input_waiting(const struct input *input);

#endif
