/* What the parts of the tokenizer share. Loaders fill a zeroed struct tokenizer
 * through tokenizer_new(); tokenizer_free() takes it in any state. */
#ifndef ENGINE_MODEL_TOKENIZER_INTERNAL_H
#define ENGINE_MODEL_TOKENIZER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/tokenizer.h"
#include "engine/model/tokenizer_added.h"
#include "engine/model/tokenizer_bpe.h"
#include "engine/model/tokenizer_nfc.h"
#include "engine/model/tokenizer_split.h"
#include "engine/model/tokenizer_vocab.h"

/* Where SentencePiece puts a space in front of text that has none of its own. */
enum spm_prefix {
    SPM_PREFIX_NONE,
    SPM_PREFIX_EVERY, /* of the text and behind every added token */
    SPM_PREFIX_FIRST, /* only at the start of the text */
};

struct tokenizer {
    struct vocab vocab;
    struct bpe bpe;
    struct added_set added;            /* found in the text as it is */
    struct added_set added_normalised; /* found in the normalised text */
    bool nfc;

    /* Byte level. */
    enum split_kind split;
    bool ignore_merges; /* a word that is a token is that token */
    int32_t unknown;    /* stands for bytes without a token; -1: they vanish */
    bool fuse_unknown;  /* one for several in a row */

    /* SentencePiece. */
    enum spm_prefix prefix;
    bool prefix_unless_space; /* text that begins with a space gets no other */
    bool split_at_spaces;     /* words are apart even in a row of spaces */
    bool words_apart;         /* no token reaches from a word over a space */
    bool strip_space;         /* decoding drops one leading space */

    int32_t bos, eos;
    bool adds_bos, adds_eos;
    bool *stops; /* by id */
};

/* No BOS, no EOS, no unknown token. */
struct tokenizer *tokenizer_new(void);

/* Merges on their way into the tokenizer, in the order of the file: some wait, so that they are
 * looked up together. */
enum { MERGES_WAITING = 32 };

struct merge_list {
    struct tokenizer *tokenizer;
    const struct token_map *map; /* all texts of the vocabulary, at most VOCAB_PIECE_MAX long */
    const char *name;            /* of the file */
    struct text_span sides[2 * MERGES_WAITING]; /* left, right, left, right ... */
    size_t waiting;
    size_t entered;  /* the rank of the first that waits */
    int32_t product; /* of the last that was entered */
};

/* Adds the next merge. */
bool merge_list_add(struct merge_list *merges, struct text_span left, struct text_span right,
                    struct err *err);

/* Adds "left right". */
bool merge_list_add_joined(struct merge_list *merges, struct text_span merge, struct err *err);

/* Enters those that wait; to be called behind the last. */
bool merge_list_finish(struct merge_list *merges, struct err *err);

/* Enters the vocabulary of a file: texts, as it writes them, and types, both [count]. */
bool tokenizer_read_vocab(struct tokenizer *tokenizer, enum vocab_alphabet alphabet,
                          const struct text_span *texts, const uint8_t *types, size_t count,
                          const char *name, struct err *err);

/* Marks tokens that end a turn by what they are called, in every file. Needs the
 * vocabulary and the added tokens. */
void tokenizer_find_stops(struct tokenizer *tokenizer);

/* The id of an added token by its text, or -1. */
int32_t tokenizer_find_added(const struct tokenizer *tokenizer, const char *text,
                             size_t length);

/* Computes words_apart from the merges' products. */
void tokenizer_spm_finish(struct tokenizer *tokenizer);

/* SentencePiece merges from token scores: any two tokens whose texts together
 * are a token merge, higher scores first, equal scores alike. texts: as the file
 * writes them; scores: `count` floats, not aligned. */
void tokenizer_spm_merges(struct tokenizer *tokenizer, const struct text_span *texts,
                          const void *scores);

/* Turns a text section by section into tokens. */
struct encoder {
    const struct tokenizer *tokenizer;
    struct token_list *list;
    struct bpe_work work;
    const struct nfc_text *nfc; /* when the section is part of a normalised text */
    size_t base;                /* where that text lies in the original */
};

/* Append the tokens of text[from..to), which has no added tokens in it. */
void tokenizer_encode_byte_level(struct encoder *encoder, const char *text, size_t from,
                                 size_t to);
void tokenizer_encode_spm(struct encoder *encoder, const char *text, size_t from,
                          size_t to);

/* Merges the symbols that were pushed to encoder->work, appends what they became
 * and empties it. */
void tokenizer_encode_word(struct encoder *encoder);

/* A longer word is cut: bounds the scratch space. */
enum { TOKENIZER_WORD_MAX = 1 << 22 };

#endif
