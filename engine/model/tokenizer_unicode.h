/* Character classes as the tokenizers' regular expressions see them. */
#ifndef ENGINE_MODEL_TOKENIZER_UNICODE_H
#define ENGINE_MODEL_TOKENIZER_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum char_class {
    CHAR_OTHER,  /* [^\s\p{L}\p{N}], and bytes that are not UTF-8 */
    CHAR_LETTER, /* \p{L} */
    CHAR_NUMBER, /* \p{N} */
    CHAR_SPACE,  /* \s: the property White_Space */
};

/* The class of the first character of text[0..length), length > 0, and its
 * bytes in *bytes. */
enum char_class unicode_class(const char *text, size_t length, size_t *bytes);

/* Is the first character punctuation, \p{P}? */
bool unicode_is_punctuation(const char *text, size_t length);

/* \w: letters, marks, decimal digits, letter numbers, connectors. */
bool unicode_is_word(uint32_t codepoint);
bool unicode_is_space(uint32_t codepoint);

/* Can this character join the one before it under NFC: a mark, or a Hangul vowel
 * or final consonant? */
bool unicode_joins_before(uint32_t codepoint);

#endif
