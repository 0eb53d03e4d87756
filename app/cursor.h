/* Moving the cursor: which coordinate a direction means in which pane (UX section
 * 3), always inside of what there is. */
#ifndef APP_CURSOR_H
#define APP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "app/session.h"

#define CURSOR_MOVES(X)                                                        \
    X(LEFT, "left")                                                            \
    X(RIGHT, "right")                                                          \
    X(UP, "up")                                                                \
    X(DOWN, "down")                                                            \
    X(FIRST, "first")                                                          \
    X(LAST, "last")                                                            \
    X(PAGE_UP, "page-up")                                                      \
    X(PAGE_DOWN, "page-down")                                                  \
    X(HALF_UP, "half-up")                                                      \
    X(HALF_DOWN, "half-down")                                                  \
    X(WINDOW_BACK, "window-back")                                              \
    X(WINDOW_ON, "window-on")                                                  \
    X(SEGMENT_BACK, "segment-back")                                            \
    X(SEGMENT_ON, "segment-on")

#define CURSOR_MOVE_ENUM(id, name) MOVE_##id,
enum cursor_move { CURSOR_MOVES(CURSOR_MOVE_ENUM) MOVE_COUNT };
#undef CURSOR_MOVE_ENUM
extern const char *const cursor_move_name[MOVE_COUNT];

void cursor_move(struct session *s, enum cursor_move move);

/* To a place; out of range goes to the nearest. Each makes it the source of the
 * light and the screen follows. */
void cursor_to_token(struct session *s, size_t token);
void cursor_to_layer(struct session *s, size_t layer);
void cursor_to_slot(struct session *s, size_t slot);
void cursor_to_answer(struct session *s, enum answer_mode mode, size_t token);

/* A jump is about to be made: `return` comes back here. And doing that. */
void cursor_remember(struct session *s);
bool cursor_return(struct session *s);

/* Puts the cursor back inside after the snapshot changed; lights nothing up. */
void cursor_clamp(struct session *s);

/* The pane in front gets the keys. While a token is lit, the plan's cursor begins at the slot
 * that gets most of it. */
void cursor_focus(struct session *s, enum pane pane);

#endif
