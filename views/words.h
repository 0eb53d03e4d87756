/* The words of the screen, the formulas behind the panes and their captions: one table
 * for F3, F4 and i. */
#ifndef VIEWS_WORDS_H
#define VIEWS_WORDS_H

#include <stddef.h>

struct screen_word {
    const char *word, *meaning;
};
extern const struct screen_word screen_words[];
extern const size_t n_screen_words;

struct caption {
    const char *pane, *text, *formula;
};
/* The first four are those of enum pane. */
extern const struct caption captions[];
extern const size_t n_captions;

#endif
