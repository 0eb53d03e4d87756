/* Tokenizers: byte-level BPE (pre-tokenizers smollm, gpt-2, default, llama-bpe,
 * qwen2) and SentencePiece-style BPE with byte fall-back. */
#ifndef ENGINE_MODEL_TOKENIZER_H
#define ENGINE_MODEL_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/gguf.h"

struct tokenizer;

/* NULL and *err on failure. The gguf may be closed afterwards. vocab: rows of
 * the embedding matrix, which ids must stay below. */
struct tokenizer *tokenizer_from_gguf(const struct gguf *gguf, size_t vocab,
                                      struct err *err);

/* dir: a Hugging Face directory with tokenizer.json (and tokenizer_config.json,
 * generation_config.json, config.json for BOS/EOS rules). */
struct tokenizer *tokenizer_from_directory(const char *dir, size_t vocab,
                                           struct err *err);

/* From the bytes of a tokenizer.json alone (tests, fuzzing). */
struct tokenizer *tokenizer_from_json(const char *json, size_t length, const char *name,
                                      size_t vocab, struct err *err);
void tokenizer_free(struct tokenizer *tokenizer);

/* Ids with the byte range of the text that each came from: [start[i], end[i]).
 * Tokens that stand for no text (BOS) have an empty range; a token that is a
 * fragment of a character has the bytes of its fragment. */
struct token_list {
    int32_t *ids;
    uint32_t *start, *end;
    size_t count, capacity;
};
void token_list_push(struct token_list *list, int32_t id, uint32_t start, uint32_t end);
void token_list_free(struct token_list *list);

enum tokenizer_flags {
    TOKENIZER_ADD_SPECIAL =
        1, /* BOS in front, EOS behind, when the tokenizer adds them */
    TOKENIZER_PARSE_SPECIAL = 2, /* "<|im_end|>" in the text is that token */
};

/* Appends the tokens of text[0..length) to list. Never fails: invalid UTF-8 is
 * tokenised byte by byte, bytes without a token vanish. */
void tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length,
                      unsigned flags, struct token_list *list);

/* The bytes of one token, borrowed; a control token gives none unless
 * `special`, then its name. May be a fragment of a character. */
const char *tokenizer_piece(const struct tokenizer *tokenizer, int32_t id, bool special,
                            size_t *length);

/* Decodes ids to a malloc'ed, NUL-terminated string; length may be NULL. Ids
 * outside of the vocabulary give nothing. */
char *tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids,
                       size_t count, bool special, size_t *length);

/* Streaming: feeds one id and returns the complete characters that it finishes
 * (borrowed until the next call); fragments wait in the stream. `flush` gives
 * out what is left. A zeroed stream is ready; all its output together is what
 * tokenizer_decode gives for the same ids without special tokens. */
struct token_stream {
    char pending[1088]; /* the longest token behind an unfinished character */
    size_t held, shown;
    bool started;
};
const char *token_stream_feed(struct token_stream *stream,
                              const struct tokenizer *tokenizer, int32_t id,
                              size_t *length);
const char *token_stream_flush(struct token_stream *stream, size_t *length);

size_t tokenizer_vocab(const struct tokenizer *tokenizer);
int32_t tokenizer_bos(const struct tokenizer *tokenizer); /* -1: none defined */
int32_t tokenizer_eos(const struct tokenizer *tokenizer); /* -1: none defined */
bool tokenizer_adds_bos(const struct tokenizer *tokenizer);

/* Does generation end at this id (EOS, end of turn, generation_config)? */
bool tokenizer_is_stop(const struct tokenizer *tokenizer, int32_t id);
bool tokenizer_is_control(const struct tokenizer *tokenizer, int32_t id);

/* "smollm", "llama-bpe", ..., for info. */
const char *tokenizer_kind(const struct tokenizer *tokenizer);

#endif
