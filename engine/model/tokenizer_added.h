/* Added tokens: texts that become one token each before anything else happens
 * ("<|im_end|>"). At each place the longest one wins, and the search goes on
 * behind it. A search costs at most the longest text per byte, which
 * ADDED_TEXT_MAX bounds. */
#ifndef ENGINE_MODEL_TOKENIZER_ADDED_H
#define ENGINE_MODEL_TOKENIZER_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

enum { ADDED_TEXT_MAX = 256 };

enum added_flags {
    ADDED_SPECIAL = 1,     /* only matched when special tokens are parsed */
    ADDED_LSTRIP = 2,      /* takes white space in front of it along */
    ADDED_RSTRIP = 4,      /* takes white space behind it along */
    ADDED_SINGLE_WORD = 8, /* not inside a word */
};

struct added_token {
    char *text; /* owned by the set */
    size_t length;
    int32_t id;
    unsigned flags;
};

/* Sorted by text when finished. */
struct added_set {
    struct added_token *tokens;
    size_t count, capacity;
    bool starts[256]; /* first bytes that occur */
};

/* Copies text. place: which token it is, for messages ("added token 3"). */
bool added_set_put(struct added_set *set, const char *text, size_t length, int32_t id,
                   unsigned flags, const char *name, size_t place, struct err *err);

/* To be called once, after the last put. Of two tokens with the same text the
 * one that was put first counts. */
void added_set_finish(struct added_set *set);
void added_set_free(struct added_set *set);

/* A token that was found, and what it covers with stripped white space. */
struct added_match {
    size_t start, end;
    int32_t id;
};

/* The first added token of text[from..length) that counts. `from` is where the
 * last match ended: no match begins in front of it. */
bool added_set_find(const struct added_set *set, const char *text, size_t length,
                    size_t from, bool parse_special, struct added_match *match);

#endif
