/* Which keys reach readline. Its callback interface has paths that crash or free
 * twice (a key sequence in a search, an argument before Enter, searching the history
 * by its beginning: all found by feeding it random keys). So a key is looked up
 * first, and only those are fed that run a function known to be sound; what they are
 * bound to remains the user's choice. Used by prompt.c alone. */
#ifndef APP_PROMPT_KEYS_H
#define APP_PROMPT_KEYS_H

#include <stddef.h>

enum prompt_fate {
    KEY_FEED,   /* a whole sequence that runs a sound function */
    KEY_PREFIX, /* more must follow (C-x) */
    KEY_DROP    /* does nothing here */
};

/* The fate of the bytes of one or more keys. */
enum prompt_fate prompt_keys_fate(const char *bytes, size_t length);

/* Bindings that readline would take from the terminal's description, had it one;
 * `editor`: run by C-x C-e. */
void prompt_keys_bind(int (*editor)(int, int));

#endif
