/* The vocabulary of a tokenizer: for each id its type and the bytes that it
 * decodes to (its piece), and the way back from bytes to ids.
 *
 * Files write tokens in one of two alphabets. Byte level: each byte is one
 * printable character (GPT-2's table: most bytes stand for themselves, the other
 * 68 for U+0100 and up), so the space of " the" is written U+0120. SentencePiece:
 * plain text with U+2581 for the space, and tokens <0x00> to <0xFF> for bytes. */
#ifndef ENGINE_MODEL_TOKENIZER_VOCAB_H
#define ENGINE_MODEL_TOKENIZER_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/tokenizer_map.h"

enum { VOCAB_TOKENS_MAX = 1 << 20, VOCAB_PIECE_MAX = 1024 };

/* The numbers are GGUF's. */
enum token_type {
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,
    TOKEN_CONTROL = 3, /* "<|im_end|>": structure, not text */
    TOKEN_USER = 4,    /* an added token that is text */
    TOKEN_UNUSED = 5,
    TOKEN_BYTE = 6
};

enum vocab_alphabet { VOCAB_BYTE_LEVEL, VOCAB_SENTENCEPIECE };

struct vocab {
    size_t count;
    enum vocab_alphabet alphabet;
    struct text_span *pieces; /* into bytes */
    uint8_t *types;
    char *bytes;
    struct token_map map;  /* pieces of normal tokens that text can turn into; maybe empty */
    int32_t byte_ids[256]; /* the token of each single byte, -1 = none */
    int32_t space;         /* SentencePiece: the token of U+2581 */
};

/* What a file says. */
struct vocab_source {
    enum vocab_alphabet alphabet;
    bool whole_words; /* byte level: words are looked up in the map, not only bytes */
    const struct text_span *texts; /* [count], as the file writes them */
    const uint8_t *types;          /* [count] */
    size_t count;
    const char *name; /* of the file, for messages */
};

/* On failure *vocab can be freed. */
bool vocab_build(struct vocab *vocab, const struct vocab_source *source, struct err *err);
void vocab_free(struct vocab *vocab);

/* Is text "<0xHH>"? Then the byte, else -1. */
int vocab_byte_value(const char *text, size_t length);

/* Does text look like a byte token, "<0x" to ">" in six characters? */
bool vocab_looks_like_byte(const char *text, size_t length);

static inline bool vocab_is_space_mark(const char *text, size_t length)
{
    return length >= 3 && text[0] == '\xe2' && text[1] == '\x96' && text[2] == '\x81';
}

#endif
