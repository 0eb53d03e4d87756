/* Keys as numbers: a Unicode character, or one of the named keys above the last
 * character, plus modifier bits. Names as people write them: "a", "?", "C-r",
 * "M-x", "S-Tab", "F5", "Space". */
#ifndef APP_KEYCODES_H
#define APP_KEYCODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYCODE_NAMES(X)                                                       \
    X(UP, "Up")                                                                \
    X(DOWN, "Down")                                                            \
    X(LEFT, "Left")                                                            \
    X(RIGHT, "Right")                                                          \
    X(HOME, "Home")                                                            \
    X(END, "End")                                                              \
    X(PAGE_UP, "PgUp")                                                         \
    X(PAGE_DOWN, "PgDn")                                                       \
    X(INSERT, "Ins")                                                           \
    X(DELETE, "Del")                                                           \
    X(TAB, "Tab")                                                              \
    X(ENTER, "Enter")                                                          \
    X(ESCAPE, "Esc")                                                           \
    X(BACKSPACE, "Backspace")                                                  \
    X(F1, "F1")                                                                \
    X(F2, "F2")                                                                \
    X(F3, "F3")                                                                \
    X(F4, "F4")                                                                \
    X(F5, "F5")                                                                \
    X(F6, "F6")                                                                \
    X(F7, "F7")                                                                \
    X(F8, "F8")                                                                \
    X(F9, "F9")                                                                \
    X(F10, "F10")                                                              \
    X(F11, "F11")                                                              \
    X(F12, "F12")

#define KEYCODE_ENUM(id, name) KEYCODE_##id,
enum keycode { KEYCODE_LAST_CHARACTER = 0x10ffff, KEYCODE_NAMES(KEYCODE_ENUM) };
#undef KEYCODE_ENUM

#define KEYCODE_CTRL  (1u << 24)
#define KEYCODE_ALT   (1u << 25)
#define KEYCODE_SHIFT (1u << 26) /* of named keys only: a shifted letter is its capital */
#define KEYCODE_PLAIN (KEYCODE_CTRL - 1)

enum { KEYCODE_NAME_SIZE = 32 };

/* "C-r" -> code; false when the text names no key. */
bool keycode_parse(const char *text, uint32_t *code);

/* Why a key that has a name cannot be bound, or NULL: terminals send another's byte for it. */
const char *keycode_never_comes(uint32_t code);

/* The name that keycode_parse reads; characters that must not be printed come
 * escaped. Returns out. */
char *keycode_format(uint32_t code, char out[KEYCODE_NAME_SIZE]);

#endif
